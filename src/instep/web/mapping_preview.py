"""The last column of the mapping: what each row would make of a real booking, from its real plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from instep.core.changes import Verdict
from instep.core.crm_schema import LOCATION, Field, ObjectSchema
from instep.core.desired import DesiredField
from instep.core.errors import InstepError
from instep.core.mapping import Row, as_read
from instep.engine.preview import try_rows
from instep.web.mapping_rows import Cell

#: a value longer than this is told by its beginning; the plan of the booking has it whole
_LONGEST = 160


@frozen
class Preview:
    """A cell for each row, and what is to be known of all: `note` in words, `error` of the CRM."""

    cells: tuple[Cell, ...]
    note: str = ""
    error: InstepError | None = None


def preview_of(
    account_id: int,
    booking_key: int,
    connection: str,
    name: str,
    rows: Sequence[Row],
    described: ObjectSchema,
) -> Preview:
    """What these rows would make of a booking. Raises the CRM's own errors where it cannot even be opened."""
    tried = try_rows(account_id, booking_key, connection, name, tuple(rows))
    lines = _lines(tried.document, name)
    wanted = {one.field: one for one in tried.fields}
    cells = tuple(_cell(row, described, lines, wanted) for row in rows)
    note = ""
    if tried.error is not None:
        note = _("Kept and overwritten values cannot be told; the others are shown.")
    elif not lines:
        note = _("This booking writes no %(object)s; shown is what one would get.") % {"object": name}
    return Preview(cells, note, tried.error)


def _lines(document: Mapping[str, Any] | None, name: str) -> dict[str, Mapping[str, Any]]:
    """The plan's lines of the object, by field."""
    writes = (document or {}).get("writes") or ()
    return {line["field"]: line for write in writes if write["object"] == name for line in write["changes"]}


def _cell(
    row: Row,
    described: ObjectSchema,
    lines: Mapping[str, Mapping[str, Any]],
    wanted: Mapping[str, DesiredField],
) -> Cell:
    target = described.get(row.field)
    if target is None:
        return Cell("", "bad", _("missing or hidden")) if row.field else Cell()
    parts = described.parts(target.name) if target.type == LOCATION else (target,)
    cells = [_of_field(part, lines.get(part.name), wanted.get(part.name), bool(lines)) for part in parts]
    if len(cells) == 1:
        return cells[0]
    bad = next((cell for cell in cells if cell.tone == "bad"), None)
    return bad or Cell(", ".join(cell.text for cell in cells), cells[0].tone, cells[0].note)


def _of_field(
    target: Field, line: Mapping[str, Any] | None, want: DesiredField | None, planned: bool
) -> Cell:
    """A field's cell; `planned`: the booking has a record of the object, whose plan leaves this field out."""
    if line is not None:
        return _of_line(target, line)
    if want is None:
        return Cell()
    if want.default and planned:
        return Cell("—", "quiet", _("this record is there already: only new ones get the default"))
    if want.refused:
        return Cell(_shown(target, want.source_value), "bad", want.refused)
    if want.value is None:
        return Cell("—", "quiet", _("the source is empty"))
    return Cell(_shown(target, want.value), "good", want.note or (want.rule if want.stand_in else ""))


def _of_line(target: Field, line: Mapping[str, Any]) -> Cell:
    verdict, note = Verdict(line["verdict"]), str(line.get("note") or "")
    if verdict is Verdict.LEAVE_OUT:
        return Cell("", "bad", note)
    if verdict is Verdict.KEEP:
        return Cell(_shown(target, line.get("old")), "quiet", note)
    if line.get("new") is None:
        return Cell("—", "good", note or _("emptied, as in the booking"))
    before = line.get("old")
    was = _("was %(value)s") % {"value": _shown(target, before)} if line.get("old_known") and before else ""
    stands_in = line["rule"] if line["rule"].startswith(("fallback", "default")) else ""
    return Cell(_shown(target, line["new"]), "good", "; ".join(filter(None, (was, stands_in, note))))


def _shown(target: Field, value: Any) -> str:
    """A wire value as people read it; a moment in the reader's own zone."""
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if target.type == "datetime":
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            return str(value)
        if at.tzinfo is not None:
            return f"{formats.date_format(timezone.localtime(at), 'j M Y, H:i')} {timezone.get_current_timezone_name()}"
    text = as_read(str(value)) if target.html else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST].rstrip()}…"
