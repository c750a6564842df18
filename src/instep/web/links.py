"""Links to records in the CRM, by what people call them."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from instep.engine.lane import record_url_of
from instep.store import page_queries


@frozen
class CrmRecordLink:
    """One record in the CRM; `url` is empty where it cannot be told."""

    object: str
    name: str
    url: str


def record_links(
    account_id: int, connection_key: int, records: Sequence[tuple[str, str]]
) -> tuple[CrmRecordLink, ...]:
    """Links to records (object, id) of one connection, named as last seen; those without an id are left out."""
    url = record_url_of(account_id, connection_key)
    there = [(name, record_id) for name, record_id in records if record_id]
    names = page_queries.record_names(account_id, connection_key, [record_id for _, record_id in there])
    return tuple(
        CrmRecordLink(name, names.get(record_id, "") or record_id, url(name, record_id))
        for name, record_id in there
    )
