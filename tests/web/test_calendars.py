"""The list of booking calendars: what stands in a row, what keeps guests away, those of other schedulers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from instep.bookings.calendars import create
from instep.bookings.hosting import create_host, host
from instep.core.booking_calendar import Rules, WeeklyHours
from instep.store.models import Account
from instep.web.calendars import hindrance
from oncehub_events import NOON, line

from .test_bookings import text_of

OFFICE = WeeklyHours("Europe/Lisbon", tuple((d, 540, 1020) for d in range(5)))
SHORT = WeeklyHours("UTC", ((0, 540, 560),))


def test_a_row_tells_name_address_state_hosts_and_what_is_ahead(client: Client, account: Account) -> None:
    key = create_host(account.id, "Nuno Reis", "nuno@host.example", OFFICE, NOON)
    made = create(account.id, "Product demo", "demo", Rules(durations=(45, 30)), [key], True)
    answer = client.get("/calendars")
    words = text_of(answer)
    assert "Product demo /b/demo" in words
    assert "Published 45, 30 min Nuno Reis 0" in words
    page = answer.content.decode()
    assert 'href="http://testserver/b/demo"' in page
    assert 'data-copy="http://testserver/b/demo"' in page
    assert f'href="/calendars/{made.id}"' in page


@pytest.mark.parametrize(
    ("hours", "rules", "said"),
    [
        (None, Rules(), "it has no host"),
        (WeeklyHours("UTC"), Rules(), "no host has weekly hours"),
        (SHORT, Rules(), "no start fits its rules"),
        (OFFICE, Rules(min_notice=20 * 1440, window_days=10), "no start fits its rules"),
        (SHORT, Rules(durations=(45, 20)), ""),
        (OFFICE, Rules(min_notice=20 * 1440, window_days=30), ""),
    ],
)
def test_what_keeps_guests_away_is_said(
    account: Account, hours: WeeklyHours | None, rules: Rules, said: str
) -> None:
    keys = [] if hours is None else [create_host(account.id, "Nuno", "n@host.example", hours, NOON)]
    made = create(account.id, "Demo", "demo", rules, keys, True)
    found = hindrance(made, [h for key in keys if (h := host(account.id, key, NOON))], NOON)
    assert (found.words if found else "") == (f"Nobody can book it: {said}." if said else "")


def test_a_published_calendar_that_nobody_can_book_leads_to_the_host(
    client: Client, account: Account
) -> None:
    key = create_host(account.id, "Nuno", "n@host.example", WeeklyHours("UTC"), NOON)
    create(account.id, "Demo", "demo", Rules(), [key], True)
    create(account.id, "Draft", "draft", Rules(), [], False)
    answer = client.get("/calendars")
    assert text_of(answer).count("Nobody can book it") == 1
    assert f'<a href="/hosts/{key}">Give Nuno weekly hours</a>' in answer.content.decode()


def test_calendars_of_events_stand_apart_and_cannot_be_opened(
    client: Client, recorded: Callable[..., list[int]]
) -> None:
    recorded(line("EVNT-1"))
    words = text_of(client.get("/calendars"))
    assert "No booking calendar yet" in words
    assert "From other schedulers" in words
    assert "OnceHub 1" in words


def test_another_accounts_calendars_are_not_shown(client: Client) -> None:
    create(Account.objects.create(name="Other").id, "Theirs", "theirs", Rules(), [], True)
    assert "Theirs" not in text_of(client.get("/calendars"))


def test_a_public_address_is_the_one_that_guests_are_given(
    client: Client, account: Account, settings: object
) -> None:
    from attrs import frozen

    @frozen
    class Public:
        public_url: str = "https://book.acme.example"

    settings.INSTEP = Public()  # type: ignore[attr-defined]
    create(account.id, "Demo", "demo", Rules(), [], True)
    assert 'href="https://book.acme.example/b/demo"' in client.get("/calendars").content.decode()
