"""The page at `/` that shows the org's records as they appear, and the answers it polls."""

from importlib import resources
from typing import TYPE_CHECKING, Any

import attrs

from .call import Answer
from .errors import not_found
from .tables import Record

if TYPE_CHECKING:
    from .org import Org

PREFIX = "/assets/"
PATHS = frozenset({"/", "/records.json", "/favicon.ico"})
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "form-action *; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_SHOWN = ("Event", "Lead", "Contact", "Account", "Case")
_MOST_ROWS = 500
_MOST_CALLS = 50
_TYPES = {"css": "text/css", "js": "text/javascript", "html": "text/html"}


@attrs.frozen
class Asset:
    content: bytes
    content_type: str


def html(text: str) -> Asset:
    return Asset(text.encode(), f"{_TYPES['html']};charset=UTF-8")


def serves(path: str) -> bool:
    return path in PATHS or path.startswith(PREFIX)


def _asset(name: str) -> Asset:
    suffix = name.rpartition(".")[2]
    found = resources.files(__package__) / "assets" / name
    if "/" in name or suffix not in _TYPES or not found.is_file():
        raise not_found()
    return Asset(found.read_bytes(), f"{_TYPES[suffix]};charset=UTF-8")


def _label(org: "Org", record_id: str) -> str:
    obj = org.object_of_id(record_id)
    record = org.tables.get(obj.name, record_id) if obj else None
    return str(record.get("Name") or record.get("Subject") or record_id) if record else record_id


def _row(org: "Org", name: str, record: Record) -> dict[str, Any]:
    """Every filled field with its label, references with the names they lead to."""
    fields = []
    for field in org.catalogue[name].fields.values():
        value = record.get(field.name)
        if value is None:
            continue
        shown = _label(org, value) if field.type == "reference" else value
        fields.append(
            {"name": field.name, "label": field.label, "value": value, "shown": shown, "type": field.type}
        )
    return {"id": record["Id"], "fields": fields}


def _records(org: "Org") -> dict[str, Any]:
    with org.lock:
        objects = []
        for name in _SHOWN:
            living = [r for r in org.tables.rows(name).values() if not r.get("IsDeleted")]
            newest = sorted(living, key=lambda r: (r.get("LastModifiedDate", ""), r["Id"]), reverse=True)[
                :_MOST_ROWS
            ]
            rows = [_row(org, name, record) for record in newest]
            objects.append(
                {"name": name, "plural": org.catalogue[name].plural, "total": len(living), "rows": rows}
            )
        calls = org.journal.entries()[-_MOST_CALLS:][::-1]
        return {
            "organization": org.organization["Name"], "objects": objects, "calls": calls,
            "counted": org.journal.counted, "used": org.settings.apiUsed, "max": org.settings.apiMax,
        }  # fmt: skip


def handle(org: "Org", path: str) -> Answer:
    """GET of the page, its assets or its data."""
    if path == "/":
        return Answer(200, _asset("page.html"))
    if path == "/records.json":
        return Answer(200, _records(org), {"Cache-Control": "no-store"})
    if path == "/favicon.ico":
        return Answer(204)
    return Answer(200, _asset(path.removeprefix(PREFIX)))
