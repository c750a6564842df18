"""What an account signs with: the key of its assertions, encrypted at rest, and the number of its signed links."""

from __future__ import annotations

import json

from django.db.models import F

from instep.store import encryption
from instep.store.models import Account


def load(account_id: int) -> dict[str, str] | None:
    """The key and certificate as they were kept, or None. Raises `NeedsAdmin` when the installation's keys are lost."""
    sealed = Account.objects.values_list("signing_key", flat=True).get(id=account_id)
    if not sealed:
        return None
    return dict(json.loads(encryption.decrypt(sealed, "The account's signing key")))


def keep(account_id: int, key: dict[str, str], *, replace: bool) -> dict[str, str]:
    """Keep a key; without `replace` one that is there already stays. The one that is there now."""
    accounts = Account.objects.filter(id=account_id)
    if not replace:
        accounts = accounts.filter(signing_key=b"")
    accounts.update(signing_key=encryption.encrypt(json.dumps(key)))
    return load(account_id) or key


def links_revoked(account_id: int) -> int:
    """How often the account has revoked its signed links."""
    return Account.objects.values_list("links_revoked", flat=True).get(id=account_id)


def revoke_links(account_id: int) -> None:
    """From now on no link that was signed before counts."""
    Account.objects.filter(id=account_id).update(links_revoked=F("links_revoked") + 1)
