"""What the clock does by itself: meetings made here are completed when their end has passed."""

from __future__ import annotations

from datetime import UTC, datetime

import structlog

from instep.bookings import commands

log = structlog.get_logger(__name__)


def complete_due() -> int:
    """Complete what has ended; how many there were. A mistake in one booking must not stop what runs beside this."""
    try:
        done = commands.complete_due(datetime.now(UTC))
    except Exception as error:
        log.exception("clock.complete_failed", error=str(error))
        return 0
    if done:
        log.info("clock.completed", bookings=done)
    return done
