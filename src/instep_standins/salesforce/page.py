"""The page at `/` that shows the org's records as they appear, and the answers that it polls."""

from importlib import resources
from typing import TYPE_CHECKING, Any

import attrs

from .call import Answer
from .errors import not_found
from .schema import Field
from .tables import Record

if TYPE_CHECKING:
    from .org import Org

PREFIX = "/assets/"
RECORDS, RECORD = "/records.json", "/record.json"
_PATHS = frozenset({"/", RECORDS, RECORD, "/favicon.ico"})
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_NO_STORE = {"Cache-Control": "no-store"}
_MOST_ROWS = 1000
_MOST_CALLS = 100
_TYPES = {"css": "text/css", "js": "text/javascript", "html": "text/html"}

# What each list shows: fields around the custom ones, which stand where CUSTOM is.
_CUSTOM = "*"
_COLUMNS = {
    "Event": ("Subject", _CUSTOM, "StartDateTime", "EndDateTime", "WhoId", "OwnerId"),
    "Lead": ("Name", "Company", "Email", "Phone", "Status", "OwnerId"),
    "Contact": ("Name", "AccountId", "Email", "Phone", "OwnerId"),
    "Account": ("Name", "Website", "Phone", "OwnerId"),
    "Case": ("CaseNumber", "Subject", _CUSTOM, "Status", "ContactId", "OwnerId"),
}


@attrs.frozen
class Asset:
    content: bytes
    content_type: str


def html(text: str) -> Asset:
    return Asset(text.encode(), f"{_TYPES['html']};charset=UTF-8")


def serves(path: str) -> bool:
    return path in _PATHS or path.startswith(PREFIX)


def _asset(name: str) -> Asset:
    suffix = name.rpartition(".")[2]
    found = resources.files(__package__) / "assets" / name
    if "/" in name or suffix not in _TYPES or not found.is_file():
        raise not_found()
    return Asset(found.read_bytes(), f"{_TYPES[suffix]};charset=UTF-8")


def _name_of(org: "Org", record_id: str) -> str:
    """What a reference leads to, in words."""
    obj = org.object_of_id(record_id)
    record = org.tables.get(obj.name, record_id) if obj else None
    return str(record.get("Name") or record.get("Subject") or record_id) if record else record_id


def _shown(org: "Org", field: Field, record: Record) -> Any:
    value = record.get(field.name)
    return _name_of(org, value) if field.type == "reference" and value else value


def _columns(org: "Org", name: str) -> list[Field]:
    """The fields that a list shows; external ids are for machines and stay in the detail."""
    fields = org.catalogue[name].fields
    columns: list[Field] = []
    for column in _COLUMNS[name]:
        if column == _CUSTOM:
            columns += [field for field in fields.values() if field.custom and not field.external_id]
        else:
            columns.append(fields[column])
    return columns


def _listed(org: "Org", name: str) -> dict[str, Any]:
    living = [r for r in org.tables.rows(name).values() if not r.get("IsDeleted")]
    newest = sorted(living, key=lambda r: (r.get("SystemModstamp", ""), r["Id"]), reverse=True)[:_MOST_ROWS]
    columns = _columns(org, name)
    return {
        "name": name,
        "label": org.catalogue[name].label,
        "plural": org.catalogue[name].plural,
        "total": len(living),
        # "Assigned To ID" shows a name here, not an id.
        "columns": [{"label": field.label.removesuffix(" ID"), "type": field.type} for field in columns],
        "rows": [[r["Id"], r.get("SystemModstamp"), *(_shown(org, f, r) for f in columns)] for r in newest],
    }


def _records(org: "Org", seen: str | None) -> Answer:
    """All lists and the latest calls; 204 where nothing happened since the version that the page has."""
    with org.lock:
        version = f"{org.tables.version}.{org.journal.total}.{org.schema_stamp}"
        if seen == version:
            return Answer(204, None, _NO_STORE)
        body = {
            "version": version,
            "organization": org.organization["Name"],
            "objects": [_listed(org, name) for name in _COLUMNS],
            "calls": org.journal.entries()[-_MOST_CALLS:][::-1],
            "counted": org.journal.counted,
            "used": org.settings.apiUsed,
            "max": org.settings.apiMax,
        }
    return Answer(200, body, _NO_STORE)


def _record(org: "Org", record_id: str) -> Answer:
    """Every filled field of one record with its label, references with the names that they lead to."""
    with org.lock:
        obj = org.object_of_id(record_id)
        record = org.live(obj.name, record_id) if obj else None
        if obj is None or record is None:
            raise not_found()
        fields = [
            {
                "name": f.name,
                "label": f.label,
                "type": f.type,
                "value": record[f.name],
                "shown": _shown(org, f, record),
            }
            for f in obj.fields.values()
            if record.get(f.name) not in (None, False)
        ]
    return Answer(
        200,
        {"id": record_id, "label": obj.label, "title": _name_of(org, record_id), "fields": fields},
        _NO_STORE,
    )


def handle(org: "Org", path: str, query: dict[str, str]) -> Answer:
    """GET of the page, its assets or its data."""
    if path == "/":
        return Answer(200, _asset("page.html"))
    if path == RECORDS:
        return _records(org, query.get("seen"))
    if path == RECORD:
        return _record(org, query.get("id", ""))
    if path == "/favicon.ico":
        return Answer(204)
    return Answer(200, _asset(path.removeprefix(PREFIX)))
