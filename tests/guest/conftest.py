"""A published calendar with two hosts, a guest's browser, and a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from instep.core.booking_calendar import Ask, Question, QuestionType, Rules, WeeklyHours

if TYPE_CHECKING:
    from django.test import Client

    from instep.core.booking import Booking
    from instep.core.booking_calendar import BookingCalendar
    from instep.store.models import Account

#: a Monday; Lisbon is at UTC until 29 March
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

QUESTIONS = (
    Question("team_size", "Team size", QuestionType.SELECT, options=("1-10", "11-50")),
    Question("goal", "What should come out of it?", QuestionType.LONG_TEXT),
    Question("terms", "I agree to the terms", QuestionType.CONSENT, required=True),
)


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    """Time stands still at `NOW`, until a test moves it."""
    with time_machine.travel(NOW, tick=False) as coordinates:
        yield coordinates


@pytest.fixture
def account(db: None) -> Account:
    from instep.store.models import Account

    return Account.objects.create(name="Acme <Labs>")


@pytest.fixture
def hosts(account: Account) -> dict[str, str]:
    """Two hosts: Nuno in Lisbon, weekdays 9 to 12; Greta in Tokyo, Tuesdays and Thursdays 8 to 10. Name → key."""
    from instep.bookings import hosting

    mornings = tuple((day, 9 * 60, 12 * 60) for day in range(5))
    tokyo = tuple((day, 8 * 60, 10 * 60) for day in (1, 3))
    nuno = hosting.create_host(
        account.id, "Nuno Reis", "nuno@acme.example", WeeklyHours("Europe/Lisbon", mornings), NOW
    )
    greta = hosting.create_host(
        account.id, "Greta Lind", "greta@acme.example", WeeklyHours("Asia/Tokyo", tokyo), NOW
    )
    return {"nuno": nuno, "greta": greta}


@pytest.fixture
def publish(account: Account, hosts: dict[str, str]) -> Callable[..., BookingCalendar]:
    """Make a calendar of Nuno's; rules as named, weekly mornings from 9 to 12 in Lisbon."""
    from instep.bookings import calendars

    def make(
        slug: str = "demo", who: tuple[str, ...] = ("nuno",), published: bool = True, **rules: Any
    ) -> Any:
        rules = {"durations": (30,), "slot_step": 30, "min_notice": 60, "window_days": 60, **rules}
        keys = [hosts[name] for name in who]
        return calendars.create(account.id, "Product demo", slug, Rules(**rules), keys, published)

    return make


@pytest.fixture
def guest(db: None, clock: time_machine.Coordinates) -> Client:
    """A guest's browser in Lisbon; nobody is signed in, and forged forms would be noticed."""
    from django.core.cache import cache
    from django.test import Client

    cache.clear()
    browser = Client(enforce_csrf_checks=True)
    browser.cookies["instep_zone"] = "auto:Europe/Lisbon"
    return browser


@pytest.fixture
def booked(account: Account) -> Callable[..., Booking]:
    """The bookings made so far, as they are now; the newest one, or the one with that id."""
    from instep.store import queries
    from instep.store.models import Booking as Row

    def newest(source_id: str = "") -> Any:
        rows = Row.objects.filter(account=account).order_by("id")
        keys = [row.id for row in rows if not source_id or row.source_id == source_id]
        return queries.load_bookings(account.id, keys[-1:])[keys[-1]]

    return newest


@pytest.fixture
def details() -> dict[str, str]:
    """A form as a guest sends it: 5 March, 9:00 in Lisbon."""
    return {
        "start": "2026-03-05T09:00Z",
        "duration": "30",
        "tz": "Europe/Lisbon",
        "key": "a-random-key-of-a-form",
        "name": "Ana Sousa",
        "email": "ana@guest.example",
    }


ASKED = {
    "ask_company": Ask.REQUIRED,
    "ask_phone": Ask.OPTIONAL,
    "ask_note": Ask.OPTIONAL,
    "questions": QUESTIONS,
}
