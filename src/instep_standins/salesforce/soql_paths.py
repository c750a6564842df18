"""What a path of a query means for one user: a field, own or reached through relationships."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from . import errors, rules
from .records import shown_value
from .schema import Field, SObject
from .soql_parse import Path
from .tables import Record

if TYPE_CHECKING:
    from .soql_run import Binder

Getter = Callable[[Record], Any]

MOST_RELATIONSHIPS = 5
SUFFIX_HINT = (
    "If you are attempting to use a custom {kind}, be sure to append the '__c' after the {thing} name. "
    "Please reference your WSDL or the describe call for the appropriate names."
)
# A relation that may point to several objects shows the few fields of the generic Name object only.
_NAME_FIELDS = ("Id", "Name", "FirstName", "LastName", "Type")
_OWNER_NAME_FIELDS = (*_NAME_FIELDS, "Email", "Phone", "Title", "Alias", "Username", "IsActive")
_TYPE_FIELD = Field("Type", "picklist", 40, "Type")


@attrs.frozen
class Column:
    """A bound path: how to read it, the field at its end, and the relationships that it goes through."""

    field: Field
    get: Getter
    links: tuple[Field, ...] = ()


def column(binder: "Binder", path: Path) -> Column:
    """The column of a path. Raises ApiError INVALID_FIELD."""
    parts = path.parts
    if len(parts) > 1 and parts[0].lower() == binder.object.name.lower():
        parts = parts[1:]
    if len(parts) - 1 > MOST_RELATIONSHIPS:
        message = (
            f"Relationship fields must be {MOST_RELATIONSHIPS} relationships or less away: '{path.text}'"
        )
        raise binder.fail(errors.INVALID_FIELD, path, message)
    if len(parts) > 1:
        return _through(binder, path, parts)
    field = binder.object.by_lower.get(parts[0].lower())
    if field is None:
        raise binder.no_column(path, parts[0], binder.object.name)
    return Column(field, _own(binder, field))


def _own(binder: "Binder", field: Field) -> Getter:
    org, obj = binder.caller.org, binder.object
    if obj.name == "Event" and field.name == "IsArchived":
        return lambda record: rules.is_archived(org, "Event", record)
    name = field.name
    if field.type in ("address", "location") or field.formula is not None:
        return lambda record: shown_value(org, obj, field, record)
    empty = False if field.type == "boolean" else None
    return lambda record: record.get(name, empty)


def _link(binder: "Binder", path: Path, obj: SObject, relation: str) -> Field:
    link = obj.by_relationship.get(relation.lower())
    if link is None:
        raise binder.fail(
            errors.INVALID_FIELD,
            path,
            f"Didn't understand relationship '{relation}' in field path. If you are attempting to use a custom "
            "relationship, be sure to append the '__r' after the custom relationship name. Please reference your "
            "WSDL or the describe call for the appropriate names.",
        )
    return link


def _through(binder: "Binder", path: Path, parts: tuple[str, ...]) -> Column:
    caller, obj = binder.caller, binder.object
    links: list[Field] = []
    for place, relation in enumerate(parts[:-1]):
        link = _link(binder, path, obj, relation)
        links.append(link)
        seen = [caller.view(t) for t in link.targets if t in caller.org.catalogue and caller.sees(t)]
        if link.polymorphic and place < len(parts) - 2:
            message = f"Didn't understand relationship '{parts[place + 1]}' in field path."
            raise binder.fail(errors.INVALID_FIELD, path, message)
        if link.polymorphic:
            return Column(
                field := _of_name(binder, path, link, seen, parts[-1]),
                _reader(binder, links, field),
                tuple(links),
            )
        if not seen:
            raise binder.no_column(path, parts[-1], link.targets[0] if link.targets else relation)
        obj = seen[0]
    found = obj.by_lower.get(parts[-1].lower())
    if found is None:
        raise binder.no_column(path, parts[-1], obj.name)
    return Column(found, _reader(binder, links, found), tuple(links))


def _of_name(binder: "Binder", path: Path, link: Field, seen: list[SObject], name: str) -> Field:
    """A field of the generic Name object, which a relation to several objects shows."""
    allowed = _OWNER_NAME_FIELDS if link.name == "OwnerId" else _NAME_FIELDS
    known = next((one for one in allowed if one.lower() == name.lower()), None)
    if known is None:
        raise binder.no_column(path, name, "Name")
    return next((target.fields[known] for target in seen if known in target.fields), _TYPE_FIELD)


def _reader(binder: "Binder", links: list[Field], field: Field) -> Getter:
    org = binder.caller.org

    def get(record: Record) -> Any:
        for link in links:
            target = org.object_of_id(record.get(link.name) or "")
            if target is None:
                return None
            record = org.tables.get(target.name, record[link.name]) or {}
        if field is _TYPE_FIELD:
            return target.name
        return shown_value(org, target, target.fields.get(field.name, field), record)

    return get
