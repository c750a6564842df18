"""Connecting a CRM: sign in, learn who we are, install our fields where asked, start the lane; and disconnecting."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import structlog
from attrs import asdict, frozen
from django.conf import settings
from django.db import transaction

from instep.core.errors import InputError, InstepError, NeedsAdmin, Scope
from instep.crm.oauth import BY_HAND, Tokens
from instep.crm.port import Crm, Identity
from instep.crm.vendors import Keeper, Vendor, vendor_of
from instep.engine import watch
from instep.engine.lane import Lane, open_crm, open_lane, refresh, token_lock
from instep.store import credentials, item_queries, lane_queries

log = structlog.get_logger(__name__)


@frozen
class Connected:
    """A connection as made: who we are there, what is installed, and how many bookings were marked.

    `made` says that its lane begins: it is new, or it was disconnected before.
    """

    connection_id: int
    public_id: str
    identity: Identity
    api_version: str
    made: bool
    installed: Mapping[str, Any] | None
    bookings: int


@frozen
class SignIn:
    """What a sign-in must turn out to be. Empty and None expect nothing."""

    #: tokens that the browser's sign-in gave; None: the entered credentials sign in by themselves
    tokens: Tokens | None = None
    org_id: str = ""
    sandbox: bool | None = None


def connect(
    account_id: int,
    vendor_name: str,
    entered: Mapping[str, str],
    *,
    api_version: str = "",
    install: bool = False,
    sign_in: SignIn | None = None,
    hurried: bool = False,
) -> Connected:
    """Connect a CRM with what an admin entered; connecting the same org again renews the connection.

    `hurried`: a person waits for the page. Raises `InputError` for an address or version that cannot be
    used, `NeedsAdmin` for a refused sign-in and for an org that `sign_in` did not expect.
    """
    vendor = vendor_of(vendor_name)
    kept = vendor.prepare(entered, settings.INSTEP.private_hosts)
    crm, identity, tokens = sign_in_with(vendor, kept, api_version, sign_in or SignIn(), hurried)
    # a sign-in that may not see the users is refused before anything is kept: half a connection would stay behind
    crm.users()
    before = _tokens_before(account_id, vendor_name, identity.org_id)
    with transaction.atomic():
        row, begins = credentials.keep_connection(
            account_id,
            vendor_name,
            identity.org_id,
            name=identity.org_name,
            url=kept["url"],
            credentials=kept,
            tokens=asdict(tokens) if tokens else None,
            identity=asdict(identity),
            api_version=crm.api_version,
        )
        # a renewed connection has its marks already; in one transaction, or a crash would leave a lane
        # that looks well and has nothing to do
        bookings = item_queries.mark_in_lane(account_id, row.id) if begins and not install else 0
    lane_queries.count_calls(account_id, row.id, len(crm.calls), 0)
    lane_queries.clear_alerts(account_id, row.id)
    _forget_approval(vendor, kept, before, tokens)
    installed = None
    try:
        lane = _lane(account_id, row.id, hurried)
        installed = install_fields(lane) if install else None
        refresh(lane, force=True)
    finally:
        if install:
            # new fields may change what every booking should say; without them it is written all the same
            bookings = item_queries.mark_in_lane(account_id, row.id)
        # what is so from the beginning is what the watch compares with
        watch.ask_to_check(row.id)
        lane_queries.wake(row.id)
    return Connected(row.id, row.public_id, identity, crm.api_version, begins, installed, bookings)


def sign_in_with(
    vendor: Vendor, kept: Mapping[str, Any], api_version: str, expected: SignIn, hurried: bool
) -> tuple[Crm, Identity, Tokens | None]:
    """A client that works, who it is there, and its tokens; nothing is kept yet."""
    had: list[Tokens] = [expected.tokens] if expected.tokens else []
    keeper = Keeper(
        load=lambda: had[-1] if had else None,
        save=lambda new, previous: had.append(new),
        lock=nullcontext,
    )
    crm = vendor.open(kept, expected.org_id, api_version, keeper, hurried)
    identity = crm.whoami()
    if expected.sandbox is not None and identity.sandbox is not expected.sandbox:
        raise NeedsAdmin(
            f"{identity.org_name} is a {_kind(identity.sandbox)} org, but you chose {_kind(expected.sandbox)}.",
            code="wrong_environment",
            cure=f"Choose {_kind(identity.sandbox)}, or sign in to the other org.",
            scope=Scope.CONNECTION,
        )
    return crm, identity, had[-1] if had else None


def _tokens_before(account_id: int, vendor: str, org_id: str) -> tuple[Mapping[str, Any], Tokens | None]:
    """(what was entered, the tokens) of the connection to that org until now."""
    row = lane_queries.connection_of_org(account_id, vendor, org_id)
    if row is None:
        return {}, None
    entered, tokens, _ = _secrets_of(account_id, int(row["id"]))
    return entered, tokens


def _forget_approval(
    vendor: Vendor,
    kept: Mapping[str, Any],
    before: tuple[Mapping[str, Any], Tokens | None],
    tokens: Tokens | None,
) -> None:
    """Have the CRM forget the sign-in that a new one replaces.

    Approvals of a user are few: each one left behind would push out another, without a word (reference 1.4).
    """
    entered, old = before
    same_app = entered.get("client_id") == kept.get("client_id")
    if old is None or not old.refresh_token or tokens is None or not same_app:
        return
    if old.refresh_token == tokens.refresh_token:
        return
    try:
        vendor.revoke(entered, old)
    except InstepError as error:
        log.info("connecting.old_sign_in_stays", reason=error.message)


def _kind(sandbox: bool) -> str:
    return "sandbox" if sandbox else "production"


def _lane(account_id: int, connection_id: int, hurried: bool) -> Lane:
    row = lane_queries.connection_by_id(account_id, connection_id)
    assert row is not None
    return open_lane(account_id, row, hurried=hurried)


def install_fields(lane: Lane) -> Mapping[str, Any]:
    """Create the connector's fields in the CRM and keep what is there now."""
    crm = open_crm(lane.account_id, lane.row)
    report = crm.install()
    kept = {**(lane.row["installed"] or {}), **report, "install_error": None}
    credentials.save_installed(lane.account_id, lane.id, kept)
    lane.row = {**lane.row, "installed": kept}
    lane_queries.count_calls(lane.account_id, lane.id, len(crm.calls), 0)
    return report


@frozen
class Disconnected:
    """What became of the tokens: `problem` says why the CRM was not told to forget them, or is empty.

    `by_hand`: nothing failed, the CRM ends such a secret for its owner only; `cure` says where.
    """

    public_id: str
    revoked: bool
    problem: str = ""
    by_hand: bool = False
    cure: str = ""


def disconnect(account_id: int, row: Mapping[str, Any], *, remove_setup: bool = False) -> Disconnected:
    """Stop a connection's lane, revoke its tokens at the CRM where possible, and delete them here.

    Setup, links and receipts stay: connecting the same org again goes on with them. `remove_setup` puts the setup
    aside, from where `restore_setup` brings it back for a while. Raises `InputError` when it is disconnected already.
    """
    connection_id = int(row["id"])
    with token_lock(connection_id):
        # inside the lock: a refresh under way would hand out a token that nobody revokes
        current = lane_queries.connection_by_id(account_id, connection_id)
        if current is None or current["state"] == credentials.DISABLED:
            raise InputError("This connection is disconnected already.", code="NOT_CONNECTED")
        kept, tokens, problem = _secrets_of(account_id, connection_id)
        credentials.disable(account_id, connection_id)
        if remove_setup:
            credentials.remove_setup(account_id, connection_id)
    lane_queries.clear_alerts(account_id, connection_id)
    if tokens is None:
        return Disconnected(row["public_id"], False, problem)
    try:
        vendor_of(row["vendor"]).revoke(kept, tokens)
    except InstepError as error:
        return Disconnected(row["public_id"], False, error.message, error.code == BY_HAND, error.cure)
    return Disconnected(row["public_id"], True)


def restore_setup(account_id: int, row: Mapping[str, Any]) -> None:
    """Put back the setup that was removed; a connection at work compares every booking with it.

    Raises `InputError` when there is none to put back any more.
    """
    connection_id = int(row["id"])
    if not credentials.restore_setup(account_id, connection_id):
        raise InputError("There is no removed setup of this connection any more.", code="NO_SETUP")
    if row["state"] != credentials.DISABLED:
        item_queries.mark_in_lane(account_id, connection_id)
        lane_queries.wake(connection_id)


def _secrets_of(account_id: int, connection_id: int) -> tuple[Mapping[str, Any], Tokens | None, str]:
    """(what was entered, the tokens, why they cannot be read)."""
    try:
        tokens = credentials.load_tokens(account_id, connection_id)
        entered = {**credentials.load(account_id, connection_id), "allow": settings.INSTEP.private_hosts}
        return entered, Tokens(**tokens) if tokens else None, ""
    except InstepError as error:
        return {}, None, error.message
