"""Booking calendars that are made here: found, made, changed, deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from attrs import evolve
from django.db import IntegrityError, transaction

from instep.bookings import properties
from instep.core.booking_calendar import (
    BookingCalendar,
    Rules,
    check_name,
    check_rules,
    check_slug,
    rules_document,
    rules_of,
)
from instep.core.errors import InputError
from instep.store import calendar_queries, queries
from instep.store.calendar_queries import CalendarRow
from instep.store.models import public_id
from instep.store.queries import BOOKING


def list_calendars(account_id: int) -> tuple[BookingCalendar, ...]:
    """The account's calendars, by name."""
    return tuple(_calendar(row) for row in calendar_queries.calendars(account_id))


def calendar(account_id: int, calendar_id: str) -> BookingCalendar | None:
    """One of the account's calendars, by its public id."""
    row = calendar_queries.calendar(account_id, calendar_id)
    return _calendar(row) if row else None


def by_slug(slug: str) -> tuple[int, BookingCalendar] | None:
    """The calendar of a guest's address, published or not, and whose it is."""
    row = calendar_queries.calendar_by_slug(slug)
    return (row.account_id, _calendar(row)) if row else None


def create(
    account_id: int,
    name: str,
    slug: str,
    rules: Rules,
    hosts: Sequence[str],
    published: bool,
    priorities: Mapping[str, int] | None = None,
) -> BookingCalendar:
    """Make a calendar. Raises `InputError` for what cannot be, and for a slug that is taken."""
    made = BookingCalendar(
        public_id("CAL"), name.strip(), slug, published, rules, tuple(hosts), dict(priorities or {})
    )
    _check(made)
    with _slug_told(slug), transaction.atomic():
        key = calendar_queries.add_calendar(account_id, made.id, _values(made))
        _set_hosts(account_id, key, made)
        properties.of_questions(account_id, made.rules.questions)
    return made


def change(account_id: int, calendar: BookingCalendar) -> None:
    """Write a calendar as it is to be from now on; bookings that exist stay as they are.

    A new title for its events reaches the CRM for those that are still to come.
    Raises `InputError` for what cannot be, for a slug that is taken and for a calendar that does not exist.
    """
    wanted = evolve(calendar, name=calendar.name.strip())
    _check(wanted)
    with _slug_told(wanted.slug), transaction.atomic():
        before = calendar_queries.calendar(account_id, wanted.id)
        key = calendar_queries.change_calendar(account_id, wanted.id, _values(wanted))
        if before is None or key is None:
            raise _unknown(wanted.id)
        _set_hosts(account_id, key, wanted)
        properties.of_questions(account_id, wanted.rules.questions)
        if rules_of(before.rules).event_title != wanted.rules.event_title:
            concerned = calendar_queries.bookings_to_come(account_id, wanted.id)
            queries.wake(account_id, queries.mark(account_id, BOOKING, concerned, datetime.now(UTC)))


def delete(account_id: int, calendar_id: str) -> None:
    """Delete a calendar that nobody ever booked. Raises `InputError` where bookings belong to it."""
    found = calendar(account_id, calendar_id)
    if found is None:
        raise _unknown(calendar_id)
    with transaction.atomic():
        if not calendar_queries.delete_calendar(account_id, calendar_id):
            raise InputError(
                f"“{found.name}” has bookings: they and their history would lose their calendar.",
                cure="Unpublish it instead: nobody can book it any more, and its bookings stay.",
                code="CALENDAR_BOOKED",
            )


def _calendar(row: CalendarRow) -> BookingCalendar:
    return BookingCalendar(
        row.source_id,
        row.name,
        row.slug,
        row.published,
        rules_of(row.rules),
        tuple(key for key, _ in row.hosts),
        {key: priority for key, priority in row.hosts if priority != 1},
    )


def _check(calendar: BookingCalendar) -> None:
    check_name(calendar.name)
    check_slug(calendar.slug)
    check_rules(calendar.rules)
    if any(not 1 <= calendar.priority_of(host) <= 99 for host in calendar.hosts):
        raise InputError("A host's priority must lie between 1 and 99.", code="PRIORITY")


def _values(calendar: BookingCalendar) -> dict[str, Any]:
    return {
        "name": calendar.name,
        "slug": calendar.slug,
        "published": calendar.published,
        "rules": rules_document(calendar.rules),
    }


def _set_hosts(account_id: int, key: int, calendar: BookingCalendar) -> None:
    wanted = {host: calendar.priority_of(host) for host in calendar.hosts}
    missing = set(wanted) - calendar_queries.set_calendar_hosts(account_id, key, wanted)
    if missing:
        raise InputError(
            f"There is no host {', '.join(sorted(missing))}.",
            cure="Choose from the hosts.",
            code="UNKNOWN_HOST",
        )


@contextmanager
def _slug_told(slug: str) -> Iterator[None]:
    """Says in plain words that the database refused a slug."""
    try:
        yield
    except IntegrityError as error:
        if "calendar_slug" not in str(error):
            raise
        raise InputError(
            f"The address /b/{slug} belongs to another booking calendar.",
            cure="Choose another last part for the address.",
            code="SLUG_TAKEN",
        ) from None


def _unknown(calendar_id: str) -> InputError:
    return InputError(f"There is no booking calendar {calendar_id}.", code="UNKNOWN_CALENDAR")
