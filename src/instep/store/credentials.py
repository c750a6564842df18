"""Connections and their secrets: what an admin entered and the tokens in use, encrypted at rest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from instep.core.errors import InputError, NeedsAdmin, Scope
from instep.store import encryption
from instep.store.models import Connection, HostUser
from instep.store.statements import run

#: what the crash-safe store keeps beside the tokens in use: rotation makes the old one the last hope
_PREVIOUS = "previous"

CONNECTED, DISABLED = "connected", "disabled"

#: how long a setup that was removed can be put back
KEPT_ASIDE = timedelta(days=30)


def load(account_id: int, connection_id: int) -> dict[str, Any]:
    """What the admin entered for a connection. Raises `NeedsAdmin` "reconnect" when the keys are lost."""
    return entered_in(_one(account_id, connection_id).credentials)


def load_tokens(account_id: int, connection_id: int) -> dict[str, str] | None:
    """The tokens in use as they were saved, or None when there are none yet."""
    return tokens_in(_one(account_id, connection_id).tokens)


def entered_in(sealed: bytes | memoryview) -> dict[str, Any]:
    """`load` from a connection's row that is at hand."""
    return _opened(sealed)


def tokens_in(sealed: bytes | memoryview) -> dict[str, str] | None:
    """`load_tokens` from a connection's row that is at hand."""
    return {k: v for k, v in _opened(sealed).items() if k != _PREVIOUS} or None


def save_tokens(account_id: int, connection_id: int, new: Mapping[str, str], previous: str) -> None:
    """Keep new tokens durably, and the refresh token before them; called inside the refresh lock.

    A connection that was disconnected meanwhile stays without.
    """
    kept = {**new, _PREVIOUS: previous}
    Connection.objects.filter(account_id=account_id, id=connection_id).exclude(state=DISABLED).update(
        tokens=encryption.encrypt(json.dumps(kept))
    )


def keep_connection(
    account_id: int,
    vendor: str,
    org_id: str,
    *,
    name: str,
    url: str,
    credentials: Mapping[str, Any],
    tokens: Mapping[str, str] | None,
    identity: Mapping[str, Any],
    api_version: str,
) -> tuple[Connection, bool]:
    """Make or renew the connection to an org; its configuration is kept.

    The flag says whether its lane begins: it is new, or it was disconnected and nothing was marked in it since.
    An account has one connection to an org: two would write everything twice.
    """
    with transaction.atomic():
        found, made = Connection.objects.select_for_update().get_or_create(
            account_id=account_id, vendor=vendor, org_id=org_id
        )
        begins = made or found.state == DISABLED
        found.name, found.url, found.api_version = name, url, api_version
        found.identity = dict(identity)
        found.credentials = encryption.encrypt(json.dumps(dict(credentials)))
        found.tokens = encryption.encrypt(json.dumps(dict(tokens))) if tokens else b""
        found.state, found.held_until, found.hold_code, found.hold_reason = CONNECTED, None, "", ""
        found.users_refreshed_at, found.failures = None, 0
        # what the last look met was met by the sign-in before
        found.installed = {key: value for key, value in found.installed.items() if key != "error"}
        found.epoch += 1
        found.save(
            update_fields=[
                "name",
                "url",
                "api_version",
                "identity",
                "credentials",
                "tokens",
                "state",
                "held_until",
                "hold_code",
                "hold_reason",
                "users_refreshed_at",
                "failures",
                "installed",
                "epoch",
            ]
        )
    return found, begins


def disable(account_id: int, connection_id: int) -> None:
    """Stop a lane and forget its secrets. Its setup, links and receipts stay; drains at work are fenced."""
    Connection.objects.filter(account_id=account_id, id=connection_id).update(
        state=DISABLED,
        credentials=b"",
        tokens=b"",
        held_until=None,
        hold_code="",
        hold_reason="",
        failures=0,
        epoch=F("epoch") + 1,
    )


def remove_setup(account_id: int, connection_id: int) -> None:
    """Put a connection's setup aside: settings and chosen users. What was aside before is forgotten."""
    with transaction.atomic():
        run(
            """UPDATE connection c SET removed_at = now(), settings = '{}', epoch = epoch + 1,
                      removed_setup = jsonb_build_object('settings', c.settings, 'hosts',
                          coalesce((SELECT jsonb_agg(jsonb_build_object('host', h.email_key, 'crm_id', h.crm_id,
                                                                        'by', h.chosen_by))
                                      FROM host_user h
                                     WHERE h.account_id = c.account_id AND h.connection_id = c.id), '[]'))
                WHERE account_id = %s AND id = %s""",
            [account_id, connection_id],
        )
        run("DELETE FROM host_user WHERE account_id = %s AND connection_id = %s", [account_id, connection_id])


def restore_setup(account_id: int, connection_id: int) -> bool:
    """Put back a setup that was removed. False when none is aside any more."""
    with transaction.atomic():
        found = Connection.objects.select_for_update().filter(
            account_id=account_id, id=connection_id, removed_at__gt=_oldest()
        )
        row = found.first()
        if row is None:
            return False
        aside = row.removed_setup
        found.update(
            settings=aside.get("settings") or {},
            removed_setup={},
            removed_at=None,
            epoch=F("epoch") + 1,
        )
        HostUser.objects.filter(account_id=account_id, connection_id=connection_id).delete()
        HostUser.objects.bulk_create(
            HostUser(
                account_id=account_id,
                connection_id=connection_id,
                email_key=one["host"],
                crm_id=one["crm_id"],
                chosen_by=one.get("by", ""),
            )
            for one in aside.get("hosts") or ()
        )
    return True


def restorable_until(row: Mapping[str, Any]) -> datetime | None:
    """Until when the setup that was removed can be put back; None where there is none (any more)."""
    at = row["removed_at"]
    return at + KEPT_ASIDE if at is not None and at > _oldest() else None


def forget_removed() -> int:
    """Forget setups that were removed too long ago, of all accounts; how many they were."""
    return Connection.objects.filter(removed_at__lte=_oldest()).update(removed_setup={}, removed_at=None)


def _oldest() -> datetime:
    return datetime.now(UTC) - KEPT_ASIDE


def works_again(account_id: int, connection_id: int) -> bool:
    """The CRM has just answered: a lane that stood still goes on. True when it did stand still."""
    stood = Connection.objects.filter(account_id=account_id, id=connection_id).exclude(state=DISABLED)
    return (
        stood.exclude(state=CONNECTED, hold_code="").update(
            state=CONNECTED, held_until=None, hold_code="", hold_reason="", failures=0
        )
        > 0
    )


def save_settings(account_id: int, connection_id: int, settings: Mapping[str, Any]) -> None:
    """Keep a connection's settings document. A drain that runs with the old one is fenced."""
    Connection.objects.filter(account_id=account_id, id=connection_id).update(
        settings=dict(settings), epoch=F("epoch") + 1
    )


def save_installed(account_id: int, connection_id: int, installed: Mapping[str, Any]) -> None:
    """Keep what the install step found in the CRM."""
    Connection.objects.filter(account_id=account_id, id=connection_id).update(installed=dict(installed))


def save_identity(
    account_id: int, connection_id: int, identity: Mapping[str, Any], used: int | None, allowed: int | None
) -> None:
    """Keep who we are in the CRM, and its API calls of the day where it told them."""
    limits = {"limit_used": used, "limit_allowed": allowed} if used is not None else {}
    Connection.objects.filter(account_id=account_id, id=connection_id).update(
        identity=dict(identity), name=identity["org_name"], **limits
    )


def _one(account_id: int, connection_id: int) -> Connection:
    found = Connection.objects.filter(account_id=account_id, id=connection_id).first()
    if found is None:
        raise InputError("This connection no longer exists.", code="NOT_CONNECTED")
    return found


def _opened(sealed: bytes | memoryview) -> dict[str, Any]:
    if not sealed:
        return {}
    try:
        opened = json.loads(encryption.decrypt(sealed, "The connection's credentials"))
    except NeedsAdmin as error:
        raise NeedsAdmin(error.message, code="reconnect", cure=error.cure, scope=Scope.CONNECTION)
    return dict(opened)
