"""The whole bench, line by line: what is measured, in which order, and with how much."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from attrs import asdict, evolve, frozen

from instep.bench import crowd, full_setup, one_lane, planning, usual
from instep.bench.figures import HIGHER, Figure, documents
from instep.bench.house import House, Org, until

#: threads of the usual way: as many as a worker of ours has by default
_THREADS = 8
LATENCY = 50
_SLOW = 1000


@frozen
class Size:
    """How much of everything. `quick` is enough to see that all of it works, and to count calls."""

    burst: int = 1000
    idle: int = 200
    connections: int = 1000
    due: int = 10
    long_lane: int = 10_000
    usual_alone: int = 200
    usual_threads: int = 1000
    slow_ms: int = _SLOW
    plan_repeats: int = 15


FULL = Size()
QUICK = Size(
    burst=200,
    idle=2,
    connections=5,
    due=4,
    long_lane=60,
    usual_alone=3,
    usual_threads=16,
    slow_ms=60,
    plan_repeats=1,
)


def measure(house: House, size: Size, say: Callable[[str], None]) -> dict[str, Any]:
    """Run everything; figures by name, and beside them what they were measured with.

    Of a run of another size than the full one, only the calls are held against their bounds.
    """
    figures: list[Figure] = []
    details: dict[str, Any] = {"sizes": asdict(size), "latency_ms": LATENCY, "slow_ms": size.slow_ms}
    say("planning one booking with 60 mappings")
    figures += _planning(size)
    with house.org() as org:
        connection = one_lane.connect(house, org)
        with house.workers() as workers:
            # a new connection is looked at once: those calls are no booking's
            until(house.is_idle, "the new connection was looked at", 120)
            say(f"a burst of {size.burst} new bookings, one alone, one change")
            ours, found = _one_lane(house, org, workers, size)
            figures += found
            details["burst"] = ours
            say(f"{size.idle} bookings while all is idle")
            figures += _idle(house, org, size)
            say(f"one connection with {size.long_lane:,} bookings, four times")
            found, details["long_lane"] = _long_lane(house, org, connection, workers, size)
            figures += found
        say(f"{size.connections:,} connections with {size.due} bookings each")
        found, details["crowd"] = _crowd(house, connection, size)
        figures += found
    say(f"the full configuration: a burst of {size.burst} new bookings, one alone, one change")
    found, details["full_configuration"] = _full(house, size)
    figures += found
    say(f"HubSpot: a burst of {size.burst} new bookings, one alone, one change")
    found, details["hubspot"] = _hubspot(house, size)
    figures += found
    say("the usual way")
    found, details["usual_way"] = _usual(house, size, ours)
    figures += found
    if size is not FULL:
        figures = [
            figure if figure.unit == "calls" else evolve(figure, must=None, aim=None) for figure in figures
        ]
    return {"figures": documents(figures), "details": details}


def _planning(size: Size) -> list[Figure]:
    new, change = planning.microseconds(size.plan_repeats)
    return [
        Figure("microseconds_to_plan_a_new_booking_with_60_mappings",
               "plan of a new booking with 60 mappings", new, "µs CPU", 300, 100),
        Figure("microseconds_to_plan_a_change_with_60_mappings",
               "plan of a change of a linked booking with 60 mappings", change, "µs CPU", 300, 100),
    ]  # fmt: skip


Shape = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


def _three(
    house: House, org: Org, workers: Any, size: Size, prefix: str, shaped: Shape = list
) -> tuple[one_lane.Spent, one_lane.Spent, one_lane.Spent]:
    """A burst of new bookings, one alone, and one change of that one; `shaped` makes some of them different."""
    org.take(LATENCY)
    burst = one_lane.write(house, org, shaped(one_lane.new(size.burst, prefix)), workers)
    # of two the second: where every second one is different, it is such a one
    alone = one_lane.write(house, org, shaped(one_lane.new(2, f"{prefix}-ALONE"))[1:])
    change = one_lane.write(house, org, shaped(one_lane.moved(2, f"{prefix}-ALONE", 1))[1:])
    return burst, alone, change


def _one_lane(house: House, org: Org, workers: Any, size: Size) -> tuple[dict[str, Any], list[Figure]]:
    burst, alone, change = _three(house, org, workers, size, "BURST")
    per_1000 = 1000 / size.burst
    ours = {
        "bookings": size.burst,
        "calls_per_1000": burst.calls * per_1000,
        "seconds_per_1000": round(burst.seconds * per_1000, 3),
        **_cpu(burst),
    }
    return ours, [
        Figure("crm_calls_per_1000_new_bookings",
               "CRM calls for 1,000 new bookings in a burst", burst.calls * per_1000, "calls", 30, 12),
        Figure("crm_calls_for_one_new_booking", "CRM calls for one new booking alone", alone.calls, "calls", 2, 2),
        Figure("crm_calls_for_one_change_of_a_linked_booking",
               "CRM calls for one change of a linked booking", change.calls, "calls", 1, 1),
        Figure("seconds_per_1000_new_bookings",
               "time of those 1,000 new bookings, from commit to CRM", burst.seconds * per_1000, "s"),
    ]  # fmt: skip


def _idle(house: House, org: Org, size: Size) -> list[Figure]:
    waits = sorted(one_lane.begin_milliseconds(house, org, size.idle))
    p99 = waits[min(len(waits) - 1, round(len(waits) * 0.99))]
    return [
        Figure("ms_from_booking_accepted_to_first_crm_request_p50",
               "booking accepted → first request at the CRM, idle, median", statistics.median(waits), "ms"),
        Figure("ms_from_booking_accepted_to_first_crm_request_p99",
               "booking accepted → first request at the CRM, idle, p99", p99, "ms", 50, 10),
    ]  # fmt: skip


def _long_lane(
    house: House, org: Org, connection: int, workers: Any, size: Size
) -> tuple[list[Figure], dict[str, Any]]:
    figures, details = [], {}
    seconds: dict[tuple[int, int], float] = {}
    for ms in (LATENCY, size.slow_ms):
        for batches in (1, 4):
            org.take(ms)
            one_lane.fly(house, connection, batches)
            events = one_lane.new(size.long_lane, f"L{ms}-{batches}")
            spent = one_lane.write(house, org, events, workers, patience=1800)
            seconds[ms, batches] = spent.seconds
            name = f"seconds_for_{size.long_lane}_bookings_at_{ms}_ms_with_{batches}_in_flight"
            label = f"{size.long_lane:,} bookings, one connection, {ms} ms a call, {_batches(batches)}"
            figures.append(Figure(name, label, spent.seconds, "s"))
            details[f"{ms}_ms_{batches}_in_flight"] = {"calls": spent.calls, **_cpu(spent)}
    one_lane.fly(house, connection, 1)
    gain = seconds[size.slow_ms, 1] / seconds[size.slow_ms, 4]
    figures.append(
        Figure("times_faster_with_4_in_flight_at_slow_calls",
               f"the same at {size.slow_ms} ms: 4 in flight against 1", gain, "×", None, 3, HIGHER)
    )  # fmt: skip
    return figures, details


def _batches(count: int) -> str:
    return f"{count} {'batch' if count == 1 else 'batches'} in flight"


def _crowd(house: House, connection: int, size: Size) -> tuple[list[Figure], dict[str, Any]]:
    found = crowd.run(house, connection, size.connections, size.due, LATENCY)
    label = f"bookings/s, {size.connections:,} connections × {size.due} due, two workers"
    figure = Figure(
        "bookings_per_second_over_many_connections", label, found.per_second, "/s", 1000, 2500, HIGHER
    )
    return [figure], crowd.document(found)


def _full(house: House, size: Size) -> tuple[list[Figure], dict[str, Any]]:
    """The same for an org with every rule in use, which an account of its own is connected to."""
    from instep.store.models import Account

    theirs = evolve(house, account_id=Account.objects.create(name="Bench full").id)
    with house.org("full") as org:
        connection = one_lane.connect(theirs, org)
        full_setup.configure(theirs, org, connection)
        with house.workers() as workers:
            until(house.is_idle, "the new connection was looked at", 120)
            burst, alone, change = _three(theirs, org, workers, size, "FULL", full_setup.half_with_cases)
        made = {name: org.count(name) for name in ("Lead", "Contact", "Account", "Case", "Event")}
    if (made["Case"], made["Contact"], made["Event"]) != (
        size.burst // 2 + 1,
        size.burst // 2 + 1,
        size.burst + 1,
    ):
        raise AssertionError(f"the org of the full configuration has {made}")
    per_1000 = 1000 / size.burst
    return [
        Figure("crm_calls_per_1000_new_bookings_in_full_configuration",
               "full configuration: CRM calls for 1,000 new bookings", burst.calls * per_1000, "calls", 30, 12),
        Figure("crm_calls_for_one_new_booking_in_full_configuration",
               "full configuration: CRM calls for one new booking alone", alone.calls, "calls", 2, 2),
        Figure("crm_calls_for_one_change_in_full_configuration",
               "full configuration: CRM calls for one change", change.calls, "calls", 1, 1),
        Figure("seconds_per_1000_new_bookings_in_full_configuration",
               "full configuration: time of those 1,000", burst.seconds * per_1000, "s"),
    ], {"bookings": size.burst, "records": made, **_cpu(burst)}  # fmt: skip


def _hubspot(house: House, size: Size) -> tuple[list[Figure], dict[str, Any]]:
    """The same for a HubSpot account, which an account of its own is connected to."""
    from instep.store.models import Account

    theirs = evolve(house, account_id=Account.objects.create(name="Bench HubSpot").id)
    with house.portal() as portal:
        one_lane.connect(theirs, portal)
        with house.workers() as workers:
            until(house.is_idle, "the new connection was looked at", 120)
            burst, alone, change = _three(theirs, portal, workers, size, "HUB")
    per_1000 = 1000 / size.burst
    return [
        Figure("hubspot_calls_per_1000_new_bookings",
               "HubSpot calls for 1,000 new bookings in a burst", burst.calls * per_1000, "calls", 60, 30),
        Figure("hubspot_calls_for_one_new_booking",
               "HubSpot calls for one new booking alone", alone.calls, "calls", 3, 3),
        Figure("hubspot_calls_for_one_change_of_a_linked_booking",
               "HubSpot calls for one change of a linked booking", change.calls, "calls", 1, 1),
        Figure("seconds_per_1000_new_bookings_in_hubspot",
               "HubSpot: time of 1,000 new bookings, from commit to CRM", burst.seconds * per_1000, "s"),
    ], {"bookings": size.burst, **_cpu(burst)}  # fmt: skip


def _usual(house: House, size: Size, ours: dict[str, Any]) -> tuple[list[Figure], dict[str, Any]]:
    with _empty_org(house) as org:
        alone = usual.write(org, one_lane.new(size.usual_alone, "USUAL"), threads=1)
    with _empty_org(house) as org:
        threads = usual.write(org, one_lane.new(size.usual_threads, "USUAL"), threads=_THREADS)
    details = {"one_after_the_other": asdict(alone), f"{_THREADS}_threads": asdict(threads)}
    return [
        Figure("usual_way_crm_calls_per_1000_new_bookings",
               "the usual way: CRM calls for 1,000 new bookings", threads.calls_per_1000, "calls"),
        Figure("usual_way_seconds_per_1000_new_bookings",
               "the usual way: time of 1,000, one after the other", alone.seconds_per_1000, "s"),
        Figure(f"usual_way_seconds_per_1000_new_bookings_with_{_THREADS}_threads",
               f"the usual way: time of 1,000, {_THREADS} threads", threads.seconds_per_1000, "s"),
        Figure("times_fewer_crm_calls_than_the_usual_way", "CRM calls: the usual way against Instep",
               threads.calls_per_1000 / ours["calls_per_1000"], "×", better=HIGHER),
        Figure("times_faster_than_the_usual_way", "time: the usual way against Instep, one connection each",
               alone.seconds_per_1000 / ours["seconds_per_1000"], "×", better=HIGHER),
        Figure(f"times_faster_than_the_usual_way_with_{_THREADS}_threads",
               f"time: the usual way with {_THREADS} threads against Instep with one connection",
               threads.seconds_per_1000 / ours["seconds_per_1000"], "×", better=HIGHER),
    ], details  # fmt: skip


@contextmanager
def _empty_org(house: House) -> Iterator[Org]:
    with house.org("usual") as org:
        org.take(LATENCY)
        yield org


def _cpu(spent: one_lane.Spent) -> dict[str, float]:
    return {
        "worker_cpu_seconds": round(spent.worker_cpu, 2),
        "org_cpu_seconds": round(spent.org_cpu, 2),
        "postgres_cpu_seconds": round(spent.postgres_cpu, 2),
    }


def timed(measured: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The document with how long all of it took, in seconds."""
    began = time.monotonic()
    document = measured()
    return {**document, "seconds": round(time.monotonic() - began, 1)}
