"""The worker's beat completes meetings that have ended, and nothing that goes wrong there stops the beat."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bookings.here import Place, open_place
from instep.bookings import commands
from instep.core.booking import Status
from instep.engine import clock, worker

pytestmark = pytest.mark.django_db(transaction=True)


def ended(place: Place) -> str:
    """A booking whose end passed an hour ago."""
    now = datetime.now(UTC)
    start = (now - timedelta(hours=3)).replace(minute=0, second=0, microsecond=0)
    return place.book(start, now=now - timedelta(days=1)).id


def test_a_beat_of_the_worker_completes_what_has_ended() -> None:
    place = open_place()
    booking_id = ended(place)
    worker._once(housekeeping=False)
    assert place.state(booking_id).status is Status.COMPLETED


def test_a_mistake_leaves_the_rest_of_the_beat_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    place = open_place()
    booking_id = ended(place)

    def fail(*_: object, **__: object) -> int:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(commands, "keep", fail)
        assert clock.complete_due() == 0
        worker._once(housekeeping=False)
    assert clock.complete_due() == 1
    assert place.state(booking_id).status is Status.COMPLETED
