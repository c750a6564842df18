"""Strict mode: a booking is confirmed once the CRM has it, within ten seconds, or not at all (rule E9).

The booking is made provisionally and its lane woken, as always. Whoever books waits here until a worker has written it;
nobody is told before. What the CRM refuses, or does not take in time, is taken back: what a late answer brings into the
CRM after all is canceled by the sync. A wait whose process died is decided by the workers.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from attrs import evolve
from django.db import transaction

from instep.bookings import commands
from instep.bookings.commands import Booked
from instep.core.acts import was_taken_back
from instep.core.config_document import to_document
from instep.core.errors import InputError, Retry, Wait
from instep.core.wish import Wish
from instep.engine.lane import load_config
from instep.engine.saving import HELD
from instep.store import connection_queries, credentials, provisional_queries, queries
from instep.store.provisional_queries import Standing

log = structlog.get_logger(__name__)

#: seconds that a guest waits for the CRM, the page itself included in the promised ten
PATIENCE = 9.0
_LOOK_EVERY = 0.05
#: seconds after the end of a wait from which on the workers decide
_GRACE = 10.0
#: errors that pass by themselves, perhaps in time
_PASSING = frozenset({"", HELD, Retry.__name__, Wait.__name__})
#: the reasons of bookings that were taken back, as timeline and CRM say them
REFUSED, TOO_LATE = "Not confirmed: the CRM refused it.", "Not confirmed: the CRM did not answer in time."


class NotConfirmed(InputError):
    """The CRM refused the booking (`refused`), or did not take it in time; nothing is booked."""

    def __init__(self, *, refused: bool) -> None:
        super().__init__(
            REFUSED if refused else TOO_LATE, cure="Try again in a minute.", code="NOT_CONFIRMED"
        )
        self.refused = refused


def book(account_id: int, wish: Wish, now: datetime) -> Booked:
    """Grant a wish as `commands.book` does, but where a CRM is strict only with its yes.

    Raises `NotConfirmed` besides. A wish that was not confirmed may come again, with the key that it had.
    """
    lanes = provisional_queries.strict_lanes(account_id, wish.calendar.id)
    if not lanes:
        return commands.book(account_id, wish, now)
    until, ends = now + timedelta(seconds=PATIENCE), time.monotonic() + PATIENCE
    while True:
        booked = commands.book(account_id, wish, now, until)
        held = provisional_queries.is_held(account_id, booked.id)
        if not held and booked.repeated and _is_taken_back(account_id, booked):
            wish = evolve(wish, key=f"{wish.key}+" if wish.key else "")
            continue
        if held and not _written_in_time(account_id, booked, lanes, until, ends):
            _give_up(account_id, booked, lanes, until)
        elif _is_taken_back(account_id, booked):
            # another request of the same form has waited for it, in vain
            raise NotConfirmed(refused=False)
        return booked


def _written_in_time(account_id: int, booked: Booked, lanes: list[int], until: datetime, ends: float) -> bool:
    """Wait until every lane has written the booking and confirm it; False where that is not to be hoped for."""
    while time.monotonic() < ends:
        found = provisional_queries.standings(account_id, booked.id, lanes, until)
        if all(one.written for one in found):
            commands.confirm(account_id, booked.id, datetime.now(UTC))
            return True
        if any(_is_hopeless(one) for one in found):
            return False
        if not provisional_queries.is_held(account_id, booked.id):
            return True
        time.sleep(_LOOK_EVERY)
    return False


def _is_hopeless(one: Standing) -> bool:
    return not one.written and (not one.up or _is_refused(one))


def _is_refused(one: Standing) -> bool:
    return not one.written and one.error_class not in _PASSING


def _give_up(account_id: int, booked: Booked, lanes: list[int], until: datetime) -> None:
    """Take a booking back and raise `NotConfirmed`, unless somebody else has confirmed it."""
    found = provisional_queries.standings(account_id, booked.id, lanes, until)
    refused = any(_is_refused(one) for one in found)
    reason = REFUSED if refused else TOO_LATE
    if commands.take_back(account_id, booked.id, reason, datetime.now(UTC)) or _is_taken_back(
        account_id, booked
    ):
        log.warning("strict.not_confirmed", booking=booked.id, refused=refused)
        raise NotConfirmed(refused=refused)


def _is_taken_back(account_id: int, booked: Booked) -> bool:
    booking = queries.load_bookings(account_id, [booked.key]).get(booked.key)
    return booking is not None and was_taken_back(booking)


def settle_overdue() -> int:
    """Decide about bookings whose wait ended with its process; how many there were. What is written stands."""
    now = datetime.now(UTC)
    overdue = provisional_queries.overdue(now - timedelta(seconds=_GRACE))
    for one in overdue:
        lanes = provisional_queries.strict_lanes(one.account_id, one.calendar)
        found = provisional_queries.standings(one.account_id, one.booking_id, lanes, now)
        if all(lane.written for lane in found):
            commands.confirm(one.account_id, one.booking_id, now)
        else:
            commands.take_back(one.account_id, one.booking_id, TOO_LATE, now)
    return len(overdue)


# --- the switch ---


def choose(account_id: int, row: Mapping[str, Any], strict: bool) -> None:
    """Say whether bookings wait for this connection's CRM. Nothing is written anew."""
    connection_id = int(row["id"])
    with transaction.atomic():
        settings = connection_queries.locked_settings(account_id, connection_id)
        config = evolve(load_config({**row, "settings": settings}), strict=strict)
        credentials.save_settings(account_id, connection_id, {**settings, "config": to_document(config)})
