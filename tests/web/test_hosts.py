"""The list of hosts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from django.test import Client

from instep.bookings.calendars import create
from instep.bookings.hosting import create_host, list_hosts
from instep.core.booking_calendar import Rules, WeeklyHours
from instep.store.models import Account, Connection, CrmUser
from oncehub_events import NOON, line

from .test_bookings import text_of

OFFICE = WeeklyHours("Europe/Lisbon", tuple((d, 540, 1020) for d in range(5)))


def test_a_row_tells_who_when_where_and_whence(client: Client, account: Account, lane: Connection) -> None:
    key = create_host(account.id, "Nuno Reis", "nuno@host.example", OFFICE, NOON)
    create(account.id, "Demo", "demo", Rules(), [key], True)
    CrmUser.objects.create(
        account=account, connection=lane, crm_id="005", email_key="nuno@host.example", active=True
    )
    words = text_of(client.get("/hosts"))
    assert "Nuno Reis nuno@host.example Mon–Fri 09:00–17:00 Europe/Lisbon Demo 0 Known made here" in words


def test_hosts_of_events_are_listed_and_have_no_hours(
    client: Client, recorded: Callable[..., list[int]]
) -> None:
    recorded(line("EVNT-1"))
    words = text_of(client.get("/hosts"))
    assert "nuno.reis@host.example No weekly hours" in words
    assert "OnceHub" in words


def test_without_hosts_the_page_says_what_to_do(client: Client) -> None:
    answer = client.get("/hosts")
    assert "No hosts yet" in text_of(answer)
    assert 'href="/hosts/new"' in answer.content.decode()


def test_a_name_of_markup_is_text(client: Client, account: Account) -> None:
    create_host(account.id, "<b>Nuno</b>", "nuno@host.example", OFFICE, NOON)
    assert "<b>Nuno" not in client.get("/hosts").content.decode()


def test_another_accounts_hosts_are_not_shown(client: Client) -> None:
    other = Account.objects.create(name="Other").id
    create_host(other, "Theirs", "t@host.example", OFFICE, NOON)
    assert "Theirs" not in text_of(client.get("/hosts"))
    assert len(list_hosts(other, datetime.now(UTC))) == 1


def test_the_page_is_for_people_who_are_signed_in(stranger: Client) -> None:
    assert stranger.get("/hosts")["Location"].startswith("/signin")
