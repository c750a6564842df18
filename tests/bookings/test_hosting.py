"""Hosts edited by people: newest word, fixed address, weekly hours, and the CRM hears of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from instep.core.booking_calendar import WeeklyHours
from instep.core.errors import InputError
from oncehub_events import NOON, line

if TYPE_CHECKING:
    from instep.store.models import Account, Connection

HOURS = WeeklyHours("Europe/Lisbon", ((0, 540, 1020),))
NONE = WeeklyHours("Asia/Kathmandu")


def test_a_host_is_listed_as_it_was_made(account: Account) -> None:
    from instep.bookings.hosting import create_host, list_hosts

    key = create_host(account.id, "  Nuno  Reis ", "Nuno@Host.Example", HOURS, NOON)
    (host,) = list_hosts(account.id, NOON)
    assert (host.key, host.name, host.email, host.hours) == (key, "Nuno Reis", "Nuno@host.example", HOURS)
    assert (host.made_here, host.upcoming, host.booked, host.crm_user) == (True, 0, 0, False)


def test_the_zone_is_kept_without_hours(account: Account) -> None:
    from instep.bookings.hosting import create_host, host

    key = create_host(account.id, "", "n@host.example", NONE, NOON)
    found = host(account.id, key, NOON)
    assert found is not None
    assert found.hours == NONE
    assert found.called == "n@host.example"


@pytest.mark.parametrize(
    ("name", "email", "hours", "code"),
    [
        ("N", "", HOURS, "EMAIL"),
        ("N", "not an address", HOURS, "EMAIL"),
        ("N", "NUNO@host.example", HOURS, "HOST_EXISTS"),
        ("N\0", "n@host.example", HOURS, "NAME"),
        ("N", "n@host.example", WeeklyHours("Mars/Base"), "ZONE"),
        ("N", "n@host.example", WeeklyHours("UTC", ((0, 540, 600), (0, 590, 700))), "HOURS"),
    ],
)
def test_what_cannot_be_is_refused(
    account: Account, name: str, email: str, hours: WeeklyHours, code: str
) -> None:
    from instep.bookings.hosting import create_host, list_hosts

    create_host(account.id, "Nuno", "nuno@host.example", HOURS, NOON)
    with pytest.raises(InputError) as refused:
        create_host(account.id, name, email, hours, NOON)
    assert refused.value.code == code
    assert len(list_hosts(account.id, NOON)) == 1


def test_an_edit_outlives_older_facts_and_marks_bookings(
    account: Account, lanes: list[Connection], recorded: Callable[..., object]
) -> None:
    from instep.bookings.hosting import change_host, list_hosts
    from instep.store.models import SyncItem

    recorded(line("EVNT-1"))
    (host,) = list_hosts(account.id, NOON)
    assert (host.made_here, host.booked, host.upcoming) == (False, 1, 1)
    SyncItem.objects.update(done=1, due_at=None)
    change_host(account.id, host.key, "Nuno R.", host.email, HOURS, NOON + timedelta(days=1))
    (after,) = list_hosts(account.id, NOON)
    assert (after.name, after.hours, after.from_source) == ("Nuno R.", HOURS, host.from_source)
    assert {(i.wanted, i.done) for i in SyncItem.objects.all()} == {(2, 1)}
    recorded(line("EVNT-2", kind="canceled"))
    (last,) = list_hosts(account.id, NOON)
    assert (last.name, last.hours, last.upcoming) == ("Nuno R.", HOURS, 0)


def test_hours_alone_do_not_trouble_the_crm(
    account: Account, lanes: list[Connection], recorded: Callable[..., object]
) -> None:
    from instep.bookings.hosting import change_host, host, list_hosts
    from instep.store.models import SyncItem

    recorded(line("EVNT-1"))
    (known,) = list_hosts(account.id, NOON)
    change_host(account.id, known.key, known.name, known.email, HOURS, NOON)
    SyncItem.objects.update(done=1, wanted=1)
    shorter = WeeklyHours(HOURS.zone, ((0, 540, 600),))
    change_host(account.id, known.key, known.name, known.email, shorter, NOON)
    assert {i.wanted for i in SyncItem.objects.all()} == {1}
    found = host(account.id, known.key, NOON)
    assert found is not None
    assert found.hours == shorter


def test_the_address_stays_once_there_are_bookings(account: Account, recorded: Callable[..., object]) -> None:
    from instep.bookings.hosting import change_host, create_host, delete_host, host, list_hosts

    recorded(line("EVNT-1"))
    (booked,) = list_hosts(account.id, NOON)
    with pytest.raises(InputError, match="stays"):
        change_host(account.id, booked.key, "", "else@host.example", HOURS, NOON)
    with pytest.raises(InputError, match="bookings"):
        delete_host(account.id, booked.key, NOON)
    free = create_host(account.id, "Ana", "ana@host.example", HOURS, NOON)
    with pytest.raises(InputError, match="already"):
        change_host(account.id, free, "Ana", booked.email, HOURS, NOON)
    change_host(account.id, free, "Ana", "ana.silva@host.example", HOURS, NOON)
    moved = host(account.id, free, NOON)
    assert moved is not None
    assert moved.email == "ana.silva@host.example"
    delete_host(account.id, free, NOON)
    assert [h.key for h in list_hosts(account.id, NOON)] == [booked.key]


def test_another_account_sees_and_changes_nothing(account: Account) -> None:
    from instep.bookings.hosting import change_host, create_host, delete_host, host, list_hosts
    from instep.store.models import Account

    key = create_host(account.id, "Nuno", "nuno@host.example", HOURS, NOON)
    stranger = Account.objects.create(name="Other").id
    assert list_hosts(stranger, NOON) == ()
    assert host(stranger, key, NOON) is None
    for act in (
        lambda: change_host(stranger, key, "X", "nuno@host.example", NONE, NOON),
        lambda: delete_host(stranger, key, NOON),
    ):
        with pytest.raises(InputError, match="no host"):
            act()
