"""The admin's creation rules as values: who owns a record, what a booking calendar wants of the CRM.

Source: the connector's creation rules and Booking page settings (reference: OnceHub 2.5, 4.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from attrs import field, frozen


class Ownership(StrEnum):
    """Who owns a record after a booking."""

    KEEP = "keep"
    """Whoever owns it now; for records that exist."""
    HOST = "booking_owner"
    """The CRM user of the booking's host."""
    RULES = "assignment_rules"
    """Whom the CRM's own active assignment rules choose."""


@frozen
class OwnerRule:
    """The ownership of one object's records: of those that exist, and of new ones."""

    existing: Ownership = Ownership.KEEP
    new: Ownership = Ownership.HOST


class Duplicates(StrEnum):
    """What follows when a duplicate rule of the CRM refuses a new person."""

    MATCH = "use_match"
    """The record that the rule names is the person."""
    SAVE = "save"
    """It is saved anyway where the rule only warns; where it forbids, the record that it names is used."""


class PersonAccounts(StrEnum):
    """Whether new people become person accounts, in an org that has them."""

    NEVER = "never"
    ALWAYS = "always"
    WITHOUT_COMPANY = "without_company"
    """Who names no company becomes a person account, everybody else a Contact with an Account."""


class Guests(StrEnum):
    """What becomes of a meeting's further guests."""

    LIST = "list"
    """Named in the activity's description."""
    RELATE = "relate"
    """Named there, and those whom the CRM knows are related to the activity where it allows that."""
    RECORDS = "records"
    """The same, and those whom it does not know get records."""


#: what a calendar's general links may say besides a person object
CASE, NONE = "Case", "none"


@frozen
class CalendarRules:
    """What one booking calendar wants of the CRM, by the calendar's public id.

    `links` says what bookings by general links become: a person object, `CASE`, or `NONE` for nothing at all;
    empty: as the connection says. `event` switches the activity on or off, None: as the connection says.
    `record_types` are ids or developer names by object, before those of the connection.
    """

    links: str = ""
    event: bool | None = None
    record_types: Mapping[str, str] = field(factory=dict)


NO_CALENDAR = CalendarRules()
