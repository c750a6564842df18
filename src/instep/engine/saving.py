"""What a batch leaves behind: items, records, quarantine, receipts, users, in one transaction."""

from __future__ import annotations

from typing import Any

from attrs import asdict

from instep.core.errors import NeedsAdmin, Scope
from instep.core.work import sent_document
from instep.engine import pauses
from instep.engine.batch import BatchResult, Outcome
from instep.engine.lane import QUARANTINED, Lane, user_rows
from instep.store import item_queries, memory_queries

#: error class of items that wait for their whole lane, not for something of their own
HELD = "Held"
#: what fails more often than this lets the others go first: it may be the cause of what it suffers
_TRIES_BEFORE_OTHERS = 3


def save(lane: Lane, drain_id: str, rows: list[dict[str, Any]], result: BatchResult) -> bool:
    """Save a batch. False when the lane was taken over meanwhile: then nothing was saved."""
    limits = lane.crm.limits
    items, receipts = [], []
    for row, outcome in zip(rows, result.outcomes, strict=True):
        items.append(_item(lane, row, outcome, result))
        receipts.append(
            {
                "kind": row["kind"],
                "target_id": row["target_id"],
                "drain_id": drain_id,
                "outcome": outcome.error.decision if outcome.error else "done",
                "calls": len(result.calls),
                "ms": sum(call.ms for call in result.calls),
                "document": outcome.document,
            }
        )
    due_again = item_queries.finish_batch(
        lane.account_id,
        lane.id,
        int(lane.row["epoch"]),
        items,
        records=_records(result),
        quarantine=_quarantine(result),
        # a pass that found everything in step and asked nothing leaves no receipt
        receipts=receipts if result.calls else [],
        users=user_rows(result.new_users),
        asked_hosts=[h for h in result.asked_hosts if result.setting.directory.user(h) is None],
        calls=len(result.calls),
        writes=result.writes,
        limits=(limits.used, limits.allowed),
    )
    if due_again is not None and result.inactive_users:
        memory_queries.users_left(lane.account_id, lane.id, result.inactive_users)
    if due_again:
        lane.again.append(drain_id)
    if result.new_quarantine:
        lane.refused.append(QUARANTINED)
    return due_again is not None


def _item(lane: Lane, row: dict[str, Any], outcome: Outcome, result: BatchResult) -> dict[str, Any]:
    """The item's row after the batch. After an unknown outcome it is read once more, later."""
    error = outcome.error
    unknown = bool(error and error.outcome_unknown)
    crowd = len(result.outcomes) > 1
    held = (
        error is not None and error is result.failure and not pauses.is_its_own(error, len(result.outcomes))
    )
    next_in: float | None
    # a write whose end nobody saw may still land: until it must have, whatever succeeds meanwhile
    # does not make that unseen, so the time it was sent is kept and the records are looked at once more
    doubt = lane.policy.verify_after - row["doubt_age"] if row["sent_at"] is not None else 0.0
    if error is None:
        next_in = doubt if doubt > 0 else None
        # the write went well, but its own read showed that the person is not what we took it for
        next_in = 0.0 if outcome.look_first else next_in
    elif isinstance(error, NeedsAdmin) and error.scope not in (Scope.CONNECTION, Scope.BATCH):
        next_in = lane.policy.admin_retry
    elif (held and crowd) or ((held or outcome.look_first) and row["attempts"] < _TRIES_BEFORE_OTHERS):
        next_in = 0.0
    else:
        next_in = error.after or lane.policy.pause(row["attempts"] + 1)
    return {
        "id": row["id"],
        "wanted": row["wanted"],
        "ok": error is None,
        "next_in": next_in,
        "error_class": HELD if held else error.decision if error else "",
        "error_code": error.code if error else "",
        "error_message": error.message if error else "",
        "observe_first": bool(outcome.look_first or error or next_in is not None),
        "unsure": unknown,
        "sent_at": row["sent_at"].isoformat() if doubt > 0 else None,
        "link": asdict(outcome.work.link),
    }


def _records(result: BatchResult) -> list[dict[str, Any]]:
    return [
        {
            "object": key[0],
            "crm_id": key[1],
            "snapshot": dict(known.snapshot),
            "sent": sent_document(known),
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
            "code": entry.code,
        }
        for key, entry in result.new_quarantine.items()
    ]
