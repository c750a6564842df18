"""What is wrong with one connection now, by its documented cause: from memory, no request is sent.

Three things tell: what holds the lane, what a look at the setup found, and what records are refused for.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import frozen

from instep.core.causes import REFUSALS, SETUP, Cause, of_alert, of_hold, of_refusal
from instep.core.crm_schema import Schema, mappable
from instep.core.refusal import REQUIRED
from instep.crm.vendors import vendor_of
from instep.engine.schemas import schemas_of
from instep.store import alert_queries, credentials, item_queries, lane_queries, log_queries, memory_queries
from instep.store.connection_queries import work_of
from instep.store.log_queries import ProblemGroup

#: a sign-in that did its work so shortly before it ended has not ended of itself
_LATELY = timedelta(days=1)
#: groups of refused records that are looked through
_GROUPS = 200
#: records that a card names
_SHOWN = 5
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@frozen
class Problem:
    """One cause that is there. `subject` is the object or field, or empty; `message` is what the CRM or a look said.

    `waiting` is how many changes wait for it; `whole` says that the whole connection waits, and `said` that
    `message` is the CRM's own. `groups` are the refused
    records that it is about, as the sync log names them. `refused` is the (code, object, field) of values that were
    left out of `left_out` records, some of which are `records`.
    """

    cause: Cause
    since: datetime | None
    waiting: int
    whole: bool = False
    said: bool = False
    subject: str = ""
    message: str = ""
    groups: tuple[ProblemGroup, ...] = ()
    refused: tuple[str, str, str] = ("", "", "")
    left_out: int = 0
    records: tuple[tuple[str, str], ...] = ()

    @property
    def anchor(self) -> str:
        """Its place on the page."""
        about = self.subject or ".".join(self.refused[1:]).strip(".")
        return f"{self.cause.value}-{about.replace('.', '-')}".rstrip("-")


def problems_of(account_id: int, row: dict[str, Any]) -> tuple[Problem, ...]:
    """The problems of a connection: what stops all of it first, then the oldest first."""
    if row["state"] == credentials.DISABLED:
        return ()
    merged = _merged([*_setup(account_id, row), *_refused(account_id, row)])
    held = [*holding(account_id, row)]
    # what a look found of the whole connection is the same trouble as what holds it
    apart = [one for one in merged if one.subject or all(one.cause is not other.cause for other in held)]
    found = [*held, *apart, *_left_out(account_id, row, apart)]
    return tuple(sorted(found, key=lambda one: (not one.whole, one.since is None, one.since or _LONG_AGO)))


def holding(account_id: int, row: dict[str, Any]) -> Iterator[Problem]:
    """What stops the whole connection: held by a drain, or met by the last look."""
    known = row["installed"] or {}
    met = known.get("error") or {}
    code, reason = str(row["hold_code"]), str(row["hold_reason"])
    since = alert_queries.hold_since(account_id, int(row["id"]), code) if code else None
    work = work_of(account_id, int(row["id"]))
    checked = datetime.fromisoformat(known["checked_at"]) if known.get("checked_at") else None
    # what was written since then went through all the same
    over = checked is not None and work["last_at"] is not None and work["last_at"] > checked
    if not code and met and not over:
        code, reason = str(met.get("code") or ""), f"{met.get('message', '')} {met.get('cure', '')}".strip()
        since = datetime.fromisoformat(met["since"]) if met.get("since") else None
    if not code:
        return
    used = [work["last_at"], datetime.fromisoformat(known["looked_at"]) if known.get("looked_at") else None]
    last = max((moment for moment in used if moment is not None), default=None)
    lately = last is not None and since is not None and since - last <= _LATELY
    held = bool(row["hold_code"])
    cause, waiting = of_hold(code, reason, lately), int(work["waiting"])
    yield Problem(cause, since, waiting, whole=held, said=True, message=reason)


def _setup(account_id: int, row: dict[str, Any]) -> Iterator[Problem]:
    for alert in alert_queries.open_alerts(account_id, SETUP, int(row["id"])):
        meant = of_alert(alert.code)
        if meant is not None:
            yield Problem(meant[0], alert.raised_at, 0, subject=meant[1], message=alert.message)


def _refused(account_id: int, row: dict[str, Any]) -> Iterator[Problem]:
    schema: Schema = {}
    for group in log_queries.problem_groups(account_id, _GROUPS, row["public_id"]):
        cause, subject = of_refusal(group.code), ""
        if cause is None or group.ignored:
            continue
        if group.code == REQUIRED:
            schema = schema or schemas_of(
                account_id, int(row["id"]), row["vendor"], vendor_of(row["vendor"]).schema_of
            )
            cause, subject = _required(schema, group)
        yield Problem(
            cause, group.since, group.count, subject=subject, message=group.message, groups=(group,)
        )


def _required(schema: Schema, group: ProblemGroup) -> tuple[Cause, str]:
    """Which card tells of refused records that lack required fields: that of the field that no mapping can fill."""
    described = schema.get(group.object)
    found = [described.get(name) for name in group.fields] if described is not None else []
    closed = [f.name for f in found if f is not None and described is not None and not mappable(described, f)]
    names = closed or list(group.fields)
    cause = Cause.UNFILLABLE_REQUIRED if closed else Cause.NEW_REQUIRED
    return cause, f"{group.object}.{names[0]}" if group.object and names else ""


def send_again(account_id: int, row: dict[str, Any], refused: tuple[str, str, str]) -> None:
    """Have values that were left out, by (code, object, field), written once more with their bookings."""
    keys = memory_queries.lift_values(account_id, int(row["id"]), *refused)
    item_queries.mark_records(account_id, int(row["id"]), keys)
    lane_queries.wake(int(row["id"]))


def _left_out(account_id: int, row: dict[str, Any], told: list[Problem]) -> Iterator[Problem]:
    """Values that the CRM refused and that people can let pass, unless a card tells of that field already."""
    for group in memory_queries.quarantine_groups(account_id, int(row["id"]), [*REFUSALS], _GROUPS):
        cause = of_refusal(group["code"])
        subject = f"{group['object']}.{group['field']}"
        if cause is None or any(one.cause is cause and one.subject == subject for one in told):
            continue
        keys = [key for key in group["keys"] if key != "*"]
        yield Problem(
            cause,
            group["since"],
            0,
            subject="" if cause is Cause.OTHER_PERSON else subject,
            message=group["message"],
            refused=(group["code"], group["object"], group["field"]),
            left_out=len(keys),
            records=tuple((group["object"], key) for key in keys[:_SHOWN]),
        )


def _merged(found: list[Problem]) -> list[Problem]:
    """One card for one cause: records refused for a field that a look found wait under that field's card."""
    done: list[Problem] = []
    for one in found:
        same = [
            n
            for n, other in enumerate(done)
            if one.groups and _cures(other.cause, one.cause) and _names(other, one.message)
        ]
        if not same:
            done.append(one)
            continue
        # of several fields that are named, the one that no mapping can fill holds the records up
        place = min(same, key=lambda n: done[n].cause is not Cause.UNFILLABLE_REQUIRED)
        other = done[place]
        done[place] = Problem(
            other.cause,
            min((moment for moment in (other.since, one.since) if moment), default=None),
            other.waiting + one.waiting,
            subject=other.subject,
            message=other.message,
            groups=(*other.groups, *one.groups),
        )
    return done


def _cures(setup: Cause, refusal: Cause) -> bool:
    """Whether the card of a look says what helps refused records: a refusal does not tell what can be filled."""
    return setup is refusal or (setup, refusal) == (Cause.UNFILLABLE_REQUIRED, Cause.NEW_REQUIRED)


def _names(problem: Problem, message: str) -> bool:
    """Whether the CRM's message is about the field of that problem."""
    if not problem.subject:
        return False
    return problem.subject.rpartition(".")[2] in message
