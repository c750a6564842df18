"""What the CRM should say, from booking, contact and configuration alone: values, stand-ins, owners."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from core.lives import DANA, LEA, OMAR, booking, contact, step
from core.org import CONNECTED, setting, user, with_field, without_fields
from instep.core.booking import Booking, Host, Kind
from instep.core.desired import DesiredField, activity_fields, fields_of, wants_activity
from instep.core.mapping import Row
from instep.core.owners import activity_owner, new_record_owner
from instep.crm.salesforce.names import BOOKING_ID

USERS = (user(1, DANA.email), user(2, OMAR.email))


def lead(row: Row, person: Any = None, made: Booking | None = None, line: str = "") -> DesiredField:
    """What becomes of one row of the Lead."""
    on = setting({"Lead": (row,)}, schema=with_field("Lead", line) if line else None)
    fields = fields_of(on, "Lead", person or contact(), made)
    return next(d for d in fields if d.field == row.field)


def test_a_fallback_is_used_only_when_the_source_is_empty() -> None:
    """A value is a value; an empty source takes the fallback, which is marked so that real data may replace it."""
    row = Row("contact.job_title", "Title", fallback="Guest")
    real, spare = lead(row, contact(job_title="CEO")), lead(row)
    assert (real.value, real.stand_in, real.rule) == ("CEO", False, "mapping: Job title")
    assert (spare.value, spare.stand_in, spare.rule) == ("Guest", True, "fallback (the source is empty)")


def test_a_fallback_replaces_a_value_that_cannot_be_written() -> None:
    """The reason stays in sight."""
    spare = lead(Row("contact.job_title", "Tier__c", fallback="Gold"), contact(job_title="Platinum"))
    assert spare.value == "Gold"
    assert spare.refused == ""
    assert "“Platinum” is not one of its values" in spare.rule


def test_a_static_value_is_a_row_without_a_source() -> None:
    """Like LeadSource = Web."""
    done = lead(Row("", "LeadSource", fallback="Web"))
    assert (done.value, done.stand_in, done.default) == ("Web", True, False)


def test_a_missing_field_is_refused_with_the_cure() -> None:
    """A field that the org lacks never stops the others."""
    done = lead(Row("contact.email", "Gone__c"))
    assert done.refused == (
        "Salesforce has no field Gone__c on Lead, or hides it from the connected user. "
        "Install the fields or grant them."
    )


def test_a_required_field_without_value_gets_the_default() -> None:
    """Company → Unspecified, whether its row is empty or nobody mapped it; a value or fallback goes before."""
    mapped = (Row("contact.last_name", "LastName"), Row("contact.company", "Company"))
    for rows in (mapped, mapped[:1]):
        fields = fields_of(setting({"Lead": rows}), "Lead", contact(), None)
        company = next(d for d in fields if d.field == "Company")
        assert (company.value, company.stand_in, company.default) == ("Unspecified", True, True)
        assert company.rule == "default for a required field without value or fallback"
        assert not company.optional
    assert lead(mapped[1], contact(company="Acme")).value == "Acme"
    assert lead(Row("contact.company", "Company", fallback="Private")).value == "Private"


def test_each_required_custom_field_gets_the_default_of_its_type() -> None:
    """The documented table, through the plan's own way."""
    for line, value in (
        ("Budget__c currency cu scale=2", 0),
        ("Since__c date cu", "2026-11-02"),
        ("Last_Meeting__c datetime cu", "2026-11-02T09:30:00.000Z"),
        ("Site__c url(255) cu", "http://NA"),
        ("Code__c string(5) cu", "Unspe"),
    ):
        fields = fields_of(setting(schema=with_field("Lead", line)), "Lead", contact(), None)
        assert next(d for d in fields if line.startswith(d.field)).value == value


def test_a_required_type_without_default_says_what_to_do() -> None:
    """An unsupported required field is named; the record is left to the CRM's own answer."""
    fields = fields_of(
        setting(schema=with_field("Lead", "Tier__c picklist(255) cu restricted:Gold")),
        "Lead",
        contact(),
        None,
    )
    tier = next(d for d in fields if d.field == "Tier__c")
    assert tier.refused == (
        "Tier is required, and nothing fills it. Map Tier (Tier__c), or give it a fallback value."
    )


def test_a_required_look_up_is_not_said_to_be_mapped() -> None:
    """A plan's line says what helps: for a look-up that is no mapping."""
    described = with_field("Lead", "Partner__c reference cu")
    fields = fields_of(setting(schema=described), "Lead", contact(), None)
    said = next(d for d in fields if d.field == "Partner__c").refused
    assert "No mapping can fill Partner (Partner__c), a look-up" in said
    assert "give it a fallback" not in said


def test_start_and_end_are_never_mapped_but_always_there() -> None:
    """Instep sets them itself, and they cannot be left out."""
    fields = {d.field: d for d in activity_fields(setting(), booking(), contact())}
    assert fields["StartDateTime"].value == "2026-11-03T09:30:00.000Z"
    assert fields["EndDateTime"].value == "2026-11-03T10:00:00.000Z"
    assert not fields["StartDateTime"].optional


def test_without_our_field_a_line_in_the_description_finds_the_event_again() -> None:
    """The line is the last one, and survives where a long text is cut."""
    bare = setting(schema=without_fields("Event", BOOKING_ID))
    long = contact(company="x" * 40_000)
    for person in (contact(), long):
        fields = {d.field: d for d in activity_fields(bare, booking(), person)}
        text = fields["Description"].value
        assert text.splitlines()[-1] == "Ref: BKNG-1"
        assert len(text) <= 32_000
        assert text.startswith("Meeting with: Maria Ortega")
    unmapped = evolve(bare, config=evolve(bare.config, rows={"Event": ()}))
    assert {d.field: d.value for d in activity_fields(unmapped, booking(), None)}[
        "Description"
    ] == "Ref: BKNG-1"


@pytest.mark.parametrize(
    ("kinds", "wanted"),
    [
        ((Kind.REQUESTED,), False),
        ((Kind.REQUESTED, Kind.CANCELED), False),
        ((Kind.REQUESTED, Kind.SCHEDULED), True),
        ((Kind.REQUESTED, Kind.SCHEDULED, Kind.CANCELED), True),
        ((Kind.SCHEDULED,), True),
        ((Kind.SCHEDULED, Kind.CANCELED), True),
        ((Kind.CANCELED,), True),
    ],
)
def test_a_request_has_no_event_until_it_is_scheduled(kinds: tuple[Kind, ...], wanted: bool) -> None:
    """A declined request never gets one; a canceled booking whose beginning nobody sent does (E1)."""
    made = booking(kind=kinds[0])
    for kind in kinds[1:]:
        made = step(made, kind)
    assert wants_activity(made) is wanted


def test_the_host_owns_what_is_made() -> None:
    """By the host's user, else the connected user, which is said (F22)."""
    on = setting(users=USERS)
    own = new_record_owner(on, booking())
    assert (own.user_id, own.rule) == (USERS[0].id, "the host's Salesforce user (dana@host.example)")
    other = new_record_owner(on, booking(host=LEA))
    assert (other.user_id, other.rule) == (CONNECTED, "the connected user, Ada Admin")
    assert other.note == "Lea Host has no active user in Salesforce, so the connected user owns it"
    nobody = new_record_owner(on, booking(host=None))
    assert (nobody.user_id, nobody.note) == (CONNECTED, "")


def test_a_host_without_a_name_is_named_by_address() -> None:
    """The note always names somebody."""
    owner = activity_owner(setting(), booking(host=Host("HST-9", "x@host.example")))
    assert owner.note.startswith("x@host.example has no active user")


@pytest.mark.parametrize(
    ("hosts", "owner", "said"),
    [
        ((DANA, OMAR), USERS[1].id, ""),
        ((DANA, LEA), USERS[0].id, "Lea Host has no active user in Salesforce: the owner stays"),
        ((DANA, OMAR, LEA), USERS[1].id, "the owner stays"),
        ((LEA, DANA), USERS[0].id, ""),
        ((LEA, LEA), CONNECTED, "the connected user owns it"),
    ],
)
def test_the_event_belongs_to_the_last_connected_host(hosts: tuple[Host, ...], owner: str, said: str) -> None:
    """E4: a host without a user takes nothing over, and the receipt says so."""
    made = booking(host=hosts[0])
    for host in hosts[1:]:
        made = step(made, Kind.REASSIGNED, host=host)
    found = activity_owner(setting(users=USERS), made)
    assert found.user_id == owner
    assert said in found.note
    assert bool(said) == bool(found.note)
