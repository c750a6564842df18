"""A stored record as the API shows it."""

from typing import TYPE_CHECKING, Any

from . import formulas
from .config import STATE_COUNTRY
from .schema import Field, SObject
from .tables import Record

if TYPE_CHECKING:
    from .org import Org

_ADDRESS_PARTS = (
    "City",
    "Country",
    "GeocodeAccuracy",
    "Latitude",
    "Longitude",
    "PostalCode",
    "State",
    "Street",
)
_CODES = ("CountryCode", "StateCode")


def shown_value(org: "Org", obj: SObject, field: Field, record: Record) -> Any:
    """A field's value: stored, or derived when it is read (compound addresses, formulas, IsArchived)."""
    if field.type == "address":
        stem = field.name.removesuffix("Address")
        names = _ADDRESS_PARTS + _CODES if org.config.has(STATE_COUNTRY) else _ADDRESS_PARTS
        parts = {name[0].lower() + name[1:]: record.get(stem + name) for name in names}
        return parts if any(value is not None for value in parts.values()) else None
    if field.type == "location":
        stem = field.name.removesuffix("__c")
        pair = {part.lower(): record.get(f"{stem}__{part}__s") for part in ("Latitude", "Longitude")}
        return pair if None not in pair.values() else None
    if field.formula is not None:
        return formulas.value(field.formula, formulas.Scope(org, obj, record, None, ""))
    if field.name == "IsArchived":
        start = record.get("ActivityDateTime")
        return start is not None and start < org.archive_limit()
    return record.get(field.name, False if field.type == "boolean" else None)


def shown(
    org: "Org", obj: SObject, record: Record, url: str, names: list[str] | None = None
) -> dict[str, Any]:
    """A record with `attributes` first, all visible fields or the named ones."""
    fields = [obj.fields[name] for name in names] if names is not None else obj.fields.values()
    body: dict[str, Any] = {"attributes": {"type": obj.name, "url": url}}
    body.update((field.name, shown_value(org, obj, field, record)) for field in fields)
    return body
