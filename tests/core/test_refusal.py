"""One refused record: the smallest thing is left out or waits, so that the rest goes on."""

from __future__ import annotations

from typing import Any

import pytest

from instep.core.changes import Action, Change, Verdict, Write
from instep.core.errors import Bug, InstepError, NeedsAdmin, Retry, Scope, Skip
from instep.core.refusal import Reaction, quarantined_value, react

EMAIL = Change("Email", "Email", "x@guest.example", source="contact.email")
TITLE = Change("Title", "Title", "CEO", source="contact.job_title")
PHONE = Change("Phone", "Phone", "555", source="contact.phone", verdict=Verdict.KEEP)
OWNER = Change("OwnerId", "Owner", "005")
START = Change("StartDateTime", "Start", "2026-12-01T10:00:00.000Z", optional=False)
COMPANY = Change("Company", "Company", "Acme", source="contact.company", optional=False)
STAND_IN = Change("LastName", "Last name", "Unspecified", optional=False, stand_in=True)
ALL = (EMAIL, TITLE, PHONE, OWNER, START, COMPANY, STAND_IN)


def refused(error: InstepError, *changes: Change) -> tuple[Reaction, list[str], bool]:
    write = Write("person:Lead:CTC-1", "booking:B", Action.UPSERT, "Lead", changes or ALL)
    done = react(write, error)
    assert done.message == error.message
    return done.reaction, [c.field for c in done.fields], done.everywhere


def no(
    kind: type[InstepError] = NeedsAdmin, code: str = "FIELD_CUSTOM_VALIDATION_EXCEPTION", **more: Any
) -> InstepError:
    return kind("Not so.", code=code, **more)


def test_passing_trouble_is_tried_later() -> None:
    """A locked row blames nothing, whatever fields its answer names."""
    assert refused(no(Retry, "UNABLE_TO_LOCK_ROW", fields=("Title",))) == (Reaction.LATER, [], False)


@pytest.mark.parametrize("kind", [NeedsAdmin, Skip, Bug])
def test_named_fields_are_left_out_of_this_record(kind: type[InstepError]) -> None:
    """The CRM names a field, in any case: it is left out here and for this value alone."""
    error = no(kind, scope=Scope.FIELD, fields=("TITLE", "Nowhere"))
    assert refused(error) == (Reaction.LEAVE_OUT, ["Title"], False)


def test_an_owner_that_is_refused_is_left_to_the_crm() -> None:
    """An inactive owner does not cost the record."""
    error = no(code="INACTIVE_OWNER_OR_USER", scope=Scope.FIELD, fields=("OwnerId",))
    assert refused(error) == (Reaction.LEAVE_OUT, ["OwnerId"], False)


def test_a_required_value_may_be_refused_but_not_its_stand_in() -> None:
    """The company's name gives way to the default; a default that is refused cannot give way to anything."""
    assert refused(no(fields=("Company",))) == (Reaction.LEAVE_OUT, ["Company"], False)
    assert refused(no(fields=("LastName",))) == (Reaction.WAIT, [], False)


def test_what_was_not_sent_is_not_to_blame() -> None:
    """A field that was kept cannot be left out."""
    assert refused(no(fields=("Phone",))) == (Reaction.WAIT, [], False)


def test_a_meeting_cannot_go_without_its_times() -> None:
    """Start and end are never left out: the record waits with the CRM's words."""
    assert refused(no(fields=("StartDateTime",))) == (Reaction.WAIT, [], False)


@pytest.mark.parametrize("code", ["INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE"])
def test_a_closed_field_is_left_out_everywhere(code: str) -> None:
    """Missing, hidden or read-only: no value would pass on any record."""
    error = no(code=code, scope=Scope.FIELD, fields=("Title",))
    assert refused(error) == (Reaction.LEAVE_OUT, ["Title"], True)


@pytest.mark.parametrize(
    "code",
    [
        "ENTITY_IS_DELETED",
        "NOT_FOUND",
        "INVALID_CROSS_REFERENCE_KEY",
        "CANNOT_UPDATE_CONVERTED_LEAD",
        "DUPLICATE_VALUE",
        "DUPLICATE_EXTERNAL_ID",
    ],
)
def test_a_record_that_is_not_what_we_took_it_for_is_read_again(code: str) -> None:
    """Deleted, converted, made by somebody else meanwhile."""
    assert refused(no(code=code)) == (Reaction.LOOK_AGAIN, [], False)


def test_a_refusal_that_names_no_field_is_tried_once_without_all_that_can_be_spared() -> None:
    """The address by which the person is found stays, the owner too; refused again, the record waits."""
    assert refused(no()) == (Reaction.LEAVE_OUT, ["Title"], False)
    assert refused(no(), EMAIL, OWNER, START, COMPANY) == (Reaction.WAIT, [], False)


def test_a_refused_value_is_remembered_by_what_was_sent() -> None:
    """The same value is known again, another one is sent."""
    assert quarantined_value(TITLE) == "CEO"
    assert quarantined_value(Change("X", "X", None)) == ""
