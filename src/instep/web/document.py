"""A plan or receipt document as the page shows it: one shape in two tenses. Pure.

`core.receipt` makes the documents; here each line gets the words and the link that a reader needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from instep.core.changes import Action, Verdict
from instep.core.receipt import RESENT, read_as

#: (object, record id) -> address of the record's page, or an empty text
RecordUrl = Callable[[str, str], str]

CHANGED, KEPT, LEFT_OUT = "changed", "kept", "left_out"


@frozen
class Candidate:
    """A record that a look-up found."""

    object: str
    id: str
    url: str
    name: str
    why: str
    modified: datetime | str | None
    chosen: bool
    reason: str


@frozen
class Line:
    """One field of one record. `old` and `new` are texts, empty for an empty value; `kind` is a constant above.

    `at` is the moment that the value shown means, where it is one.
    """

    kind: str
    field: str
    label: str
    old: str
    old_known: bool
    new: str
    rule: str
    source: str
    note: str
    at: datetime | None
    resent: bool = False


@frozen
class Record:
    """One record that is or would be written. `tone` is good, quiet or bad."""

    object: str
    id: str
    url: str
    did: str
    tone: str
    by: str
    refusal: str
    code: str
    cure: str
    request_id: str
    fresh: bool
    #: tried once more in the same run, after a refusal
    again: bool
    changed: tuple[Line, ...]
    #: written once more with what they hold: the fields of a record that mirrors travel together
    resent: tuple[Line, ...]
    left_out: tuple[Line, ...]
    kept: tuple[Line, ...]


@frozen
class Document:
    """The whole of it, in the order in which it is read."""

    is_plan: bool
    rule: str
    outcome: str
    candidates: tuple[Candidate, ...]
    records: tuple[Record, ...]
    notes: tuple[str, ...]
    set_by: str
    #: what reading for a plan took, empty for a receipt
    looked: str
    calls: int
    ms: int | None
    shared: int
    request_ids: tuple[str, ...]
    error_code: str
    error_message: str
    error_cure: str

    @property
    def nothing_read(self) -> bool:
        """True when the attempt ended before the CRM said who is there."""
        return bool(self.error_message) and not self.rule and not self.records

    @property
    def wants_nothing(self) -> bool:
        """True when nothing is to be written, and the notes tell why: not integrated, in the trash."""
        return not self.rule and not self.records and bool(self.notes)

    @property
    def writes_nothing(self) -> bool:
        """True when everything in the CRM is as it should be."""
        return not self.error_message and not any(record.tone != "quiet" for record in self.records)


def read_document(document: Mapping[str, Any], url: RecordUrl) -> Document:
    """The document of a plan or receipt, ready to be shown. Parts that are missing stay empty."""
    match = document.get("match") or {}
    cost = document.get("cost") or {}
    error = document.get("error") or {}
    is_plan = document.get("tense") == "plan"
    return Document(
        is_plan=is_plan,
        rule=match.get("rule", ""),
        outcome=match.get("outcome", ""),
        candidates=tuple(_candidate(row, url) for row in match.get("candidates") or ()),
        records=_records(document.get("writes") or (), is_plan, url),
        notes=tuple(document.get("notes") or ()),
        set_by=_booking_id(document.get("set_by") or ""),
        looked=_looked(cost),
        calls=int(cost.get("calls", 0)),
        ms=round(cost["ms"]) if "ms" in cost else None,
        shared=int(cost.get("batch_items", 1)),
        request_ids=tuple(cost.get("request_ids") or ()),
        error_code=error.get("code", ""),
        error_message=error.get("message", ""),
        error_cure=error.get("cure", ""),
    )


def _looked(cost: Mapping[str, Any]) -> str:
    if "looked_calls" not in cost:
        return ""
    calls = int(cost["looked_calls"])
    words = ngettext(
        "Looking took %(n)s API call and %(ms)s ms.", "Looking took %(n)s API calls and %(ms)s ms.", calls
    )
    return words % {"n": calls, "ms": round(cost.get("looked_ms", 0))}


def _booking_id(item: str) -> str:
    return item.removeprefix("booking:")


def _candidate(row: Mapping[str, Any], url: RecordUrl) -> Candidate:
    return Candidate(
        object=row["object"],
        id=row["id"],
        url=url(row["object"], row["id"]),
        name=row.get("name") or "",
        why=row.get("why") or "",
        modified=_moment(row.get("modified")),
        chosen=bool(row.get("chosen")),
        reason=row.get("reason") or "",
    )


def _moment(text: str | None) -> datetime | str | None:
    """A CRM's time; what is none is shown as it came."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return text


def _records(rows: Sequence[Mapping[str, Any]], is_plan: bool, url: RecordUrl) -> tuple[Record, ...]:
    refused: list[tuple[Any, ...]] = []
    records = []
    for row in rows:
        name = (row["object"], row.get("action"), row.get("key"), row.get("id"))
        # a record that is made at last has an id that its refusal had not
        again = name in refused or (*name[:3], "") in refused
        records.append(_record(row, is_plan, url, again))
        if (row.get("result") or {}).get("ok") is False:
            refused.append((*name[:3], row.get("id") or ""))
    return tuple(records)


def _record(row: Mapping[str, Any], is_plan: bool, url: RecordUrl, again: bool) -> Record:
    result = row.get("result") or {}
    refused = bool(result) and not result.get("ok")
    did, tone = _did(row, is_plan)
    key = row.get("key")
    lines = [_line(change) for change in row.get("changes") or ()]
    return Record(
        object=row["object"],
        id=row.get("id") or "",
        url=url(row["object"], row["id"]) if row.get("id") else "",
        did=did,
        tone=tone,
        by=f"{key['field']} = {key['value']}" if key else "",
        refusal=result.get("message", "") if refused else "",
        code=result.get("code", "") if refused else "",
        cure=result.get("cure", "") if refused else "",
        request_id=result.get("request_id", "") if refused else "",
        fresh=(row.get("action") in (Action.CREATE, Action.UPSERT) and not row.get("id"))
        or result.get("created", False),
        again=again,
        changed=tuple(line for line in lines if line.kind == CHANGED and not line.resent),
        resent=tuple(line for line in lines if line.kind == CHANGED and line.resent),
        left_out=tuple(line for line in lines if line.kind == LEFT_OUT),
        kept=tuple(line for line in lines if line.kind == KEPT),
    )


def _did(row: Mapping[str, Any], is_plan: bool) -> tuple[str, str]:
    """What happened to a record, or would, and how good that is."""
    action, result = row.get("action"), row.get("result")
    if result is not None and not result.get("ok"):
        return (_("refused"), "bad") if result.get("code") else (_("not tried"), "bad")
    if action == "none":
        return _("nothing to write"), "quiet"
    if _makes(row) and any(change.get("needed") for change in row.get("changes") or ()):
        return _("would be refused"), "bad"
    if is_plan or result is None:
        return (_("would be created") if _makes(row) else _("would be updated")), "good"
    return (_("created") if result.get("created") else _("updated")), "good"


def _makes(row: Mapping[str, Any]) -> bool:
    """Whether a write that has no answer yet would create its record."""
    return row.get("action") in (Action.CREATE, Action.UPSERT) and not row.get("id")


_KINDS = {Verdict.WRITE: CHANGED, Verdict.KEEP: KEPT, Verdict.LEAVE_OUT: LEFT_OUT}


def _line(change: Mapping[str, Any]) -> Line:
    kind = _KINDS[Verdict(change["verdict"])]
    return Line(
        kind=kind,
        field=change["field"],
        label=change.get("label") or change["field"],
        old=_shown(read_as(change, "old")),
        old_known=bool(change.get("old_known")),
        new=_shown(read_as(change, "new")),
        rule=change.get("rule") or "",
        source=change.get("source") or "",
        note=change.get("note") or "",
        at=_meant(change.get("old") if kind == KEPT else change.get("new")),
        resent=(change.get("note") or "").endswith(RESENT),
    )


#: a moment on the wire; a date alone has no zone to be told in
_WIRE_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)")


def _meant(value: Any) -> datetime | None:
    """The moment that a wire value is, for the reader's own zone; None for all else."""
    if not isinstance(value, str) or not _WIRE_MOMENT.fullmatch(value):
        return None
    moment = _moment(value)
    return moment if isinstance(moment, datetime) else None


def _shown(value: Any) -> str:
    """A value as text; nothing is shortened, for a receipt has to show what was sent."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value)
