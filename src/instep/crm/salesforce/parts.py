"""One part of a batch as Salesforce takes it: method, address, body, headers. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from instep.core.changes import Action, Write
from instep.core.errors import Bug
from instep.crm.port import ReadOne
from instep.crm.salesforce.pack import Collection

#: Assignment rules run by themselves where this is absent; it is said all the same (reference 2.2).
_RULES_OFF = {"Sforce-Auto-Assign": "FALSE"}
_RULES_ON = {"Sforce-Auto-Assign": "TRUE"}
#: Where a duplicate rule only warns, the record is saved; where it forbids, this changes nothing.
_SAVE_DOUBLES = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}


def part_request(part: Collection, base: str, id_of: Callable[[str], str]) -> dict[str, Any]:
    """The request of one part; `id_of` gives a parent's id by its ref, or the place where it will be."""
    first = part.writes[0]
    body: dict[str, Any]
    if part.single:
        method, path = _single_address(first)
        body = _fields(first, id_of)
    else:
        method, path = _collection_address(first)
        body = {"allOrNone": False, "records": [_row(w, id_of) for w in part.writes]}
    request: dict[str, Any] = {"method": method, "url": f"{base}{path}", "body": body}
    headers = _RULES_OFF if part.rules_off else _RULES_ON if part.rules_on else {}
    if part.save_doubles:
        headers = {**headers, **_SAVE_DOUBLES}
    if headers:
        request["httpHeaders"] = headers
    return request


def _row(write: Write, id_of: Callable[[str], str]) -> dict[str, Any]:
    row = {"attributes": {"type": write.object}, **_fields(write, id_of)}
    if write.action is Action.UPDATE:
        row["id"] = write.id
    elif write.action is Action.UPSERT:
        name, value = _key(write)
        row[name] = value
    return row


def _fields(write: Write, id_of: Callable[[str], str]) -> dict[str, Any]:
    fields = {**write.values, **{name: id_of(ref) for name, ref in write.parents.items()}}
    if write.key:
        fields.pop(write.key[0], None)  # an upsert's body must not repeat it (reference 2.2)
    return fields


def read_path(read: ReadOne) -> str:
    """The resource that answers with one record's fields."""
    return f"/sobjects/{read.object}/{read.id}?fields={','.join(read.select)}"


def _single_address(write: Write) -> tuple[str, str]:
    if write.action is Action.CREATE:
        return "POST", f"/sobjects/{write.object}"
    if write.action is Action.UPDATE:
        return "PATCH", f"/sobjects/{write.object}/{write.id}"
    field, value = _key(write)
    return "PATCH", f"/sobjects/{write.object}/{field}/{value}"


def _collection_address(write: Write) -> tuple[str, str]:
    if write.action is Action.CREATE:
        return "POST", "/composite/sobjects"
    if write.action is Action.UPDATE:
        return "PATCH", "/composite/sobjects"
    return "PATCH", f"/composite/sobjects/{write.object}/{_key(write)[0]}"


def _key(write: Write) -> tuple[str, str]:
    if not write.key or not write.key[1]:
        raise Bug(f"The upsert {write.ref} has no external id.", code="missing_key")
    return write.key
