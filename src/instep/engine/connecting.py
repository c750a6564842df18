"""Connecting a CRM: sign in, learn who we are, install our fields where asked, and start the lane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from attrs import asdict, frozen

from instep.crm.oauth import Tokens
from instep.crm.port import Identity
from instep.crm.vendors import Keeper, vendor_of
from instep.engine.lane import Lane, open_crm, open_lane, refresh
from instep.store import credentials, item_queries, lane_queries


@frozen
class Connected:
    """A connection as made: who we are there, what is installed, and how many bookings were marked."""

    connection_id: int
    public_id: str
    identity: Identity
    api_version: str
    made: bool
    installed: Mapping[str, Any] | None
    bookings: int


def connect(
    account_id: int,
    vendor_name: str,
    entered: Mapping[str, str],
    *,
    api_version: str = "",
    install: bool = False,
    allow: Sequence[str] = (),
) -> Connected:
    """Connect a CRM with what an admin entered; connecting the same org again renews the connection.

    Raises `InputError` for an address or version that cannot be used, `NeedsAdmin` for a refused sign-in.
    """
    vendor = vendor_of(vendor_name)
    kept = vendor.prepare(entered, allow)
    first: list[Tokens] = []
    keeper = Keeper(
        load=lambda: first[-1] if first else None,
        save=lambda new, previous: first.append(new),
        lock=nullcontext,
    )
    crm = vendor.open(kept, "", api_version, keeper)
    identity = crm.whoami()
    row, made = credentials.keep_connection(
        account_id,
        vendor_name,
        identity.org_id,
        name=identity.org_name,
        url=kept["url"],
        credentials=kept,
        tokens=asdict(first[-1]) if first else None,
        identity=asdict(identity),
        api_version=crm.api_version,
    )
    lane_queries.count_calls(account_id, row.id, len(crm.calls), 0)
    lane = _lane(account_id, row.id)
    installed = install_fields(lane) if install else None
    refresh(lane, force=True)
    # a renewed connection has its marks already; new fields may change what every booking should say
    bookings = item_queries.mark_in_lane(account_id, row.id) if made or install else 0
    lane_queries.clear_alerts(account_id, row.id)
    lane_queries.wake(row.id)
    return Connected(row.id, row.public_id, identity, crm.api_version, made, installed, bookings)


def _lane(account_id: int, connection_id: int) -> Lane:
    row = lane_queries.connection_by_id(account_id, connection_id)
    assert row is not None
    return open_lane(account_id, row)


def install_fields(lane: Lane) -> Mapping[str, Any]:
    """Create the connector's fields in the CRM and keep what is there now."""
    crm = open_crm(lane.account_id, lane.row)
    report = crm.install()
    credentials.save_installed(lane.account_id, lane.id, report)
    lane_queries.count_calls(lane.account_id, lane.id, len(crm.calls), 0)
    return report
