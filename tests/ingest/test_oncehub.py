"""OnceHub's events: signatures, and events that are right, odd or broken."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from instep.core.booking import Kind, Status
from instep.core.errors import InputError
from instep.core.fold import Change, Owner
from instep.ingest import oncehub
from oncehub_events import NUNO, envelope, form, line, owner, with_change

EXAMPLES = Path(__file__).parents[2] / "examples" / "oncehub-events.jsonl"

SECRET = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
BODY = '{"id":"EVNT-3ZC8WQ1L0K","name":"Søren"}'.encode()
NOW = 1_772_000_000


def signed(body: bytes = BODY, at: int = NOW, secret: str = SECRET) -> str:
    digest = hmac.new(secret.encode(), str(at).encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={at},s={digest}"


class TestSignature:
    """Verified over the raw bytes, in constant time, within a tolerance (OnceHub 9.6)."""

    def test_a_known_vector(self) -> None:
        header = "t=1772000000,s=" + hmac.new(b"key", b"1772000000.{}", "sha256").hexdigest()
        assert oncehub.verify(b"{}", header, "key", 1_772_000_000.0)

    def test_one_changed_byte_is_refused_at_every_place(self) -> None:
        header = signed()
        assert oncehub.verify(BODY, header, SECRET, NOW)
        for place in range(len(BODY)):
            changed = bytearray(BODY)
            changed[place] ^= 1
            assert not oncehub.verify(bytes(changed), header, SECRET, NOW)

    @pytest.mark.parametrize(
        ("age", "fine"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)]
    )
    def test_the_time_may_be_five_minutes_off(self, age: int, fine: bool) -> None:
        assert oncehub.verify(BODY, signed(at=NOW - age), SECRET, NOW) is fine

    def test_the_time_is_signed_too(self) -> None:
        old = signed(at=NOW - 1000)
        assert not oncehub.verify(BODY, old.replace(str(NOW - 1000), str(NOW)), SECRET, NOW)

    def test_other_schemes_beside_it_do_not_matter(self) -> None:
        time, good = signed().split(",")
        assert oncehub.verify(BODY, f"{time},v0=abc,{good}", SECRET, NOW)
        assert oncehub.verify(BODY, f"{time}, s=00ff , {good}", SECRET, NOW), "two secrets during a change"
        assert not oncehub.verify(BODY, f"{time},v0={good[2:]}", SECRET, NOW)

    @pytest.mark.parametrize(
        "header",
        [
            None,
            "",
            "t=,s=",
            "t=x,s=y",
            "s=abc",
            f"t={NOW}",
            "t=²,s=a",
            f"t={NOW},s=é",
            f"t={NOW},t={NOW},s=a",
            "," * 99,
        ],
    )
    def test_anything_else_is_refused_without_an_error(self, header: str | None) -> None:
        assert oncehub.verify(BODY, header, SECRET, NOW) is False

    def test_another_secret_is_refused(self) -> None:
        assert not oncehub.verify(BODY, signed(secret="other"), SECRET, NOW)


def test_an_event_in_all_its_parts() -> None:
    snapshot = oncehub.parse_envelope(line("EVNT-9", "rescheduled", 5, owner=owner(), in_trash=True))
    assert (snapshot.envelope_id, snapshot.booking_id) == ("EVNT-9", "BKNG-7Q2M9XKD41TA")
    assert (snapshot.kind, snapshot.status) == (Kind.RESCHEDULED, Status.RESCHEDULED)
    assert snapshot.start == datetime(2026, 3, 5, 13, tzinfo=UTC)
    assert snapshot.duration == timedelta(minutes=45)
    assert snapshot.in_trash
    assert snapshot.form is not None
    assert snapshot.form.custom == {"team_size": "11-50", "topics": ("Pricing", "Security")}
    assert snapshot.custom == {"discussion_points": "Data import"}
    assert snapshot.owner == Owner("USR-4HN2P7WZQ8", NUNO, "Nuno Reis", "Europe/Lisbon")
    assert snapshot.host_address == NUNO
    assert snapshot.calendar == "BKC-51RT8YQ20V"


def test_every_example_event_can_be_read() -> None:
    for raw in EXAMPLES.read_bytes().splitlines():
        oncehub.parse_envelope(raw)


def test_null_parts_are_not_spoken_of() -> None:
    nothing = dict.fromkeys(
        ("form_submission", "external_calendar", "virtual_conferencing", "owner", "attendees", "subject")
    )
    snapshot = oncehub.parse_envelope(line("E", "scheduled", 0, **nothing, custom_fields=None))
    said = (
        snapshot.form,
        snapshot.host_address,
        snapshot.virtual_location,
        snapshot.owner,
        snapshot.attendees,
    )
    assert said == (None,) * 5
    assert (snapshot.subject, snapshot.custom) == (None, None)


def test_a_form_of_blanks_is_no_form() -> None:
    blank = form(name="", email=None, mobile_phone=None, note=None, company="", guests=[], custom_fields=[])
    assert oncehub.parse_envelope(line("E", "scheduled", 0, form_submission=blank)).form is None


def test_a_block_of_empty_strings_is_null() -> None:
    empty = {"reason": "", "actioned_by": "", "user_id": ""}
    given = {"reason": "ill", "actioned_by": "user", "user_id": "USR-1"}
    assert (
        oncehub.parse_envelope(line("E", "completed", 0, cancel_reschedule_information=empty)).change is None
    )
    said = oncehub.parse_envelope(line("E", "canceled", 0, cancel_reschedule_information=given)).change
    assert said == Change("ill", "user")


def test_without_a_last_update_the_event_itself_tells_the_time() -> None:
    snapshot = oncehub.parse_envelope(line("E", "scheduled", 7, last_updated_time=None))
    assert snapshot.updated_at == snapshot.created_at


def test_texts_are_taken_as_they_are() -> None:
    name = '‫שלום‬ 🎉 O\'Neil "x" @{ref.id} %_ =1+1 <b>'
    note = "x" * 40_000
    snapshot = oncehub.parse_envelope(line("E", "scheduled", 0, form_submission=form(name=name, note=note)))
    assert snapshot.form is not None
    assert (snapshot.form.name, snapshot.form.note) == (name, note)


def test_a_written_out_escape_is_not_a_nul() -> None:
    snapshot = oncehub.parse_envelope(line("E", "scheduled", 0, subject=r"C:\u0000 and \\u0000"))
    assert snapshot.subject == r"C:\u0000 and \\u0000"


EVENT = envelope()

BROKEN: list[tuple[bytes, str]] = [
    (b"", "not JSON"),
    (b"{", "not JSON"),
    (line()[:-20], "not JSON"),
    (b"\xff\xfe", "UTF-8"),
    (b"[]", "not a JSON object"),
    (b"null", "not a JSON object"),
    (b'{"a":' * 3000, "nested too deeply"),
    (b'{"id":"E","type":"booking.scheduled","x":NaN}', "number"),
    (b'{"id":"E","type":"booking.scheduled","x":1e999}', "number"),
    (b'{"x":' + b"9" * 5000 + b"}", "number"),
    (b" " * (oncehub.MAX_BYTES + 1), "longer than"),
    (with_change(EVENT, "data.form_submission.name", "a\0b"), "NUL"),
    (with_change(EVENT, "data.form_submission.custom_fields", [{"name": "a", "value": ["\0"]}]), "NUL"),
    (line().replace(b"Ines Castro", b"Ines \x00 Castro"), "not JSON"),
    (line().replace(b"Ines Castro", rb"\ud83d"), "half of a character"),
    (with_change(EVENT, "type", None), "type is missing"),
    (with_change(EVENT, "id", ""), "id is missing"),
    (with_change(EVENT, "id", 7), "id is missing"),
    (with_change(EVENT, "id", "E" * 256), "id is longer"),
    (with_change(EVENT, "data", None), "data is missing"),
    (with_change(EVENT, "data", "text"), "data is missing"),
    (with_change(EVENT, "data.id", None), "data.id is missing"),
    (with_change(EVENT, "data.id", "B" * 256), "data.id is longer"),
    (with_change(EVENT, "data.status", "lost"), "data.status"),
    (with_change(EVENT, "data.status", []), "data.status"),
    (with_change(EVENT, "creation_time", None), "creation_time is missing"),
    (with_change(EVENT, "data.starting_time", None), "starting_time is missing"),
    (with_change(EVENT, "data.starting_time", "tomorrow"), "not a time"),
    (with_change(EVENT, "data.starting_time", 1772000000), "not a time"),
    (with_change(EVENT, "data.starting_time", "1969-12-31T23:59:59Z"), "years from 1970"),
    (with_change(EVENT, "data.starting_time", "2201-01-01T00:00:00Z"), "years from 1970"),
    (with_change(EVENT, "data.starting_time", "9999-12-31T23:59:59-14:00"), "not a time"),
    (with_change(EVENT, "data.last_updated_time", "0001-01-01T00:00:00Z"), "years from 1970"),
    (with_change(EVENT, "data.creation_time", "2026-02-30T00:00:00Z"), "not a time"),
    (with_change(EVENT, "data.duration_minutes", None), "duration_minutes"),
    (with_change(EVENT, "data.duration_minutes", "45"), "duration_minutes"),
    (with_change(EVENT, "data.duration_minutes", True), "duration_minutes"),
    (with_change(EVENT, "data.duration_minutes", 0), "duration_minutes"),
    (with_change(EVENT, "data.duration_minutes", -30), "duration_minutes"),
    (with_change(EVENT, "data.duration_minutes", 14 * 1440 + 1), "duration_minutes"),
    (with_change(EVENT, "data.form_submission", "text"), "form_submission"),
    (with_change(EVENT, "data.form_submission.name", ["a"]), "name is not text"),
    (with_change(EVENT, "data.form_submission.guests", "x"), "guests"),
    (with_change(EVENT, "data.external_calendar", []), "external_calendar"),
    (with_change(EVENT, "data.attendees", "x"), "attendees"),
    (with_change(EVENT, "data.custom_fields", {}), "custom_fields"),
    (with_change(EVENT, "data.subject", {}), "subject is not text"),
]


@pytest.mark.parametrize(("raw", "what"), BROKEN, ids=[f"{n}-{what}" for n, (_, what) in enumerate(BROKEN)])
def test_a_broken_event_is_refused_by_name(raw: bytes, what: str) -> None:
    with pytest.raises(InputError, match=what) as refused:
        oncehub.parse_envelope(raw)
    assert refused.value.code in (oncehub.MALFORMED, oncehub.TOO_LARGE)
    assert len(refused.value.message) < 300


@pytest.mark.parametrize(
    "kind", ["conversation.started", "contact.created", "booking.exploded", "booking.no_show_undone"]
)
def test_events_of_other_kinds_are_not_used(kind: str) -> None:
    with pytest.raises(InputError) as refused:
        oncehub.parse_envelope(with_change(EVENT, "type", kind))
    assert refused.value.code == oncehub.NOT_USED


@pytest.mark.parametrize(
    ("odd", "part", "value"),
    [
        ({"attendees": [{"email": "a@x.example"}, None, 7, ""]}, "attendees", ("a@x.example",)),
        ({"booking_calendar": {"id": "BKC-1", "name": "Demos"}}, "calendar_name", "Demos"),
        ({"booking_calendar": None, "booking_page": "BP-1"}, "calendar", "BP-1"),
        (
            {"booking_calendar": None, "booking_page": {"id": "BP-1", "label": "Dana"}},
            "calendar_name",
            "Dana",
        ),
        ({"owner": {}}, "owner", None),
        ({"owner": {"id": "USR-1", "email": "not an address"}}, "owner", Owner("USR-1")),
        (
            {"utm_params": {"source": "mail", "utm_term": "x", "n": 1}},
            "utm",
            {"utm_source": "mail", "utm_term": "x"},
        ),
        ({"custom_fields": [{"name": "n", "value": 3}, {"value": 1}, None]}, "custom", {"n": "3"}),
        ({"duration_minutes": 30.0}, "duration", timedelta(minutes=30)),
        ({"starting_time": "2026-03-05T13:00:00"}, "start", datetime(2026, 3, 5, 13, tzinfo=UTC)),
        ({"starting_time": "2026-03-05T14:00:00+01:00"}, "start", datetime(2026, 3, 5, 13, tzinfo=UTC)),
    ],
)
def test_odd_shapes_are_understood(odd: dict[str, Any], part: str, value: Any) -> None:
    assert getattr(oncehub.parse_envelope(line("E", "scheduled", 0, **odd)), part) == value


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        (NUNO, True),
        ("Nuno@Host.Example", True),
        ("c_12@group.calendar.google.com", False),
        ("x@resource.calendar.google.com", False),
        ("primary", False),
        ("AAMkAD=", False),
        ("a@localhost", False),
        ("a b@host.example", False),
        ("a@b@host.example", False),
    ],
)
def test_which_calendar_ids_are_a_persons_address(address: str, is_one: bool) -> None:
    assert oncehub.is_host_address(address) is is_one


def test_what_is_read_can_be_kept_as_json() -> None:
    document = oncehub.read(line())
    assert json.loads(json.dumps(document)) == document
