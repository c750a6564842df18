"""A connection's setup moves to another org: sandbox first, production later, with nothing entered twice.

What would not fit there is looked up before anything is done; links and receipts belong to the org that they came from
and stay with its connection, which is disconnected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import asdict, frozen
from django.db import transaction

from instep.core.config_document import to_document
from instep.core.errors import InputError
from instep.core.lookup import CrmUser
from instep.core.moving import Misfit, moved
from instep.core.rules import SyncConfig, plain_email
from instep.crm.oauth import Tokens
from instep.crm.port import Crm, Identity
from instep.crm.vendors import Vendor, vendor_of
from instep.engine import watch
from instep.engine.connecting import Connected, Disconnected, SignIn, disconnect, sign_in_with
from instep.engine.lane import custom_properties, load_config, open_lane, refresh
from instep.engine.schemas import schemas_of
from instep.store import credentials, host_user_queries, item_queries, lane_queries


@frozen
class ChosenHost:
    """A user that was chosen for a host, and the same person in the new org: `crm_id` is empty where nobody is."""

    host: str
    name: str
    crm_id: str
    nobody: bool


@frozen
class Move:
    """What switching would do: where to, what does not fit, and which of the chosen users are not there."""

    identity: Identity
    api_version: str
    tokens: Tokens | None
    config: SyncConfig
    misfits: tuple[Misfit, ...]
    hosts: tuple[ChosenHost, ...]
    bookings: int

    @property
    def lost_hosts(self) -> tuple[ChosenHost, ...]:
        """Hosts whose chosen user the new org does not have."""
        return tuple(one for one in self.hosts if not one.crm_id and not one.nobody)


def look(account_id: int, row: Mapping[str, Any], kept: Mapping[str, Any], sign_in: SignIn) -> Move:
    """Sign in to the new org and compare the setup with it; nothing is changed anywhere.

    Raises `InputError` where the sign-in led to the same org or to one that is connected, `NeedsAdmin` where it was
    refused.
    """
    vendor = vendor_of(row["vendor"])
    crm, identity, tokens = sign_in_with(vendor, kept, "", sign_in, True)
    _check_target(account_id, row, identity)
    documents = crm.describe(vendor.profile.objects)
    new = {name: crm.schema_of(document) for name, document in documents.items()}
    old = schemas_of(account_id, int(row["id"]), row["vendor"], vendor.schema_of)
    config, misfits = moved(
        load_config(dict(row)), old, new, vendor.profile, custom_properties(account_id), _created(vendor)
    )
    return Move(
        identity,
        crm.api_version,
        tokens,
        config,
        misfits,
        _hosts(crm, host_user_queries.choices(account_id, int(row["id"]))),
        item_queries.count_bookings(account_id),
    )


def _created(vendor: Vendor) -> frozenset[str]:
    return frozenset(f"{one.object}.{one.name}" for one in vendor.creates)


def _check_target(account_id: int, row: Mapping[str, Any], identity: Identity) -> None:
    if identity.org_id == row["org_id"]:
        raise InputError(
            f"This sign-in leads to the one that is connected, {identity.org_name} ({identity.org_id}).",
            code="SAME_ORG",
            cure="Sign out of the CRM, or choose the other environment, and sign in to the other one.",
        )
    there = lane_queries.connection_of_org(account_id, row["vendor"], identity.org_id)
    if there is not None and there["state"] != credentials.DISABLED:
        raise InputError(
            f"{identity.org_name} ({identity.org_id}) is connected already.",
            code="CONNECTED_ALREADY",
            cure="Disconnect it first, or go on with its own setup.",
        )


def _hosts(crm: Crm, chosen: Sequence[Mapping[str, str]]) -> tuple[ChosenHost, ...]:
    """The chosen users by their addresses in the new org: a sandbox's users have the same ones, but for the suffix."""
    emails = [one["user_email"] for one in chosen if one["crm_id"] and one["user_email"]]
    there: dict[str, CrmUser] = {}
    for user in sorted(crm.users(emails) if emails else (), key=lambda user: user.id):
        if user.active and not user.licence:
            there.setdefault(plain_email(user.email), user)
    return tuple(
        ChosenHost(
            one["host"],
            one["name"] or one["user_email"],
            there[one["user_email"]].id if one["user_email"] in there and one["crm_id"] else "",
            nobody=not one["crm_id"],
        )
        for one in chosen
    )


def switch(
    account_id: int, row: Mapping[str, Any], kept: Mapping[str, Any], move: Move
) -> tuple[Connected, Disconnected]:
    """Connect the new org with the setup of the old one, then disconnect the old one, whose own setup stays with it.

    A setup that the new org's connection had from before is put aside, from where it can be restored.
    """
    identity = move.identity
    with transaction.atomic():
        made, begins = credentials.keep_connection(
            account_id,
            row["vendor"],
            identity.org_id,
            name=identity.org_name,
            url=str(kept["url"]),
            credentials=kept,
            tokens=asdict(move.tokens) if move.tokens else None,
            identity=asdict(identity),
            api_version=move.api_version,
        )
        if made.settings:
            credentials.remove_setup(account_id, made.id)
        settings = {**(row["settings"] or {}), "config": to_document(move.config)}
        credentials.save_settings(account_id, made.id, settings)
        for host in move.hosts:
            if host.crm_id or host.nobody:
                host_user_queries.choose_user(account_id, made.id, host.host, host.crm_id, "")
        bookings = item_queries.mark_in_lane(account_id, made.id) if begins else 0
    old = disconnect(account_id, row) if row["state"] != credentials.DISABLED else Disconnected("", False)
    current = lane_queries.connection_by_id(account_id, made.id)
    assert current is not None
    try:
        refresh(open_lane(account_id, current, hurried=True), force=True)
    finally:
        watch.ask_to_check(made.id)
        lane_queries.wake(made.id)
    connected = Connected(made.id, made.public_id, identity, move.api_version, begins, None, bookings)
    return connected, old
