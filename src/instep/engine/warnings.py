"""What a connection's configuration does that an admin may not expect, told from memory: no request is sent."""

from __future__ import annotations

from instep.core.errors import InstepError
from instep.core.rules import warnings
from instep.crm.vendors import vendor_of
from instep.engine.lane import load_config, open_crm
from instep.engine.schemas import schemas_of
from instep.store import credentials, lane_queries


def known_warnings(account_id: int, connection_key: int) -> list[str]:
    """Warnings against the schema as last seen; none while nothing was seen or the keys are lost."""
    row = lane_queries.connection_by_id(account_id, connection_key)
    try:
        if row is None or not credentials.load(account_id, connection_key):
            return []
        crm = open_crm(account_id, row)
    except InstepError:
        return []
    schema = schemas_of(account_id, connection_key, row["vendor"], crm.schema_of)
    if not schema:
        return []
    return warnings(load_config(row), vendor_of(row["vendor"]).profile, schema)
