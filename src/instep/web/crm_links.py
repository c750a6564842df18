"""Addresses of records in the connected CRMs. No request is sent: only tokens that are there are used."""

from __future__ import annotations

from instep.core.errors import InstepError
from instep.engine.lane import open_crm
from instep.store import credentials, sync_queries
from instep.web.document import RecordUrl


def record_url_of(account_id: int, connection_key: int) -> RecordUrl:
    """A function from object and id to the record's address: empty where it cannot be told.

    A connection whose tokens or keys are lost shows its records without links.
    """
    try:
        row = sync_queries.connection_by_id(account_id, connection_key)
        if row is None or credentials.load_tokens(account_id, connection_key) is None:
            return _nowhere
        crm = open_crm(account_id, row)
        crm.record_url("", "")
    except InstepError:
        return _nowhere
    return lambda name, record_id: crm.record_url(name, record_id) if record_id else ""


def _nowhere(name: str, record_id: str) -> str:
    return ""
