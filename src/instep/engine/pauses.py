"""What a batch means for its lane: go on, halve, grow, or pause; one alert for each change of state."""

from __future__ import annotations

from typing import Any

import structlog

from instep.core.errors import Bug, InstepError, NeedsAdmin, Scope, Wait
from instep.core.refusal import FIELD_CLOSED
from instep.crm.oauth import RECONNECT
from instep.crm.port import Limits
from instep.engine import watch
from instep.engine.batch import BatchResult
from instep.engine.lane import Lane, refresh
from instep.engine.policy import Policy
from instep.store import lane_queries

log = structlog.get_logger(__name__)

RESERVE = "API_RESERVE"
#: the org's own automation is too slow or too greedy for so many records at once
_AUTOMATION = frozenset({"CPU_LIMIT", "APEX_LIMIT"})
#: only a new sign-in by a person can cure these
NEEDS_CONNECT = frozenset({RECONNECT, "wrong_org", "bad_signature"})


def is_its_own(failure: InstepError | None, items: int) -> bool:
    """Whether a failed batch of so many items speaks of its one item, which then pauses alone."""
    if failure is None or items > 1:
        return False
    if failure.scope in (Scope.RECORD, Scope.FIELD):
        return True
    return failure.code in _AUTOMATION or isinstance(failure, Bug)


def schema_moved(failure: InstepError | None) -> bool:
    """Whether a look-up was refused for a field that the CRM no longer shows us."""
    return failure is not None and failure.scope is Scope.FIELD and failure.code in FIELD_CLOSED


def after_batch(lane: Lane, items: int, result: BatchResult) -> str:
    """React to a batch of so many items; the code of what holds the lane now, or empty."""
    failure = result.failure
    if result.schema_stale:
        watch.ask_to_check(lane.id)
        try:
            refresh(lane, force=True)
        except InstepError as error:
            failure = failure or error
    if failure is None:
        _went_well(lane)
        return ""
    if is_its_own(failure, items):
        return ""
    if failure.scope is Scope.BATCH and items > 1:
        _resize(lane, max(1, items // 2))
    if failure.code in _AUTOMATION:
        # the CRM is well, it is the org's own code that could not do so many: the next batch is smaller
        return ""
    return stop(lane.account_id, lane.row, failure, lane.policy)


def _went_well(lane: Lane) -> None:
    _grow(lane)
    if lane.row["failures"] or lane.row["hold_code"]:
        lane_queries.release(lane.account_id, lane.id)
        lane.row = {**lane.row, "failures": 0, "hold_code": ""}
        if lane_queries.clear_alerts(lane.account_id, lane.id):
            log.info("lane.recovered")


def _grow(lane: Lane) -> None:
    size, grown = int(lane.row["batch_size"]), int(lane.row["batch_grow"]) + 1
    if size >= lane.policy.batch_max:
        return
    if grown >= lane.policy.grow_after:
        _resize(lane, min(lane.policy.batch_max, size + max(1, size // 4)))
        return
    lane_queries.set_batch_size(lane.account_id, lane.id, size, grown)
    lane.row = {**lane.row, "batch_grow": grown}


def _resize(lane: Lane, size: int) -> None:
    log.info("lane.batch_size", before=lane.row["batch_size"], now=size)
    lane_queries.set_batch_size(lane.account_id, lane.id, size, 0)
    lane.row = {**lane.row, "batch_size": size, "batch_grow": 0}


def stop(account_id: int, row: dict[str, Any], error: InstepError, policy: Policy) -> str:
    """Hold the lane for as long as the error asks; one alert for each change of state. Returns its code.

    A lane whose sign-in was refused waits for a person; all others go on by themselves.
    """
    failures = int(row["failures"]) + 1
    state = "connected"
    if error.code in NEEDS_CONNECT:
        state, seconds = "reconnect", policy.admin_retry
    elif error.after is not None:
        seconds = error.after
    elif isinstance(error, Wait | NeedsAdmin):
        seconds = policy.quota_probe
    else:
        seconds = policy.pause(failures)
    log.warning("lane.held", code=error.code, seconds=round(seconds, 1), reason=error.message)
    if lane_queries.hold(account_id, int(row["id"]), seconds, error.code, str(error), state):
        lane_queries.raise_alert(account_id, int(row["id"]), error.code, str(error))
    return error.code or "HELD"


def at_the_reserve(lane: Lane) -> str:
    """Hold the lane where the CRM's daily calls are used up to the reserve that others need.

    The code of what holds the lane, or empty while it may go on.
    """
    limits = lane.crm.limits
    if limits.used is None:
        try:
            limits = _remembered_limits(lane)
        except InstepError as error:
            # the reserve is used up too, or the CRM is away: even asking is refused
            return stop(lane.account_id, lane.row, error, lane.policy)
    if limits.used is None or not limits.allowed:
        return ""
    if limits.used < limits.allowed * (100 - lane.config.api_reserve) / 100:
        return ""
    error = Wait(
        f"{limits.used} of {limits.allowed} API calls of the day are used; "
        f"{lane.config.api_reserve} % are kept in reserve.",
        code=RESERVE,
        cure="Sync goes on by itself when the CRM frees calls; lower api_reserve_percent to use more.",
        scope=Scope.CONNECTION,
    )
    return stop(lane.account_id, lane.row, error, lane.policy)


def _remembered_limits(lane: Lane) -> Limits:
    """The limits as last heard; where they say "stop", one call asks whether that is still so."""
    kept = Limits(lane.row["limit_used"], lane.row["limit_allowed"])
    full = (
        kept.used is not None
        and kept.allowed
        and kept.used >= kept.allowed * (100 - lane.config.api_reserve) / 100
    )
    if not full:
        return kept
    lane.crm.whoami()
    lane_queries.count_calls(lane.account_id, lane.id, len(lane.crm.calls), 0)
    return lane.crm.limits
