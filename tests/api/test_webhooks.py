"""OnceHub's webhook over HTTP: every delivery gets an answer that is right for it, and none a 500."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from django.test import Client

from instep.bookings.inlet import provide_endpoint
from instep.store.models import Account, Booking, SetAside
from oncehub_events import envelope, form, line, with_change

SECRET = "the secret"


@pytest.fixture
def account(db: None) -> Account:
    return Account.objects.create(name="Acme")


@pytest.fixture
def path(account: Account) -> str:
    return provide_endpoint(account, "oncehub", SECRET).path


@pytest.fixture
def client() -> Client:
    """A sender without cookies; a mistake of ours is an answer as in production, CSRF checks are on."""
    return Client(raise_request_exception=False, enforce_csrf_checks=True)


def signature(raw: bytes, age: int = 0) -> str:
    stamp = str(int(time.time()) - age)
    return f"t={stamp},s={hmac.new(SECRET.encode(), stamp.encode() + b'.' + raw, hashlib.sha256).hexdigest()}"


def post(client: Client, path: str, raw: bytes, header: str | None = None, **extra: Any) -> Any:
    signed = signature(raw) if header is None else header
    return client.post(
        path, raw, content_type="application/json", headers={"Oncehub-Signature": signed}, **extra
    )


def test_signed_event_is_recorded_and_sent_again_doubles_nothing(client: Client, path: str) -> None:
    raw = line("EVNT-1")
    assert (post(client, path, raw).status_code, post(client, path, raw).json()["status"]) == (
        200,
        "DUPLICATE",
    )
    assert Booking.objects.count() == 1


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("", "empty"),
        ("t=1,s=00", "long ago"),
        ("nonsense", "no parts"),
        ("t=99999999999999999999,s=00", "absurd time"),
        ("s=" + "0" * 64, "no time"),
        ("t=\u0661,s=é", "not ASCII"),
    ],
)
def test_wrong_signature_is_401_and_leaves_no_trace(client: Client, path: str, header: str, why: str) -> None:
    assert post(client, path, line("EVNT-1"), header).status_code == 401
    assert not Booking.objects.exists()
    assert not SetAside.objects.exists()


def test_one_changed_byte_and_an_old_timestamp_are_401(client: Client, path: str) -> None:
    raw = line("EVNT-1")
    assert post(client, path, raw.replace(b"Ines", b"Inez"), signature(raw)).status_code == 401
    assert post(client, path, raw, signature(raw, age=3600)).status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["unknown", "a%00b", "é" * 50, "x" * 3000])
def test_unknown_address_is_404(client: Client, address: str) -> None:
    answer = post(client, f"/webhooks/oncehub/{address}", b"{}")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"]


@pytest.mark.parametrize("method", ["get", "put", "delete", "head"])
def test_other_methods_are_405_and_name_the_right_one(client: Client, path: str, method: str) -> None:
    answer = getattr(client, method)(path)
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


_DEEP = b'{"a":' * 5_000 + b"1" + b"}" * 5_000
_EVENT = envelope("EVNT-1")


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{broken", id="broken JSON"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"null", id="null"),
        pytest.param(b"\xff\xfe\x00", id="not UTF-8"),
        pytest.param(line("EVNT-1").replace(b"Onboarding", b"On\\u0000boarding"), id="NUL in a text"),
        pytest.param(line("EVNT-1").replace(b"Onboarding", b"\\ud800"), id="half a character"),
        pytest.param(with_change(_EVENT, "data.starting_time", "99999-01-01T00:00:00Z"), id="absurd year"),
        pytest.param(
            with_change(_EVENT, "data.starting_time", "0001-01-01T00:00:00+23:59"), id="before time"
        ),
        pytest.param(with_change(_EVENT, "data.starting_time", 7), id="a number for a time"),
        pytest.param(
            line("EVNT-1").replace(b'"duration_minutes": 45', b'"duration_minutes": 1e999'), id="1e999"
        ),
        pytest.param(
            line("EVNT-1").replace(b'"duration_minutes": 45', b'"duration_minutes": ' + b"9" * 5_000),
            id="huge number",
        ),
        pytest.param(with_change(_EVENT, "data.id", "B" * 10_000), id="endless id"),
        pytest.param(with_change(_EVENT, "data", []), id="data is a list"),
        pytest.param(_DEEP, id="nested deeply"),
        pytest.param(b'{"id":"E","type":"conversation.started","data":{}}', id="not a booking"),
    ],
)
def test_what_cannot_be_used_is_kept_and_not_asked_for_again(client: Client, path: str, raw: bytes) -> None:
    answer = post(client, path, raw)
    assert answer.status_code == 200, answer.content
    assert not Booking.objects.exists()
    kept = SetAside.objects.get()
    assert kept.reason == answer.json()["message"]


@pytest.mark.parametrize(
    "name",
    [
        "👩🏽‍🚀 Zoë",
        "شركة النور",
        'O\'Neil "Bob" %_\\',
        "@{Lead.Id}",
        "Robert'); DROP TABLE booking;--",
        "<script>alert(1)</script>",
    ],
)
def test_any_name_is_recorded_as_it_was_typed(client: Client, path: str, name: str) -> None:
    raw = line("EVNT-1", form_submission=form(name=name))
    assert post(client, path, raw).status_code == 200
    assert Booking.objects.get().state["guest"]["name"] == name


def test_ten_megabytes_of_nothing_are_kept_aside_in_part(client: Client, path: str) -> None:
    """Larger bodies never come here: the server's door answers 413."""
    assert post(client, path, b" " * (10 * 1024 * 1024)).status_code == 200
    assert len(SetAside.objects.get().raw) == 64 * 1024


def test_delivery_needs_no_cookie_and_gets_none(client: Client, path: str) -> None:
    answer = post(client, path, line("EVNT-1"))
    assert answer.status_code == 200
    assert not answer.cookies
    assert json.loads(answer.content)["status"] == "ACCEPTED"
