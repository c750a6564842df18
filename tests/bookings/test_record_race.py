"""The same and related events delivered by many threads at once: one outcome, no deadlock, nothing lost."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction

from account_tables import tables
from instep.bookings import attempts
from instep.bookings.record import record
from instep.store import recording
from instep.store.models import Account, Connection
from oncehub_events import GRETA, NOON, form, line, owner

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 6


def deliveries() -> list[bytes]:
    """Bookings that share people, hosts and calendars, each told of by several events."""
    events = []
    for n in range(8):
        guest = form(email=f"guest{n % 3}@x.example", phone=str(n), mobile_phone=f"+35191200011{n % 2}")
        nobody = form(email="", mobile_phone=f"+35191200011{n % 2}", name=f"Mobile {n}")
        events += [
            line(f"S{n}", "scheduled", n, id=f"B{n}", form_submission=guest, owner=owner(first_name=f"N{n}")),
            line(
                f"R{n}",
                "rescheduled",
                20 + n,
                id=f"B{n}",
                form_submission=None,
                external_calendar={"id": GRETA},
            ),
            line(f"C{n}", "completed", 40 + n, id=f"B{n}", form_submission=guest),
            line(
                f"M{n}",
                "scheduled",
                n,
                id=f"M{n}",
                form_submission=nobody,
                external_calendar=None,
                attendees=[f"host{n % 3}@host.example"],
            ),
            line(f"H{n}", "scheduled", n, id=f"H{n}", external_calendar={"id": f"host{n % 3}@host.example"}),
        ]
    return events


def deliver(account: Account, events: list[bytes], seed: int) -> None:
    """Every thread delivers every event by itself, in an order of its own."""
    failures: list[BaseException] = []
    start = threading.Barrier(THREADS)

    def run(number: int) -> None:
        mine = list(events)
        random.Random(seed * 100 + number).shuffle(mine)
        start.wait()
        try:
            for event in mine:
                record(account.id, [event], "oncehub", NOON)
        except BaseException as error:  # the thread's own end must reach the test
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


@pytest.mark.parametrize("apart", [0, 2, 500])
def test_threads_that_deliver_the_same_events_give_what_one_would(
    apart: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many names a transaction locks one by one: none, some of the transactions', all."""
    monkeypatch.setattr(recording, "_NAMES_ALONE", apart)
    alone, together = Account.objects.create(), Account.objects.create()
    for account in (alone, together):
        Connection.objects.create(account=account, vendor="salesforce", url="x", org_id=str(account.id))
    record(alone.id, deliveries(), "oncehub", NOON)
    deliver(together, deliveries(), apart)
    assert tables(together) == tables(alone)


@pytest.mark.parametrize(("names", "locks"), [(3, 4), (20_000, 1)])
def test_a_transaction_never_holds_more_locks_than_the_server_has_room_for(names: int, locks: int) -> None:
    account = Account.objects.create()
    with transaction.atomic():
        recording.lock_names(account.id, [f"email {number}@guest.example" for number in range(names)])
        held = "SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        assert recording.rows(held, []) == [(locks,)]


@contextmanager
def _naive(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same room without its locks, and slow between reading and writing."""
    import time

    def hurry(*_: Any, **__: Any) -> None:
        return None

    slow: Callable[..., Any] = recording.save_bookings

    def late(*arguments: Any) -> Any:
        time.sleep(0.005)
        return slow(*arguments)

    def unlocked(account_id: int, source: str, ids: Any) -> Any:
        found = recording.rows(
            "SELECT id, source_id, state::text, contact_id, in_trash FROM booking "
            "WHERE account_id = %s AND source = %s AND source_id = ANY(%s::text[])",
            [account_id, source, list(ids)],
        )
        import json

        return {r[1]: recording.BookingRow(r[0], r[1], json.loads(r[2]), r[3], r[4]) for r in found}

    with monkeypatch.context() as patch:
        patch.setattr(recording, "lock_hosts", hurry)
        patch.setattr(recording, "lock_names", hurry)
        patch.setattr(recording, "lock_bookings", unlocked)
        patch.setattr(recording, "save_bookings", late)
        patch.setattr(attempts, "MOST", 50)
        yield


def test_without_the_locks_the_outcome_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = Account.objects.create()
    record(alone.id, deliveries(), "oncehub", NOON)
    expected = tables(alone)
    with _naive(monkeypatch):
        for seed in range(5):
            together = Account.objects.create()
            try:
                deliver(together, deliveries(), seed)
            except AssertionError:
                return
            if tables(together) != expected:
                return
    pytest.fail("the race was never lost: this test cannot tell locks from no locks")
