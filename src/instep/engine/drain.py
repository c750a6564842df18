"""A drain: bring one connection's due items in step, one owner at a time, as long as its time slice lasts.

The lane belongs to the drain that took its epoch last. Every write to the CRM and every write-back asks
for that epoch first; a drain that finds itself fenced saves nothing but "read these again".
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from attrs import asdict, define, evolve, field, frozen

from instep.core.errors import Fenced, InstepError, NeedsAdmin, Retry, Scope, Wait
from instep.core.rules import plain_email
from instep.core.work import Link, Work
from instep.engine.batch import BatchResult, Outcome, hosts_of, run_batch
from instep.engine.lane import Lane, open_lane, refresh
from instep.engine.policy import Policy
from instep.store import queries, sync_queries

log = structlog.get_logger(__name__)


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
    row = sync_queries.begin_drain(account_id, connection_id)
    if row is None:
        return Drained()
    drain_id = secrets.token_hex(6)
    with structlog.contextvars.bound_contextvars(connection=connection_id, drain=drain_id):
        try:
            lane = open_lane(account_id, row, rules)
        except InstepError as error:
            _stop_lane(account_id, connection_id, error, rules, attempts=3)
            return Drained(held=error.code)
        return _work(lane, drain_id, stopping)


def _work(lane: Lane, drain_id: str, stopping: Callable[[], bool]) -> Drained:
    done = Drained()
    ends = time.monotonic() + lane.policy.time_slice
    while time.monotonic() < ends and not stopping():
        if _reserve_reached(lane):
            return evolve(done, held="API_RESERVE")
        in_flight = lane.config.batches_in_flight
        size = max(1, int(lane.row["batch_size"]))
        rows = sync_queries.due_items(lane.account_id, lane.id, size * in_flight)
        if not rows:
            return done
        batches = _partition(rows, size, in_flight)
        held = _run_batches(lane, drain_id, batches)
        done = evolve(done, batches=done.batches + len(batches), items=done.items + len(rows))
        if held:
            return evolve(done, held=held)
    return evolve(done, more=True)


def _partition(rows: list[dict[str, Any]], size: int, in_flight: int) -> list[list[dict[str, Any]]]:
    """Split due items into at most `in_flight` batches of about `size`; a person is in one batch only.

    Items belong together when they are the same contact or are linked to the same record.
    """
    groups: list[list[dict[str, Any]]] = []
    of_key: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        keys = [("contact", row["person_key"])] if row["person_key"] else []
        if row["link"].get("person_id"):
            keys.append(("record", row["link"]["person_id"]))
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
    batches: list[list[dict[str, Any]]] = [[] for _ in range(in_flight)]
    for group in groups:
        smallest = min(batches, key=len)
        if not smallest or len(smallest) + len(group) <= size:
            smallest.extend(group)
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
    own = Lane(**{**_parts(lane), "crm": lane.crm.fork()})
    try:
        with structlog.contextvars.bound_contextvars(connection=lane.id, drain=drain_id):
            return _one_batch(own, drain_id, rows)
    finally:
        sync_queries.close_connection()


def _parts(lane: Lane) -> dict[str, Any]:
    return {name: getattr(lane, name) for name in Lane.__slots__ if name != "__weakref__"}


def _one_batch(lane: Lane, drain_id: str, rows: list[dict[str, Any]]) -> str:
    loaded = load(lane, rows)
    hosts = hosts_of(loaded.works)
    setting = lane.setting(hosts)
    ids = [int(row["id"]) for row in rows]
    epoch = int(lane.row["epoch"])

    def fence() -> None:
        if not sync_queries.mark_sent(lane.account_id, lane.id, epoch, ids):
            raise Fenced("Another worker has taken over this connection.", scope=Scope.CONNECTION)

    keys = [w.contact.id for w in loaded.works if w.contact] + [
        w.booking.id for w in loaded.works if w.booking
    ]
    linked = [pair for w in loaded.works for pair in _linked(lane, w.link) if pair[1]]
    memory = lane.memory(linked, [*keys, *(pair[1] for pair in linked)])
    calls_before = len(lane.crm.calls)
    try:
        result = run_batch(
            lane.crm,
            setting,
            loaded.works,
            memory,
            look_first=frozenset(w.item for w, row in zip(loaded.works, rows, strict=True) if _unsure(row)),
            unknown_hosts=lane.unknown_hosts(setting, hosts),
            before_write=fence,
            recall=lane.recall,
            max_rounds=lane.policy.rounds,
        )
    except Fenced:
        return _fenced(lane, ids, len(lane.crm.calls) - calls_before)
    if isinstance(result.failure, Fenced) or not _save(lane, drain_id, rows, result):
        return _fenced(lane, ids, len(result.calls))
    return _after(lane, rows, result)


def _unsure(row: dict[str, Any]) -> bool:
    """What we remember of this item's records may be wrong: asked for, or a write has no known end."""
    return bool(row["observe_first"] or row["sent_at"] is not None)


def _linked(lane: Lane, link: Link) -> tuple[tuple[str, str], tuple[str, str]]:
    return (
        (link.person_object, link.person_id),
        (lane.vendor.profile.activity.name, link.activity_id),
    )


def _fenced(lane: Lane, ids: list[int], calls: int) -> str:
    log.warning("drain.fenced", items=len(ids))
    sync_queries.make_due(lane.account_id, lane.id, ids)
    sync_queries.count_calls(lane.account_id, lane.id, calls, 0)
    sync_queries.wake(lane.id)
    return "FENCED"


def load(lane: Lane, rows: Sequence[dict[str, Any]]) -> _Loaded:
    """Load what the items stand for. `wanted` was read before: newer state is written at worst early."""
    loaded = _Loaded(list(rows))
    bookings = queries.load_bookings(
        lane.account_id, [r["target_id"] for r in rows if r["kind"] == "booking"]
    )
    contact_ids = {r["target_id"] for r in rows if r["kind"] == "contact"}
    contact_ids |= {r["person_key"] for r in rows if r["person_key"]}
    contacts = queries.load_contacts(lane.account_id, sorted(contact_ids))
    for row in rows:
        link = Link(**{k: v for k, v in row["link"].items() if k in _LINK})
        booking = bookings.get(row["target_id"]) if row["kind"] == "booking" else None
        if booking is not None:
            contact = contacts.get(row["person_key"])
            loaded.works.append(Work(f"booking:{booking.id}", contact, booking, link))
        elif row["kind"] == "booking":
            # in the trash of its source since it was marked: the CRM is left as it is
            loaded.works.append(Work(f"booking:{row['target_id']}", None, None, link, held=True))
        else:
            contact = contacts[row["target_id"]]
            loaded.works.append(Work(f"contact:{contact.id}", contact, None, link))
    return loaded


_LINK = frozenset(asdict(Link()))


# --- saving ---------------------------------------------------------------------------------------


def _save(lane: Lane, drain_id: str, rows: list[dict[str, Any]], result: BatchResult) -> bool:
    limits = lane.crm.limits
    items, receipts = [], []
    for row, outcome in zip(rows, result.outcomes, strict=True):
        items.append(_item(lane, row, outcome, result))
        receipts.append(
            {
                "kind": row["kind"],
                "target_id": row["target_id"],
                "drain_id": drain_id,
                "outcome": "done" if outcome.done else type(outcome.error).__name__,
                "calls": len(result.calls),
                "ms": sum(call.ms for call in result.calls),
                "document": outcome.document,
            }
        )
    return sync_queries.finish_batch(
        lane.account_id,
        lane.id,
        int(lane.row["epoch"]),
        items,
        records=_records(result),
        quarantine=_quarantine(result),
        # a pass that found everything in step and asked nothing leaves no receipt
        receipts=receipts if result.calls else [],
        users=[
            {
                "crm_id": u.id,
                "email_key": plain_email(u.email),
                "username": u.username,
                "name": u.name,
                "active": u.active,
            }
            for u in result.new_users
        ],
        asked_hosts=[h for h in result.asked_hosts if result.setting.directory.user(h) is None],
        calls=len(result.calls),
        writes=result.writes,
        limits=(limits.used, limits.allowed),
    )


def _item(lane: Lane, row: dict[str, Any], outcome: Outcome, result: BatchResult) -> dict[str, Any]:
    """The item's row after the batch. After an unknown outcome it is read once more, later."""
    error = outcome.error
    unknown = bool(error and error.outcome_unknown)
    next_in: float | None
    if error is None:
        # a write whose end nobody saw may still land: look again when it must have
        next_in = lane.policy.verify_after if row["sent_at"] is not None else None
    elif isinstance(error, NeedsAdmin) and error.scope not in (Scope.CONNECTION, Scope.BATCH):
        next_in = lane.policy.admin_retry
    elif error is result.failure or (outcome.look_first and row["attempts"] < 3):
        next_in = 0.0
    else:
        next_in = error.after or lane.policy.pause(row["attempts"] + 1)
    return {
        "id": row["id"],
        "wanted": row["wanted"],
        "ok": error is None,
        "next_in": next_in,
        "error_class": type(error).__name__ if error else "",
        "error_code": error.code if error else "",
        "error_message": error.message if error else "",
        "observe_first": bool(outcome.look_first or error or next_in is not None),
        "unsure": unknown,
        "link": asdict(outcome.work.link),
    }


def _records(result: BatchResult) -> list[dict[str, Any]]:
    return [
        {
            "object": key[0],
            "crm_id": key[1],
            "snapshot": dict(known.snapshot),
            "sent": {name: asdict(sent) for name, sent in known.sent.items()},
            "made_by_us": known.made_by_us,
        }
        for key, known in result.memory.known.items()
    ]


def _quarantine(result: BatchResult) -> list[dict[str, Any]]:
    return [
        {
            "object": key[0],
            "record_key": key[1],
            "field": key[2],
            "value_hash": entry.value,
            "message": entry.message,
            "code": "",
        }
        for key, entry in result.new_quarantine.items()
    ]


# --- what a batch means for the lane --------------------------------------------------------------


def _after(lane: Lane, rows: list[dict[str, Any]], result: BatchResult) -> str:
    """React to the batch as a whole: halve, hold, grow; the code of what holds the lane, or empty."""
    failure = result.failure
    if result.schema_stale:
        refresh(lane, force=True)
    if failure is None:
        _grow(lane)
        if sync_queries.clear_alerts(lane.account_id, lane.id):
            log.info("lane.recovered")
        sync_queries.release(lane.account_id, lane.id)
        return ""
    if failure.scope is Scope.BATCH and len(rows) > 1:
        _resize(lane, max(1, len(rows) // 2))
        if failure.code == "CPU_LIMIT":
            # the org's own automation is too slow for so many: the smaller batch may go at once
            return ""
    attempts = max(int(row["attempts"]) for row in rows) + 1
    return _stop_lane(lane.account_id, lane.id, failure, lane.policy, attempts)


def _grow(lane: Lane) -> None:
    size, grown = int(lane.row["batch_size"]), int(lane.row["batch_grow"]) + 1
    if size >= lane.policy.batch_max:
        return
    if grown < lane.policy.grow_after:
        sync_queries.set_batch_size(lane.account_id, lane.id, size, grown)
        lane.row = {**lane.row, "batch_grow": grown}
        return
    _resize(lane, min(lane.policy.batch_max, size + max(1, size // 4)))


def _resize(lane: Lane, size: int) -> None:
    log.info("lane.batch_size", before=lane.row["batch_size"], now=size)
    sync_queries.set_batch_size(lane.account_id, lane.id, size, 0)
    lane.row = {**lane.row, "batch_size": size, "batch_grow": 0}


def _stop_lane(account_id: int, connection_id: int, error: InstepError, policy: Policy, attempts: int) -> str:
    """Hold the lane for as long as the error asks; one alert for each change of state."""
    state = "connected"
    if isinstance(error, NeedsAdmin):
        state, seconds = "reconnect", policy.admin_retry
    elif isinstance(error, Wait):
        seconds = error.after if error.after is not None else policy.quota_probe
    elif isinstance(error, Retry):
        seconds = error.after if error.after is not None else policy.pause(attempts)
    else:
        seconds = policy.pause(attempts)
    log.warning("lane.held", code=error.code, seconds=round(seconds, 1), reason=error.message)
    if sync_queries.hold(account_id, connection_id, seconds, error.code, str(error), state):
        sync_queries.raise_alert(account_id, connection_id, error.code, str(error))
    return error.code or "HELD"


def _reserve_reached(lane: Lane) -> bool:
    """Whether the CRM's daily calls are used up to the reserve that others need; then the lane waits."""
    limits = lane.crm.limits
    used = limits.used
    allowed = limits.allowed
    if used is None or not allowed:
        return False
    free = allowed * (100 - lane.config.api_reserve) / 100
    if used < free:
        return False
    error = Wait(
        f"{used} of {allowed} API calls of the day are used; "
        f"{lane.config.api_reserve} % are kept in reserve.",
        code="API_RESERVE",
        cure="Sync goes on by itself when the CRM frees calls; lower api_reserve_percent to use more.",
        scope=Scope.CONNECTION,
    )
    _stop_lane(lane.account_id, lane.id, error, lane.policy, 1)
    return True
