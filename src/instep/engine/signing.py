"""The account's own key for sign-ins without a person (JWT bearer): made when it is first asked for."""

from __future__ import annotations

from datetime import UTC, datetime

from attrs import asdict

from instep.core.errors import NeedsAdmin
from instep.crm.salesforce.jwt_bearer import SigningKey, new_signing_key
from instep.store import signing_keys
from instep.store.encryption import KEYS_LOST


def signing_key(account_id: int) -> SigningKey:
    """The account's key and certificate. A key that can no longer be read is replaced by a new one."""
    try:
        kept = signing_keys.load(account_id)
    except NeedsAdmin as error:
        if error.code != KEYS_LOST:
            raise
        return replace_signing_key(account_id)
    if kept is None:
        kept = signing_keys.keep(account_id, asdict(new_signing_key(datetime.now(UTC))), replace=False)
    return SigningKey(**kept)


def replace_signing_key(account_id: int) -> SigningKey:
    """A new key and certificate. Connections go on with theirs until they are connected again."""
    made = asdict(new_signing_key(datetime.now(UTC)))
    return SigningKey(**signing_keys.keep(account_id, made, replace=True))
