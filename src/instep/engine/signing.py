"""The account's own key for sign-ins without a person (JWT bearer): made when it is first asked for.

A connection keeps the key that it signs in with. A new key of the account is used by nobody before somebody says so:
its certificate has to be in the CRM's app first.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import asdict, frozen

from instep.core.errors import InputError, InstepError, NeedsAdmin
from instep.crm.oauth import JWT_BEARER
from instep.crm.salesforce.jwt_bearer import CertificateFacts, SigningKey, facts_of, new_signing_key
from instep.engine.connecting import Connected, SignIn, connect
from instep.store import credentials, signing_keys
from instep.store.encryption import KEYS_LOST


def signing_key(account_id: int) -> SigningKey:
    """The account's key and certificate. Raises `NeedsAdmin` where they can no longer be read."""
    try:
        kept = signing_keys.load(account_id)
    except NeedsAdmin as error:
        if error.code != KEYS_LOST:
            raise
        raise NeedsAdmin(
            "The key behind Instep's certificate can no longer be read: the installation's keys were lost.",
            cure="Make a new certificate, and upload it in Salesforce in place of the old one.",
            code=KEYS_LOST,
        ) from None
    if kept is None:
        kept = signing_keys.keep(account_id, asdict(new_signing_key(datetime.now(UTC))), replace=False)
    return SigningKey(**kept)


def replace_signing_key(account_id: int) -> SigningKey:
    """A new key and certificate. Connections go on with theirs until `use_signing_key`, or they connect again."""
    made = asdict(new_signing_key(datetime.now(UTC)))
    return SigningKey(**signing_keys.keep(account_id, made, replace=True))


@frozen
class Certificates:
    """What a connection signs in with (None: a key that is not the account's) and what waits to take its place."""

    used: CertificateFacts | None = None
    waiting: CertificateFacts | None = None


def certificates_of(account_id: int, row: Mapping[str, Any]) -> Certificates | None:
    """The certificates of a connection; None where it signs in otherwise, or its keys are lost."""
    try:
        entered = credentials.load(account_id, int(row["id"]))
        if entered.get("grant") != JWT_BEARER:
            return None
        ours = signing_key(account_id)
    except InstepError:
        return None
    facts = facts_of(ours.certificate)
    if entered.get("private_key") == ours.private_key:
        return Certificates(used=facts)
    return Certificates(waiting=facts)


def use_signing_key(account_id: int, row: Mapping[str, Any]) -> Connected:
    """Sign in with the account's present key, and go on with it once that has worked; until then the old one serves.

    Raises `InputError` for a connection that signs in otherwise, and whatever the sign-in raises.
    """
    entered = credentials.load(account_id, int(row["id"]))
    if entered.get("grant") != JWT_BEARER:
        raise InputError("This connection signs in without a certificate.", code="NOT_JWT")
    new = signing_key(account_id)
    wanted = {name: str(entered.get(name) or "") for name in ("url", "client_id", "grant", "username")}
    wanted["private_key"] = new.private_key
    return connect(account_id, row["vendor"], wanted, sign_in=SignIn(org_id=str(row["org_id"])), hurried=True)
