"""Lists, marks and partitions; and that no account sees another's rows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from instep.bookings.record import record
from instep.core.booking import Status
from instep.store import queries
from instep.store.models import Account, Booking, Connection, Contact, SyncItem
from oncehub_events import NOON, form, line, owner

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    account = Account.objects.create()
    Connection.objects.create(account=account, vendor="salesforce", url="x", org_id="1")
    events = [
        line(
            f"E{n}",
            id=f"B{n}",
            subject=f"Demo {n}%_",
            starting_time=f"2026-03-0{n}T10:00:00Z",
            owner=owner(),
            form_submission=form(name=f"Guest {n}", email=f"guest{n}@x.example"),
        )
        for n in range(1, 6)
    ]
    record(account.id, events, "oncehub", NOON)
    items = {i.target_id: i for i in SyncItem.objects.all()}
    keys = dict(Booking.objects.values_list("source_id", "id"))
    for name, changes in (
        ("B1", {"done": 1}),
        ("B2", {"error_class": "NeedsAdmin", "error_message": "Why."}),
    ):
        SyncItem.objects.filter(id=items[keys[name]].id).update(**changes)
    return account


def test_bookings_are_listed_the_latest_start_first_and_page_by_page(account: Account) -> None:
    first = queries.booking_summaries(account.id, limit=2)
    assert [(b.id, b.crm) for b in first] == [("B5", "waiting"), ("B4", "waiting")]
    rest = queries.booking_summaries(account.id, before=(first[-1].start, first[-1].key))
    assert [(b.id, b.crm, b.crm_message) for b in rest] == [
        ("B3", "waiting", ""),
        ("B2", "problem", "Why."),
        ("B1", "in step", ""),
    ]
    one = first[0]
    assert (one.status, one.guest, one.host) == (Status.SCHEDULED, "Guest 5", "Nuno Reis")


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("guest 3", ["B3"]),
        ("GUEST4@", ["B4"]),
        ("b5", ["B5"]),
        ("2%_", ["B2"]),
        ("%", 5),
        ("'", []),
        ("a\0", 5),
    ],
)
def test_search_takes_the_text_as_it_is(account: Account, search: str, found: list[str] | int) -> None:
    ids = [b.id for b in queries.booking_summaries(account.id, search=search)]
    assert ids == found if isinstance(found, list) else len(ids) == found


def test_bookings_by_where_they_stand(account: Account) -> None:
    assert [b.id for b in queries.booking_summaries(account.id, crm="problem")] == ["B2"]
    assert [b.id for b in queries.booking_summaries(account.id, crm="waiting")] == ["B5", "B4", "B3"]


def test_another_account_sees_nothing(account: Account) -> None:
    other = Account.objects.create().id
    keys = list(Booking.objects.values_list("id", flat=True))
    assert queries.load_bookings(other, keys) == {}
    assert queries.load_contacts(other, list(Contact.objects.values_list("id", flat=True))) == {}
    assert queries.booking_summaries(other) == []
    assert queries.transitions(other, keys[0]) == []
    assert queries.find_booking(other, "B1") is None
    assert queries.properties(other) == []
    assert queries.mark(other, queries.BOOKING, {keys[0]: None}, NOON) == []
    queries.unmark(other, queries.BOOKING, keys)
    assert SyncItem.objects.filter(due_at=NOON).count() == 5


def test_transitions_are_told_in_the_order_in_which_things_happened(account: Account) -> None:
    record(account.id, [line("L", "completed", 60, id="B1")], "oncehub", NOON)
    record(account.id, [line("M", "rescheduled", 30, id="B1")], "oncehub", NOON)
    key = queries.find_booking(account.id, "B1")
    assert key is not None
    told = queries.transitions(account.id, key)
    assert [(t.kind, t.host) for t in told] == [
        ("scheduled", "Nuno Reis"),
        ("rescheduled", "Nuno Reis"),
        ("completed", "Nuno Reis"),
    ]


def test_unmarked_items_are_written_no_more_until_they_are_marked_again(account: Account) -> None:
    key = queries.find_booking(account.id, "B3")
    assert key is not None
    queries.unmark(account.id, queries.BOOKING, [key])
    assert SyncItem.objects.get(target_id=key).due_at is None
    queries.mark(account.id, queries.BOOKING, {key: None}, NOON + timedelta(1))
    assert SyncItem.objects.get(target_id=key).due_at == NOON + timedelta(1)


def test_the_next_months_have_partitions_and_a_crowded_month_is_left_alone() -> None:
    assert queries.make_partitions(3) == 0, "migrating has made them"
    assert queries.make_partitions(5) == 6
    queries.rows("DROP TABLE transition_default", [])
    queries.rows("CREATE TABLE transition_default PARTITION OF transition DEFAULT", [])
    queries.rows(
        "INSERT INTO transition (account_id, booking_id, kind, at, status, recorded_at) "
        "VALUES (1, 1, 'scheduled', now(), 'scheduled', now() + interval '6 months')",
        [],
    )
    assert queries.make_partitions(6) == 2, "the others' month is made, the log's stays in the default one"
