"""A drain: bring one connection's due items in step, one owner at a time, as long as its time slice lasts.

The lane belongs to the drain that took its epoch last. Every write to the CRM and every write-back asks
for that epoch first; a drain that finds itself fenced saves nothing but "read these again".
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import Any

import structlog
from attrs import define, evolve, field, frozen
from django.db import InterfaceError, OperationalError

from instep.core.creation import Guests
from instep.core.crm_schema import with_required
from instep.core.errors import Bug, Fenced, InstepError, Scope
from instep.core.plan_company import name_key
from instep.core.wanted import makes_companies
from instep.core.work import Memory, Work, link_of
from instep.engine import pauses, saving, schemas, watch
from instep.engine.batch import hosts_of, run_batch
from instep.engine.lane import Lane, open_lane, refresh
from instep.engine.policy import Policy
from instep.store import contact_queries, item_queries, lane_queries, queries, statements

log = structlog.get_logger(__name__)

#: fewer items than this are not spread over several batches in flight
_WORTH_A_BATCH = 50


@frozen
class Drained:
    """What a drain did. `more` asks for another drain right away: work is left."""

    batches: int = 0
    items: int = 0
    more: bool = False
    held: str = ""


@define
class _Loaded:
    """A batch's items with all that belongs to them."""

    rows: list[dict[str, Any]]
    works: list[Work] = field(factory=list)


def drain(
    account_id: int,
    connection_id: int,
    policy: Policy | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Drained:
    """Drain a connection until nothing is due, the slice is over, the lane is held or we are told to stop."""
    rules = policy or Policy()
    row = lane_queries.begin_drain(account_id, connection_id)
    if row is None:
        return Drained()
    drain_id = secrets.token_hex(6)
    with structlog.contextvars.bound_contextvars(connection=connection_id, drain=drain_id):
        try:
            lane = open_lane(account_id, row, rules, kept=row)
        except InstepError as error:
            return Drained(held=pauses.stop(account_id, row, error, rules))
        except (InterfaceError, OperationalError):
            raise  # the database is away: there is nowhere to note it
        except Exception as error:
            # a mistake of ours at every opening must not be made again every two seconds
            log.exception("drain.cannot_open")
            mistake = Bug(f"{type(error).__name__}: {error}", code="BUG", cure="Please report it.")
            return Drained(held=pauses.stop(account_id, row, mistake, rules))
        return _work(lane, drain_id, stopping)


def _work(lane: Lane, drain_id: str, stopping: Callable[[], bool]) -> Drained:
    done = Drained()
    ends = time.monotonic() + lane.policy.time_slice
    while time.monotonic() < ends and not stopping():
        if held := pauses.at_the_reserve(lane):
            return evolve(done, held=held)
        # a further guest who gets a record may be the one who books in another batch
        in_flight = 1 if lane.config.guests is Guests.RECORDS else lane.config.batches_in_flight
        size = max(1, int(lane.row["batch_size"]))
        rows = item_queries.due_items(lane.account_id, lane.id, size * in_flight)
        if not rows:
            return done
        batches = _partition(rows, size, in_flight, _companies(lane, rows, in_flight))
        held = _run_batches(lane, drain_id, batches)
        done = evolve(done, batches=done.batches + len(batches), items=done.items + len(rows))
        if held:
            return evolve(done, held=held)
        if len(rows) < size * in_flight and not lane.again:
            # all that was due is worked; whoever has marked anything since has woken a drain for it
            return done
        lane.again.clear()
    return evolve(done, more=True)


def _companies(lane: Lane, rows: list[dict[str, Any]], in_flight: int) -> dict[int, str]:
    """The companies that new people may lead to, by contact: nobody else makes them meanwhile."""
    if in_flight == 1 or not makes_companies(lane.setting()):
        return {}
    new = {int(row["person_key"]) for row in rows if row["person_key"] and not row["link"].get("person_id")}
    found = contact_queries.companies_of(lane.account_id, new)
    return {key: name_key(company) for key, company in found.items()}


def _partition(
    rows: list[dict[str, Any]], size: int, in_flight: int, companies: Mapping[int, str] = MappingProxyType({})
) -> list[list[dict[str, Any]]]:
    """Split due items into at most `in_flight` batches of about `size`; a person is in one batch only.

    Items belong together when they are the same contact, are linked to the same record, or when their new people
    belong to one company, which may have to be made.
    """
    groups: list[list[dict[str, Any]]] = []
    of_key: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        keys = [("contact", row["person_key"])] if row["person_key"] else []
        if row["link"].get("person_id"):
            keys.append(("record", row["link"]["person_id"]))
        elif row["person_key"] in companies:
            keys.append(("company", companies[row["person_key"]]))
        known = [of_key[key] for key in keys if key in of_key]
        group = known[0] if known else []
        if not known:
            groups.append(group)
        for other in known[1:]:
            if other is not group:
                group.extend(other)
                groups.remove(other)
                for key, value in of_key.items():
                    if value is other:
                        of_key[key] = group
        group.append(row)
        of_key |= dict.fromkeys(keys, group)
    # a second batch costs a read and a write of its own: it is opened only when it saves time
    share = max(min(size, _WORTH_A_BATCH), -(-len(rows) // in_flight))
    batches: list[list[dict[str, Any]]] = [[] for _ in range(in_flight)]
    for group in groups:
        for batch in batches:
            if not batch or len(batch) + len(group) <= share:
                batch.extend(group)
                break
    return [batch for batch in batches if batch]


def _run_batches(lane: Lane, drain_id: str, batches: list[list[dict[str, Any]]]) -> str:
    """Run batches, in parallel where there are several; the code of what holds the lane, or empty."""
    if len(batches) == 1:
        return _one_batch(lane, drain_id, batches[0])
    with ThreadPoolExecutor(len(batches)) as pool:
        helds = list(pool.map(lambda rows: _in_thread(lane, drain_id, rows), batches))
    return next((held for held in helds if held), "")


def _in_thread(lane: Lane, drain_id: str, rows: list[dict[str, Any]]) -> str:
    # a client counts its own calls; the database connection belongs to the thread and ends with it
    own = evolve(lane, crm=lane.crm.fork())
    try:
        with structlog.contextvars.bound_contextvars(connection=lane.id, drain=drain_id):
            held = _one_batch(own, drain_id, rows)
            lane.schema = own.schema
            return held
    finally:
        statements.close_connection()


def _one_batch(lane: Lane, drain_id: str, rows: list[dict[str, Any]], described_anew: bool = False) -> str:
    """Work one batch; the code of what holds the lane, or empty. A mistake of ours holds back one item only."""
    try:
        return _batch(lane, drain_id, rows, described_anew)
    except (InterfaceError, OperationalError):
        raise  # the database is away: nothing is known of any item
    except Exception as error:
        log.exception("drain.bug", items=len(rows))
        if len(rows) > 1:
            return _in_halves(lane, drain_id, rows)
        said = f"{type(error).__name__}: {error}"
        item_queries.put_aside_item(
            lane.account_id,
            lane.id,
            int(lane.row["epoch"]),
            int(rows[0]["id"]),
            said,
            lane.policy.admin_retry,
        )
        return ""


def _batch(lane: Lane, drain_id: str, rows: list[dict[str, Any]], described_anew: bool) -> str:
    loaded = load(lane, rows)
    hosts = hosts_of(loaded.works)
    setting = lane.setting(hosts)
    ids = [int(row["id"]) for row in rows]
    epoch = int(lane.row["epoch"])

    def fence() -> None:
        if not item_queries.mark_sent(lane.account_id, lane.id, epoch, ids):
            raise Fenced("Another worker has taken over this connection.", scope=Scope.CONNECTION)

    calls_before = len(lane.crm.calls)
    try:
        result = run_batch(
            lane.crm,
            setting,
            loaded.works,
            remembered(lane, loaded.works),
            look_first=frozenset(w.item for w, row in zip(loaded.works, rows, strict=True) if _unsure(row)),
            unknown_hosts=lane.unknown_hosts(setting, hosts),
            before_write=fence,
            recall=lane.recall,
            max_rounds=lane.policy.rounds,
        )
    except Fenced:
        return _fenced(lane, ids, len(lane.crm.calls) - calls_before)
    if pauses.schema_moved(result.failure) and not described_anew:
        # a field that we asked for is gone or hidden: what is left is read and written right away
        lane_queries.count_calls(lane.account_id, lane.id, len(result.calls), 0)
        watch.ask_to_check(lane.id)
        try:
            refresh(lane, force=True)
        except InstepError as error:
            return pauses.stop(lane.account_id, lane.row, error, lane.policy)
        return _one_batch(lane, drain_id, _to_read_first(rows), described_anew=True)
    if len(rows) > 1 and _one_is_to_blame(result.failure):
        lane_queries.count_calls(lane.account_id, lane.id, len(result.calls), 0)
        return _in_halves(lane, drain_id, rows)
    if isinstance(result.failure, Fenced) or not saving.save(lane, drain_id, rows, result):
        return _fenced(lane, ids, len(result.calls))
    if result.learned:
        schemas.learn(lane.account_id, lane.id, result.learned)
        lane.schema = with_required(lane.schema, result.learned)
        watch.ask_to_check(lane.id)
    known = lane.schema
    held = pauses.after_batch(lane, len(rows), result)
    if result.schema_stale and not held and lane.schema != known:
        # what was refused for the old schema is written by the new one before anything else
        item_queries.make_due(lane.account_id, lane.id, ids)
        lane.again.append(drain_id)
    return held


def remembered(lane: Lane, works: Sequence[Work]) -> Memory:
    """What is remembered of the records that these items are linked to, and what is in quarantine for them."""
    records = [key for work in works for key in work.link.records(lane.vendor.profile)]
    own = [w.contact.id for w in works if w.contact] + [w.booking.id for w in works if w.booking]
    return lane.memory(records, [*own, *(record_id for _, record_id in records)])


def _one_is_to_blame(failure: InstepError | None) -> bool:
    """Whether a failure comes from one item's data, so that the others go through without it."""
    if failure is None:
        return False
    return failure.scope in (Scope.RECORD, Scope.FIELD) or isinstance(failure, Bug)


def _to_read_first(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items of a batch that failed: part of it may have been written, so each is read again."""
    return [{**row, "observe_first": True} for row in rows]


def _in_halves(lane: Lane, drain_id: str, rows: list[dict[str, Any]]) -> str:
    """Look for the one item that spoils a batch; the innocent ones are written on the way."""
    again = _to_read_first(rows)
    middle = len(again) // 2
    helds = [_one_batch(lane, drain_id, part) for part in (again[:middle], again[middle:])]
    return next((held for held in helds if held), "")


def _unsure(row: dict[str, Any]) -> bool:
    """What we remember of this item's records may be wrong: asked for, or a write has no known end."""
    return bool(row["observe_first"] or row["sent_at"] is not None)


def _fenced(lane: Lane, ids: list[int], calls: int) -> str:
    log.warning("drain.fenced", items=len(ids))
    item_queries.make_due(lane.account_id, lane.id, ids)
    lane_queries.count_calls(lane.account_id, lane.id, calls, 0)
    lane_queries.wake(lane.id)
    return "FENCED"


def load(lane: Lane, rows: Sequence[dict[str, Any]]) -> _Loaded:
    """What the items stand for; contacts that no booking of theirs carries are loaded."""
    loaded = _Loaded(list(rows))
    bookings, contacts = queries.meetings_in(rows)
    contact_ids = {r["target_id"] for r in rows if r["kind"] == "contact"}
    contact_ids |= {r["person_key"] for r in rows if r["person_key"]}
    if others := sorted(contact_ids - contacts.keys()):
        contacts |= queries.load_contacts(lane.account_id, others)
    for row in rows:
        link = link_of(row["link"])
        booking = bookings.get(row["target_id"]) if row["kind"] == "booking" else None
        if booking is not None:
            contact = contacts.get(row["person_key"])
            settled = bool(row["rules_only"])
            before = link_of(row.get("earlier_link") or {})
            loaded.works.append(
                Work(
                    f"booking:{booking.id}",
                    contact,
                    booking,
                    link,
                    settled=settled,
                    before=(before.person_object, before.person_id),
                )
            )
        elif row["kind"] == "booking":
            # in the trash of its source since it was marked: the CRM is left as it is
            loaded.works.append(Work(f"booking:{row['target_id']}", None, None, link, held=True))
        else:
            contact = contacts[row["target_id"]]
            loaded.works.append(Work(f"contact:{contact.id}", contact, None, link))
    return loaded
