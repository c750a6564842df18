"""How the org's values are shown: one value, and the table of an object's records."""

from typing import TYPE_CHECKING, Any

from ...markup import Markup, el, said
from ...pages import row, table, tag, td
from ..schema import Field, SObject
from ..tables import Record
from .frame import moment

if TYPE_CHECKING:
    from ..org import Org

STAMP = "SystemModstamp"
# What each list shows: fields around the custom ones, which stand where CUSTOM is.
_CUSTOM = "*"
_COLUMNS = {
    "Event": ("Subject", _CUSTOM, "StartDateTime", "WhoId", "OwnerId"),
    "Lead": ("Name", "Company", "Email", "Phone", "Status", "OwnerId"),
    "Contact": ("Name", "AccountId", "Email", "Phone", "OwnerId"),
    "Account": ("Name", "Website", "Phone", "OwnerId"),
    "Case": ("CaseNumber", "Subject", _CUSTOM, "Status", "ContactId", "OwnerId"),
}
# A picklist value's beginning → its colour; the rest are blue.
_TONES = (("resched", "wait"), ("complet", "good"), ("closed", "good"), ("cancel", "bad"), ("no show", "violet"),
          ("no-show", "violet"))  # fmt: skip


def name_of(org: "Org", record_id: str) -> str:
    """What an id leads to, in words."""
    obj = org.object_of_id(record_id)
    record = org.tables.get(obj.name, record_id) if obj else None
    if record is None:
        return record_id
    return str(record.get("Name") or record.get("Subject") or record.get("CaseNumber") or record_id)


def text(record: Record, name: str) -> str:
    """A field in words; an order may have stored a row of the setup without it."""
    return str(record.get(name) or "(none)")


def has_page(org: "Org", record_id: str) -> bool:
    obj = org.object_of_id(record_id)
    return obj is not None and org.tables.get(obj.name, record_id) is not None


def shown(org: "Org", field: Field, value: Any, precise: bool = False) -> Markup:
    """A stored value as it is shown: references by name and as links, datetimes as moments."""
    if value is None or value == "":
        return el("span", "–", class_="soft")
    if field.type == "reference" and isinstance(value, str):
        name = said(name_of(org, value))
        return el("a", name, href=f"/r/{value}") if has_page(org, value) else name
    if field.type == "datetime":
        return moment(value, precise)
    if isinstance(value, bool):
        return el("span", "Yes" if value else "No")
    if field.type == "picklist":
        tone = next((tone for start, tone in _TONES if str(value).lower().startswith(start)), "blue")
        return tag(said(value), tone)
    return said(value)


def columns(obj: SObject) -> list[Field]:
    """The fields that a list shows; external ids are for machines and stay on the record's page."""
    columns: list[Field] = []
    for name in _COLUMNS[obj.name]:
        if name == _CUSTOM:
            columns += [field for field in obj.fields.values() if field.custom and not field.external_id]
        elif name in obj.fields:
            columns.append(obj.fields[name])
    return columns


def label(field: Field) -> str:
    # "Assigned To ID" shows a name here, not an id.
    return field.label.removesuffix(" ID")


def records_table(org: "Org", obj: SObject, records: list[Record]) -> Markup:
    first, *others = columns(obj)
    rows = []
    for record in records:
        key = record["Id"]
        head = el(
            "a",
            said(record.get(first.name) or "(no name)"),
            href=f"/r/{key}",
            id=f"a-{key}",
            data_cell=f"{key}.0",
        )
        cells = [
            td(label(f), shown(org, f, record.get(f.name)), kind=_kind(f, record), key=f"{key}.{f.name}")
            for f in others
        ]
        rows.append(row(key, head, *cells, td("Changed", moment(record.get(STAMP, "")), kind="time")))
    return table(obj.plural, [label(first), *map(label, others), "Changed"], rows)


_KINDS = {"datetime": "time", "phone": "time", "textarea": "long"}


def _kind(field: Field, record: Record) -> str:
    return "none" if record.get(field.name) in (None, "") else _KINDS.get(field.type, "")


def living(org: "Org", name: str) -> list[Record]:
    return [record for record in org.tables.rows(name).values() if not record.get("IsDeleted")]
