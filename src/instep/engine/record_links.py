"""Links that name a record of the CRM: reading them, signing them, and whether unsigned ones count.

A signature binds the record ids to one calendar and a moment of expiry. The id decides the object, whatever parameter
it stands in (OnceHub 4.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from attrs import evolve, field, frozen
from django.core.signing import BadSignature, Signer
from django.db import transaction

from instep.core.config_document import to_document
from instep.core.errors import InputError
from instep.core.profile import Profile
from instep.crm.vendors import VENDORS, Vendor
from instep.engine.lane import load_config
from instep.store import connection_queries, credentials, signing_keys

#: the parameter of the signature, and the one that leaves the form out (OnceHub 4.2)
SIGNED, SKIP = "soSigned", "soSkip"
_SALT = "instep.engine.record_links"
#: the last moment that a signature can name, in seconds since 1970
_LAST = 2**33
#: a signed link lives at most so long
LONGEST_LIFE = timedelta(days=365)


class Refused(StrEnum):
    """Why the ids of a link do not count."""

    EXPIRED = "expired"
    FORGED = "forged"
    UNSIGNED = "unsigned"


@frozen
class Named:
    """The records that a link names: `ids` by the names of a booking's record ids, in their long form.

    `refused` says why there are none although the link named some; `signed` that its signature holds.
    """

    ids: Mapping[str, str] = field(factory=dict)
    signed: bool = False
    refused: Refused | None = None


NOBODY = Named()


def parameters() -> tuple[str, ...]:
    """Every parameter that names a record or signs that, as links write them."""
    return (*(name for vendor in VENDORS.values() for name in vendor.link_ids.values()), SIGNED)


def named_by(account_id: int, calendar_id: str, said: Mapping[str, str], now: datetime) -> Named:
    """The records that a link's parameters (`parameters()`, those left out are not there) name."""
    ids = _ids_of(said)
    if not ids:
        return NOBODY
    if signature := said.get(SIGNED, ""):
        refused = _judge(account_id, calendar_id, ids, signature, now)
        return Named(refused=refused) if refused else Named(ids, signed=True)
    # one that is disconnected speaks too: what is booked meanwhile is written once it is back
    if all(load_config(row).unsigned_links for row in connection_queries.every_connection(account_id)):
        return Named(ids)
    return Named(refused=Refused.UNSIGNED)


def _ids_of(said: Mapping[str, str]) -> dict[str, str]:
    """Usable ids by the object that each belongs to; empty parameters and unfilled merge fields are none."""
    ids: dict[str, str] = {}
    for vendor in VENDORS.values():
        for parameter in vendor.link_ids.values():
            record_id = vendor.record_id(said.get(parameter, ""))
            if record_id and (kind := _kind_of(vendor.profile, record_id)):
                ids.setdefault(kind, record_id)
    return ids


def _kind_of(profile: Profile, record_id: str) -> str:
    kinds = {person.id_prefix: person.link for person in profile.persons}
    if profile.case is not None:
        kinds[profile.case.id_prefix] = profile.case.link
    return kinds.get(record_id[:3], "")


# --- signatures ---


def signed_parameters(account_id: int, calendar_id: str, record_id: str, expires: datetime) -> dict[str, str]:
    """The parameters of a signed link to one record. Raises `InputError` for what is no id of a usable object."""
    vendor, kind, long_form = _usable(record_id)
    at = int(expires.timestamp())
    mark = _signer().signature(_payload(account_id, calendar_id, {kind: long_form}, at))
    return {vendor.link_ids[kind]: long_form, SIGNED: f"{at}.{mark}"}


def checked_record(record_id: str) -> str:
    """The long form of an id that a link can carry. Raises `InputError` for anything else."""
    return _usable(record_id)[2]


def _usable(record_id: str) -> tuple[Vendor, str, str]:
    """The CRM of an id, the name of its kind, and its long form."""
    for vendor in VENDORS.values():
        long_form = vendor.record_id(record_id)
        kind = _kind_of(vendor.profile, long_form) if long_form else ""
        if kind:
            return vendor, kind, long_form
    raise InputError(
        f"“{record_id[:40]}” is no id of {_objects()}.",
        cure="Copy it from the record's address, whole: 15 or 18 characters.",
        code="RECORD_ID",
    )


def _objects() -> str:
    """The objects that links can name, in words."""
    names = []
    for vendor in VENDORS.values():
        names += [f"a {p.name}" for p in vendor.profile.persons if p.link and p.twin is None]
        names += [f"a {vendor.profile.case.name}"] if vendor.profile.case else []
    return " or ".join(names)


def _judge(
    account_id: int, calendar_id: str, ids: Mapping[str, str], signature: str, now: datetime
) -> Refused | None:
    moment, _, mark = signature.partition(".")
    at = int(moment) if moment.isascii() and moment.isdigit() and len(moment) <= len(str(_LAST)) else 0
    try:
        _signer().unsign(f"{_payload(account_id, calendar_id, ids, at)}:{mark}")
    except (BadSignature, UnicodeError):
        return Refused.FORGED
    return Refused.EXPIRED if datetime.fromtimestamp(min(at, _LAST), UTC) <= now else None


def _payload(account_id: int, calendar_id: str, ids: Mapping[str, str], at: int) -> str:
    # the number of links that were never revoked is left out: those of earlier versions stay good
    revoked = signing_keys.links_revoked(account_id)
    number = [f"revoked {revoked}"] if revoked else []
    said = (f"{k}={ids[k]}" for k in sorted(ids))
    return "|".join([str(account_id), calendar_id, str(at), *number, *said])


def _signer() -> Signer:
    return Signer(salt=_SALT)


def revoke_signed(account_id: int) -> None:
    """Have no link count that was signed until now, of any calendar of the account."""
    signing_keys.revoke_links(account_id)


# --- the switch ---


def allow_unsigned(account_id: int, row: Mapping[str, Any], allowed: bool) -> None:
    """Say whether links without a signature may name records of this connection. Nothing is written anew."""
    connection_id = int(row["id"])
    with transaction.atomic():
        settings = connection_queries.locked_settings(account_id, connection_id)
        config = evolve(load_config({**row, "settings": settings}), unsigned_links=allowed)
        credentials.save_settings(account_id, connection_id, {**settings, "config": to_document(config)})
