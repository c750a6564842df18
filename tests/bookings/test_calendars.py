"""Booking calendars made here: what is kept, what is refused and why, whose they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from instep.core.booking_calendar import Question, QuestionType, Rules, WeeklyHours
from instep.core.errors import InputError
from oncehub_events import NOON, line

if TYPE_CHECKING:
    from instep.store.models import Account

RULES = Rules(
    description="All about it",
    durations=(45, 30),
    max_per_day=3,
    questions=(Question("team", "Team size", QuestionType.SELECT, True, ("1-10", "11-50")),),
)
HOURS = WeeklyHours("Europe/Lisbon", ((0, 540, 1020),))


@pytest.fixture
def host(account: Account) -> str:
    from instep.bookings.hosting import create_host

    return create_host(account.id, "Nuno Reis", "nuno@host.example", HOURS, NOON)


def test_a_calendar_is_found_as_it_was_made(account: Account, host: str) -> None:
    from instep.bookings.calendars import by_slug, calendar, create, list_calendars

    made = create(account.id, " Demo ", "demo", RULES, [host], True, {host: 2})
    assert (made.name, made.priority_of(host)) == ("Demo", 2)
    assert calendar(account.id, made.id) == made
    assert by_slug("demo") == (account.id, made)
    assert list_calendars(account.id) == (made,)


def test_a_change_replaces_everything_and_another_account_sees_nothing(account: Account, host: str) -> None:
    from instep.bookings.calendars import calendar, change, create, list_calendars
    from instep.bookings.hosting import create_host
    from instep.store.models import Account

    other = create_host(account.id, "Ana", "ana@host.example", HOURS, NOON)
    made = create(account.id, "Demo", "demo", RULES, [host], False)
    wanted = evolve(
        made,
        name="Tour",
        slug="tour",
        published=True,
        rules=Rules(),
        hosts=(host, other),
        priorities={host: 2},
    )
    change(account.id, wanted)
    found = calendar(account.id, made.id)
    assert found is not None
    assert found.hosts == (other, host)
    assert evolve(found, hosts=wanted.hosts) == wanted
    stranger = Account.objects.create(name="Other")
    assert list_calendars(stranger.id) == ()
    assert calendar(stranger.id, made.id) is None
    with pytest.raises(InputError, match="no booking calendar"):
        change(stranger.id, made)


@pytest.mark.parametrize(
    ("name", "slug", "rules", "hosts", "code"),
    [
        ("", "x", RULES, [], "NAME"),
        ("two\nlines", "x", RULES, [], "NAME"),
        ("Demo", "Not a slug", RULES, [], "SLUG"),
        ("Demo", "x", Rules(durations=()), [], "DURATION"),
        ("Demo", "x", RULES, ["HST-NOBODY"], "UNKNOWN_HOST"),
        ("Demo", "taken", RULES, [], "SLUG_TAKEN"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    account: Account, name: str, slug: str, rules: Rules, hosts: list[str], code: str
) -> None:
    from instep.bookings.calendars import create, list_calendars

    create(account.id, "First", "taken", RULES, [], False)
    with pytest.raises(InputError) as refused:
        create(account.id, name, slug, rules, hosts, True)
    assert refused.value.code == code
    assert [c.name for c in list_calendars(account.id)] == ["First"]


def test_a_slug_is_taken_even_by_another_account(account: Account) -> None:
    from instep.bookings.calendars import by_slug, create
    from instep.store.models import Account

    create(account.id, "Mine", "demo", RULES, [], True)
    with pytest.raises(InputError, match="another booking calendar"):
        create(Account.objects.create(name="Other").id, "Theirs", "demo", RULES, [], True)
    found = by_slug("demo")
    assert found is not None
    assert found[0] == account.id
    assert by_slug("") is None


def test_a_calendar_goes_only_while_nobody_booked_it(account: Account, host: str) -> None:
    from instep.bookings.calendars import create, delete, list_calendars
    from instep.store.models import Booking, Calendar

    booked = create(account.id, "Booked", "booked", RULES, [host], True)
    empty = create(account.id, "Empty", "empty", RULES, [host], True)
    Booking.objects.create(
        account=account, source="instep", source_id="BKNG-1", status="scheduled", start_at=NOON, end_at=NOON,
        calendar=Calendar.objects.get(source_id=booked.id), state={},
    )  # fmt: skip
    delete(account.id, empty.id)
    with pytest.raises(InputError, match="Unpublish"):
        delete(account.id, booked.id)
    with pytest.raises(InputError, match="no booking calendar"):
        delete(account.id, empty.id)
    (left,) = list_calendars(account.id)
    assert left == booked


def test_events_of_a_source_make_no_calendar_of_ours(
    account: Account, recorded: Callable[..., object]
) -> None:
    from instep.bookings.calendars import list_calendars
    from instep.store.calendar_queries import calendar_uses

    recorded(line("EVNT-1"))
    assert list_calendars(account.id) == ()
    (use,) = calendar_uses(account.id, NOON)
    assert (use.source, use.bookings, use.ahead) == ("oncehub", 1, 1)
