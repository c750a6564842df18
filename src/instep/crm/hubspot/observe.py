"""Reading: one call for each key that records are asked by, however many bookings ask (design 2, HubSpot).

Whether a person exists is decided by reads by id property, which are never behind; a search is a hint (reference 2.3).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from attrs import evolve

from instep.core.crm_schema import Field
from instep.core.errors import Retry, Scope
from instep.core.lookup import CrmUser, Lookup, ObjectLookup, Observed, Record
from instep.core.mapping import same
from instep.crm.hubspot import names
from instep.crm.hubspot.client import HubSpotClient
from instep.crm.hubspot.errors import error_of, is_missing
from instep.crm.hubspot.wire import property_names, record_of

#: reference 2.2, 2.3
PER_BATCH = 100
_PER_SEARCH = 100
#: a search may have 3,000 characters, and the account five of them a second
_VALUES_PER_SEARCH = 40
_SEARCH_PAUSE = 0.22
#: more addresses than this: the list of all owners costs less than one call each
_MOST_ALONE = 3
_OWNERS_PER_PAGE = 500
ID = "Id"

_MOMENT = Field("moment", "Moment", "datetime")
_NEWEST_FIRST = [{"propertyName": "lastmodifieddate", "direction": "DESCENDING"}]


def observe(client: HubSpotClient, lookup: Lookup) -> Observed:
    """Read what `lookup` asks; see `port.Crm.observe`."""
    records: dict[tuple[str, str], Record] = {}
    for part in lookup.objects:
        for record in _read_object(client, part, records):
            records.setdefault((record.object, record.id), record)
    users = find_users(client, lookup.users) if lookup.users else ()
    return Observed(tuple(records.values()), users)


def _read_object(
    client: HubSpotClient, part: ObjectLookup, known: Mapping[tuple[str, str], Record]
) -> Iterator[Record]:
    phones = {key: values for key, values in part.keys.items() if key in names.PHONES}
    for key, values in part.keys.items():
        if key in phones:
            continue
        rows = batch_read(client, part.object, values, part.select, "" if key == ID else key)
        found = _records(part, rows, values if key == ID else ())
        yield from _with_nobody(client, found) if names.PERSON in part.select else found
    if phones:
        yield from _records(part, _search(client, part, phones), ())
    if part.moments:
        yield from _by_moment(client, part, known)


def _records(part: ObjectLookup, rows: Iterable[Mapping[str, Any]], asked: Iterable[str]) -> Iterator[Record]:
    """The records, and for each id that was asked for and has been merged away, one that leads to what it became."""
    wanted = set(asked)
    for row in rows:
        record = record_of(part.object, row, part.select)
        yield record
        merged = str((row.get("properties") or {}).get(names.MERGED) or "")
        for old in wanted.intersection(merged.split(";")) - {record.id, ""}:
            yield Record(part.object, old, deleted=True, followed={names.MERGED_INTO: record})


def _with_nobody(client: HubSpotClient, records: Iterable[Record]) -> Iterator[Record]:
    """Meetings as read; one that no contact is associated with says so: HubSpot may have made it without.

    Whom of several contacts a meeting is about no association tells, so that of the others nothing is said.
    """
    found = list(records)
    related = _associated(client, "meetings", "contacts", [record.id for record in found])
    for record in found:
        alone = not related.get(record.id)
        yield evolve(record, fields={**record.fields, names.PERSON: None}) if alone else record


def _associated(
    client: HubSpotClient, kind: str, others: str, ids: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """The ids of the other records that each is associated with; never behind, as a search would be."""
    found: dict[str, tuple[str, ...]] = {}
    for chunk in _chunks(ids, PER_BATCH):
        path = f"/crm/associations/{{V}}/{kind}/{others}/batch/read"
        body = {"inputs": [{"id": one} for one in chunk]}
        for row in client.request("POST", path, json=body, purpose="read").rows():
            one = str((row.get("from") or {}).get("id") or "")
            found[one] = tuple(str(to.get("toObjectId")) for to in row.get("to") or ())
    return found


def batch_read(
    client: HubSpotClient, object_name: str, ids: Sequence[str], select: Sequence[str], key: str = ""
) -> list[Mapping[str, Any]]:
    """The records with these ids, or these values of a unique property; what is not there is left out.

    Raises `Retry` when any could not be read for another reason.
    """
    found: list[Mapping[str, Any]] = []
    properties = property_names(select)
    if object_name == names.CONTACT:
        properties = [*dict.fromkeys((*properties, names.MERGED))]
    for chunk in _chunks(list(dict.fromkeys(ids)), PER_BATCH):
        body: dict[str, Any] = {"properties": properties, "inputs": [{"id": one} for one in chunk]}
        if key:
            body["idProperty"] = key
        answer = client.request(
            "POST", f"/crm/objects/{{V}}/{names.PATHS[object_name]}/batch/read", json=body, purpose="read"
        )
        for entry in answer.rows("errors"):
            if not is_missing(entry):
                raise _unread(entry, answer.request_id)
        found += answer.rows()
    return found


def _unread(entry: Mapping[str, Any], request_id: str) -> Retry:
    said = error_of(entry, request_id=request_id)
    return Retry(said.message, code=said.code, cure=said.cure, scope=Scope.BATCH, request_id=request_id)


def _chunks(values: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _search(
    client: HubSpotClient, part: ObjectLookup, phones: Mapping[str, Sequence[str]]
) -> list[Mapping[str, Any]]:
    """People with one of these numbers, as far as the index knows them by now: a hint, never the last word."""
    found: list[Mapping[str, Any]] = []
    values = list(dict.fromkeys(v.lower() for numbers in phones.values() for v in numbers))
    for place, chunk in enumerate(_chunks(values, _VALUES_PER_SEARCH)):
        if place:
            time.sleep(_SEARCH_PAUSE)
        groups = [
            {"filters": [{"propertyName": name, "operator": "IN", "values": list(chunk)}]} for name in phones
        ]
        body = {
            "filterGroups": groups,
            "sorts": _NEWEST_FIRST,
            "properties": property_names(part.select),
            "limit": _PER_SEARCH,
        }
        path = f"/crm/objects/{{V}}/{names.PATHS[part.object]}/search"
        found += client.request("POST", path, json=body, purpose="search").rows()
    return found


def _by_moment(
    client: HubSpotClient, part: ObjectLookup, known: Mapping[tuple[str, str], Record]
) -> Iterator[Record]:
    """Meetings that start then, among those of the contacts read before: how a portal without our id is asked."""
    contacts = [key[1] for key, record in known.items() if key[0] == names.CONTACT and not record.deleted]
    of_contacts = _associated(client, "contacts", "meetings", contacts)
    meetings = {meeting: contact for contact, theirs in of_contacts.items() for meeting in theirs}
    if not meetings:
        return
    select = tuple(dict.fromkeys((*part.select, *part.moments)))
    for row in batch_read(client, part.object, list(meetings), select):
        record = record_of(part.object, row, select)
        if any(_is_one_of(record.get(name), moments) for name, moments in part.moments.items()):
            yield evolve(record, fields={**record.fields, names.PERSON: meetings[record.id]})


def _is_one_of(value: Any, moments: Sequence[str]) -> bool:
    return any(same(_MOMENT, value, moment) for moment in moments)


def find_users(client: HubSpotClient, emails: Sequence[str] | None = None) -> tuple[CrmUser, ...]:
    """All owners, or whoever has one of these addresses, archived ones too."""
    if emails is None or len(emails) > _MOST_ALONE:
        wanted = {email.lower() for email in emails} if emails is not None else None
        everybody = (
            _owners(client, "") if wanted is None else (*_owners(client, ""), *_owners(client, _ARCHIVED))
        )
        return tuple(u for u in everybody if wanted is None or u.email.lower() in wanted)
    found: list[CrmUser] = []
    for email in emails:
        asked = f"&email={quote(email, safe='')}"
        found += _owners(client, asked) or _owners(client, f"{asked}{_ARCHIVED}")
    return tuple(found)


_ARCHIVED = "&archived=true"


def _owners(client: HubSpotClient, more: str) -> tuple[CrmUser, ...]:
    found: list[CrmUser] = []
    after = ""
    while True:
        page = f"&after={quote(after, safe='')}" if after else ""
        path = f"/crm/owners/{{V}}?limit={_OWNERS_PER_PAGE}{more}{page}"
        answer = client.request("GET", path, purpose="users")
        found += [user_of(row) for row in answer.rows()]
        paging = answer.body.get("paging") if isinstance(answer.body, Mapping) else None
        after = str(((paging or {}).get("next") or {}).get("after") or "")
        if not after:
            return tuple(found)


def user_of(row: Mapping[str, Any]) -> CrmUser:
    """One owner. A queue has an owner's id and is nobody's user."""
    kind = str(row.get("type") or names.PERSON_OWNER)
    return CrmUser(
        id=str(row.get("id") or ""),
        email=str(row.get("email") or ""),
        active=not row.get("archived"),
        name=" ".join(filter(None, (row.get("firstName"), row.get("lastName")))),
        licence="" if kind == names.PERSON_OWNER else kind,
    )
