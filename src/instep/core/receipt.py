"""Plan and receipt: one document in two tenses, for pages, scripts and the log.

The document is plain JSON. `plan_document` says what would be written; `receipt_document` adds the CRM's
answers, the calls and their request ids. `render` turns either into text for a terminal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import asdict, frozen

from instep.core.changes import Answer, Change, Match, Verdict, Write
from instep.core.crm_schema import Field, ObjectSchema, Schema
from instep.core.mapping import as_read, canonical
from instep.core.plan import ItemPlan

#: what a receipt says of a field that was written with the value that it held
RESENT = "sent again, unchanged"


@frozen
class Cost:
    """What a batch cost: calls to the CRM, their duration in ms, and the CRM's request ids."""

    calls: int = 0
    ms: float = 0.0
    request_ids: tuple[str, ...] = ()
    batch_items: int = 1


def _match(match: Match | None) -> dict[str, Any] | None:
    if match is None:
        return None
    return {
        "outcome": match.outcome,
        "rule": match.rule,
        "object": match.object,
        "id": match.id,
        "candidates": [asdict(candidate) for candidate in match.candidates],
    }


def _change(change: Change, old: Mapping[str, Any] | None, described: ObjectSchema | None) -> dict[str, Any]:
    """One line of a record. `old` are the values read in the same call, if any.

    The values stand as they go over the wire; `html` marks those that people read as text.
    """
    before, known = change.old, change.old_known
    if not known and old is not None:
        before, known = old.get(change.field), True
    line: dict[str, Any] = {
        "field": change.field,
        "label": change.label,
        "verdict": change.verdict.value,
        "old": before,
        "old_known": known,
        "new": change.new,
        "rule": change.rule,
        "source": change.source,
    }
    note = change.note
    if not change.old_known and known:
        note = _as_it_turned_out(change, before)
    if note:
        line["note"] = note
    if change.verdict is Verdict.LEAVE_OUT and not change.optional:
        line["needed"] = True
    target = described.fields.get(change.field) if described is not None else None
    if target is not None and target.html:
        line["html"] = True
    return line


def _as_it_turned_out(change: Change, read: Any) -> str:
    """The remark on a field that was planned from memory, now that its true value is known."""
    wanted = _comparable(change.new)
    equal = _comparable(read) == wanted
    if change.verdict is Verdict.WRITE and equal:
        return "; ".join(part for part in (change.note, RESENT) if part)
    if change.verdict is not Verdict.KEEP:
        return change.note
    if equal:
        return "already so"
    # where memory differed too, the plan has said why it keeps that
    if _comparable(change.old) == wanted:
        return "kept: it differs, because it was changed in the CRM since our last write"
    return change.note


def _comparable(value: Any) -> Any:
    """A wire value in the form that two spellings of the same share, whatever its field."""
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return canonical(_A_MOMENT, value)
    return canonical(None, value)


_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:?\d\d)")
_A_MOMENT = Field("", "", "datetime")


def _relation(name: str, ref: str, made: Answer | None, described: ObjectSchema | None) -> dict[str, Any]:
    """The line of a reference to a record that the same call makes; `ref` names it: its role, object and key."""
    kind = ref.split(":")[1]
    known = made is not None and made.ok
    target = described.get(name) if described is not None else None
    return {
        "field": name,
        "label": target.label if target is not None else name,
        "verdict": Verdict.WRITE.value,
        "old": None,
        "old_known": True,
        "new": made.id if made is not None and known else f"(the new {kind})",
        "rule": f"the {kind} made in the same call",
        "source": "",
    }


def _write(
    item: ItemPlan,
    write: Write,
    old: Mapping[str, Any] | None,
    answers: Mapping[str, Answer],
    schema: Schema,
) -> dict[str, Any]:
    sent = write.values or write.action.value != "update" or write.parents
    answer = answers.get(write.ref)
    described = schema.get(write.object)
    row: dict[str, Any] = {
        "object": write.object,
        "action": write.action.value if sent else "none",
        "id": (answer.id if answer and answer.ok else "") or write.id,
        "key": {"field": write.key[0], "value": write.key[1]} if write.key else None,
        "related": dict(write.parents),
        "changes": [
            *(_change(change, old, described) for change in write.changes),
            *(_relation(name, ref, answers.get(ref), described) for name, ref in write.parents.items()),
        ],
    }
    if answer is not None:
        parents = (answers.get(ref) for ref in write.parents.values())
        row["result"] = _result(answer, any(p is not None and p.error is not None for p in parents))
    return row


def _result(answer: Answer, parent_refused: bool) -> dict[str, Any]:
    if answer.ok:
        return {"ok": True, "created": answer.created}
    if answer.void or answer.error is None:
        said = "not tried: a record that it refers to was refused"
        if not parent_refused:
            said = "not tried in that call: another booking's new person was refused"
        return {"ok": False, "void": True, "message": said}
    error = answer.error
    return {
        "ok": False,
        "code": error.code,
        "message": error.message,
        "fields": list(error.fields),
        "cure": error.cure,
        "request_id": error.request_id,
    }


def plan_document(
    item: ItemPlan, cost: Cost, looked: Cost | None = None, *, schema: Schema | None = None
) -> dict[str, Any]:
    """What would be read, matched and written for one item, and what it would cost.

    `looked` is what it took to make this plan, where the CRM was read for it; `schema` tells how people call its
    fields and read their values.
    """
    price: dict[str, Any] = {"calls": cost.calls}
    if looked is not None:
        price |= {"looked_calls": looked.calls, "looked_ms": round(looked.ms, 1)}
    return {
        "tense": "plan",
        "item": item.item,
        "match": _match(item.match),
        "writes": [_write(item, write, None, {}, schema or {}) for write in item.writes],
        "notes": list(item.notes),
        "set_by": item.shared_with,
        "cost": price,
    }


def receipt_document(
    rounds: Sequence[tuple[ItemPlan, Mapping[str, Answer], Mapping[tuple[str, str], Any]]],
    cost: Cost,
    error: Mapping[str, Any] | None = None,
    *,
    schema: Schema | None = None,
) -> dict[str, Any]:
    """What was done for one item over the rounds of a drain. `error` is what it waits for, if anything.

    Each round is (plan, answers by ref, records read just before the writes by (object, id)).
    """
    writes: list[dict[str, Any]] = []
    notes: dict[str, None] = {}
    quiet: dict[str, dict[str, Any]] = {}
    for item, answers, reads in rounds:
        notes.update(dict.fromkeys(item.notes))
        for write in item.writes:
            key = (write.object, write.id)
            read = reads.get(key)
            if key in reads and read is None:
                notes[f"{write.object} {write.id} is gone from the CRM: it is looked for again"] = None
                continue
            row = _write(item, write, read.fields if read is not None else None, answers, schema or {})
            if write.ref in answers:
                # what a later call of the same run answered needs no word of the call that did not try it
                writes = [done for done in writes if not _untried(done, row)]
                writes.append(row)
                quiet.pop(write.object, None)
            elif not any(done["object"] == write.object for done in writes):
                quiet[write.object] = row
    first = rounds[0][0] if rounds else None
    return {
        "tense": "receipt",
        "item": first.item if first else "",
        "match": _match(_decisive([item for item, _, _ in rounds])),
        "writes": [*writes, *quiet.values()],
        "notes": list(notes),
        "set_by": first.shared_with if first else "",
        "cost": {
            "calls": cost.calls,
            "ms": round(cost.ms, 1),
            "request_ids": list(cost.request_ids),
            "batch_items": cost.batch_items,
        },
        "error": dict(error) if error else None,
    }


def _decisive(rounds: Sequence[ItemPlan]) -> Match | None:
    """How the person was found before anything was written, or which record the CRM named then."""
    doubled = next((item.match for item in rounds if item.match is not None and item.match.doubled), None)
    return doubled or (rounds[0].match if rounds else None)


def _untried(done: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    same_record = (done["object"], done["key"], done["action"]) == (now["object"], now["key"], now["action"])
    return same_record and bool((done.get("result") or {}).get("void"))


# --- text -----------------------------------------------------------------------------------------


def render(document: Mapping[str, Any], heading: str = "") -> str:
    """The document as text: Read, Write, Cost, each line with its reason."""
    lines = [heading] if heading else []
    lines += _render_match(document)
    if document.get("set_by"):
        lines.append(f"         the person's fields are set by {_name_of(document['set_by'])}")
    writes = document.get("writes") or []
    before = ""
    for write in sorted(writes, key=lambda write: bool(write["action"] == "none")):
        heading = "In step" if write["action"] == "none" else "Write"
        lines += _render_write(write, "" if heading == before else heading)
        before = heading
    if not document.get("error") and not any(w["action"] != "none" for w in writes):
        lines.append("Write    nothing: the CRM is in step")
    lines += [f"Note     {note}" for note in document.get("notes") or []]
    lines += _render_end(document)
    return "\n".join(lines)


def _name_of(item: str) -> str:
    """An item as people know it: the booking's own id."""
    return item.removeprefix("booking:").replace("contact:", "contact ")


def _render_match(document: Mapping[str, Any]) -> Iterable[str]:
    match = document.get("match")
    if match is None and document.get("error") and not document.get("writes"):
        return ["Read     nothing: the attempt ended before the CRM had answered"]
    if match is None and document.get("notes") and not document.get("writes"):
        return ["Read     nothing"]
    if match is None:
        return ["Read     no person: the booking names nobody"]
    lines = [f"Read     {match['rule']}"]
    for candidate in match["candidates"]:
        mark = "●" if candidate["chosen"] else "○"
        who = " ".join(p for p in (candidate["object"], candidate["id"], candidate["name"]) if p)
        changed = f", changed {candidate['modified']}" if candidate["modified"] else ""
        lines.append(f"         {mark} {who} ({candidate['why']}{changed}): {candidate['reason']}")
    return lines


def _render_write(write: Mapping[str, Any], heading: str) -> Iterable[str]:
    key = write.get("key")
    by = f" by {key['field']} = {key['value']}" if key else ""
    result = write.get("result")
    said = ""
    if result is not None:
        refused = "  not tried" if result.get("void") else "  REFUSED"
        said = ("  created" if result.get("created") else "  done") if result["ok"] else refused
    action = "" if write["action"] == "none" else f"{write['action']}{by}"
    head = " ".join(part for part in (write["object"], write["id"], action) if part)
    lines = [f"{heading:9}{head}{said}"]
    lines += [f"           {write['url']}"] if write.get("url") else []
    lines += [_render_change(change) for change in write["changes"]]
    if result is not None and not result["ok"]:
        cure = f" {result['cure']}" if result.get("cure") else ""
        lines.append(f"           ✗ {result.get('code', '')} {result['message']}{cure}")
    return lines


_WIDTH = 60


def read_as(line: Mapping[str, Any], side: str) -> Any:
    """A line's `old` or `new` value as people read it; all but rich text is shown as it goes over the wire."""
    value = line.get(side)
    return as_read(value) if line.get("html") and isinstance(value, str) else value


def _plain(value: Any) -> str:
    return str(value).replace("\r\n", "\n").replace("\n", " ⏎ ") if value not in (None, "") else "—"


def _show(value: Any, start: int = 0) -> str:
    """A value on one line, long ones from about `start`."""
    text = _plain(value)
    if len(text) <= _WIDTH:
        return text
    start = max(0, min(start, len(text) - _WIDTH))
    part = text[start : start + _WIDTH - 2]
    return f"{'…' if start else ''}{part}{'…' if start + len(part) < len(text) else ''}"


def _apart(old: Any, new: Any) -> int:
    """Where to begin to show two long values so that their difference is seen."""
    one, other = _plain(old), _plain(new)
    same = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
    return same - 12 if same > _WIDTH - 20 else 0


def _render_change(line: Mapping[str, Any]) -> str:
    change = {**line, "old": read_as(line, "old"), "new": read_as(line, "new")}
    note = f" ({change['note']})" if change.get("note") else ""
    name = f"           {change['field']:32}"
    if change["verdict"] == Verdict.LEAVE_OUT.value:
        return f"{name} ✗ left out: {change.get('note', '')}"
    if change["verdict"] == Verdict.KEEP.value:
        there = _show(change["old"]) if change["old"] not in (None, "") or change["old_known"] else "?"
        return f"{name} {there}  =  {change.get('note') or 'kept'}"
    start = _apart(change["old"], change["new"]) if change["old_known"] else 0
    old = _show(change["old"], start) if change["old_known"] else "?"
    rule = f"   {change['rule']}" if change["rule"] else ""
    return f"{name} {old}  →  {_show(change['new'], start)}{rule}{note}"


def _calls(count: int) -> str:
    return f"{count} API {'call' if count == 1 else 'calls'}"


def _render_end(document: Mapping[str, Any]) -> Iterable[str]:
    cost = document.get("cost") or {}
    shared = cost.get("batch_items", 1)
    calls = cost.get("calls", 0)
    line = f"Cost     {_calls(calls)}"
    if "looked_calls" in cost:
        writing = f"{_calls(calls)} to write it" if calls else "nothing to write, so no API call"
        line = (
            f"Cost     {writing}; this look took {_calls(cost['looked_calls'])} · {cost['looked_ms']:.0f} ms"
        )
    if shared > 1:
        line += f", shared by {shared} items of the batch"
    if "ms" in cost:
        line += f" · {cost['ms']:.0f} ms"
    if cost.get("request_ids"):
        line += " · request ids " + ", ".join(cost["request_ids"])
    lines = [line]
    error = document.get("error")
    if error:
        cure = f" {error['cure']}" if error.get("cure") else ""
        lines.append(f"Waits    {error.get('code', '')}: {error.get('message', '')}{cure}")
    return lines
