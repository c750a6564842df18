"""Deliveries at the same time share a transaction, and each is answered for itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.db import OperationalError, connection

from instep.bookings import together
from instep.bookings.record import Recorded
from instep.bookings.together import Outcome, record_one
from instep.store.models import Account, Booking, Connection
from oncehub_events import NOON, line

THREADS = 12


def deliver(events: list[bytes], account_id: int = 1) -> list[Outcome | BaseException]:
    """Deliver each event by a thread of its own; what each was answered."""
    answers: dict[int, Outcome | BaseException] = {}
    start = threading.Barrier(len(events))

    def run(place: int) -> None:
        start.wait()
        try:
            answers[place] = record_one(account_id, events[place], "oncehub", NOON)
        except Exception as error:
            answers[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(events))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    return [answers[place] for place in range(len(events))]


class Rounds:
    """Stands in for recording: slow, and refuses what a test wants refused."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.at_once = 0

    def __call__(self, account_id: int, events: list[bytes], source: str, now: datetime) -> Recorded:
        import time

        self.at_once += 1
        assert self.at_once == 1, "two rounds of one lane at once"
        time.sleep(0.01)
        self.at_once -= 1
        self.sizes.append(len(events))
        if b"poison" in events:
            raise RuntimeError("the database has gone")
        return Recorded(len(events), frozenset(n for n, raw in enumerate(events, 1) if raw == b"known"))


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rounds]:
    stand_in = Rounds()
    monkeypatch.setattr(together, "record", stand_in)
    yield stand_in
    assert not any(lane.busy or lane.waiting for lane in together._lanes.values())


def test_what_comes_meanwhile_is_taken_along(rounds: Rounds) -> None:
    answers = deliver([b"new", b"known"] * (THREADS // 2))
    assert answers == [Outcome(), Outcome(known=True)] * (THREADS // 2)
    assert sum(rounds.sizes) == THREADS
    assert len(rounds.sizes) < THREADS / 2


def test_a_round_has_a_limit(rounds: Rounds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "_MOST", 3)
    deliver([b"new"] * THREADS)
    assert max(rounds.sizes) <= 3
    assert sum(rounds.sizes) == THREADS


def test_an_event_that_makes_its_round_fail_fails_alone(rounds: Rounds) -> None:
    answers = deliver([b"poison"] + [b"new"] * THREADS)
    assert isinstance(answers[0], RuntimeError)
    assert answers[1:] == [Outcome()] * THREADS


def test_a_database_that_does_not_answer_is_not_asked_for_each(
    rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def gone(account_id: int, events: list[bytes], *_: Any) -> Recorded:
        asked.append(len(events))
        raise OperationalError

    monkeypatch.setattr(together, "record", gone)
    answers = deliver([b"new"] * THREADS)
    assert all(isinstance(answer, OperationalError) for answer in answers)
    assert sum(asked) == THREADS


@pytest.mark.django_db(transaction=True)
def test_a_burst_is_durable_when_it_is_answered() -> None:
    account = Account.objects.create()
    Connection.objects.create(account=account, vendor="salesforce", url="x", org_id="1")
    events: list[Any] = [line(f"E{n % 10}", id=f"B{n % 10}") for n in range(20)] + [b"{"]
    answers = deliver(events, account.id)
    assert [isinstance(a, Outcome) for a in answers] == [True] * 21
    assert sum(a.known for a in answers if isinstance(a, Outcome)) == 10
    broken = answers[-1]
    assert isinstance(broken, Outcome)
    assert broken.problem is not None
    assert Booking.objects.filter(account=account).count() == 10
