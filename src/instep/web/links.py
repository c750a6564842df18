"""Links to records in the CRM, by what people call them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from instep.crm.vendors import VENDORS
from instep.engine.lane import record_url_of
from instep.store import page_queries
from instep.store.page_queries import Mark


@frozen
class CrmRecordLink:
    """One record in the CRM; `url` is empty where it cannot be told."""

    object: str
    name: str
    url: str


_PROFILES = [vendor.profile for vendor in VENDORS.values()]
#: the fields that a record is called by, of every CRM
_PARTS = tuple(
    dict.fromkeys(part for one in _PROFILES for person in one.persons for part in person.name_parts)
)
_WHOLE = tuple(
    dict.fromkeys(
        field
        for one in _PROFILES
        for field in (*(person.name_field for person in one.persons), one.activity.subject_field)
    )
)


def record_links(
    account_id: int, connection_key: int, records: Sequence[tuple[str, str]]
) -> tuple[CrmRecordLink, ...]:
    """Links to records (object, id) of one connection, named as last seen; those without an id are left out."""
    url = record_url_of(account_id, connection_key)
    there = [(name, record_id) for name, record_id in records if record_id]
    ids = [record_id for _, record_id in there]
    names = page_queries.record_names(account_id, connection_key, ids, _PARTS, _WHOLE)
    return tuple(
        CrmRecordLink(name, names.get((name, record_id), "") or record_id, url(name, record_id))
        for name, record_id in there
    )


def named_by_link(
    account_id: int, record_ids: Mapping[str, str], marks: Sequence[Mark]
) -> tuple[CrmRecordLink, ...]:
    """The records that a personal link was made for, by kind (lead, contact, case), in the CRM that has such links.

    They are told as the link named them, whatever record the booking is related to since. Without a connection to look
    them up in, they go by their ids.
    """
    of_links = [mark for mark in marks if VENDORS[mark.vendor].link_ids]
    vendor = next((one for one in VENDORS.values() if one.link_ids), None)
    if vendor is None or not record_ids:
        return ()
    profile = vendor.profile
    objects = {one.link: one.name for one in reversed(profile.persons)}
    objects |= {profile.case.link: profile.case.name} if profile.case else {}
    named = [(objects.get(kind, kind), vendor.record_id(said) or said) for kind, said in record_ids.items()]
    if not of_links:
        return tuple(CrmRecordLink(name, record_id, "") for name, record_id in named)
    return record_links(account_id, of_links[0].connection_key, named)
