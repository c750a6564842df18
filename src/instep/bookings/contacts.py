"""What people change on a contact. An edit is the newest word on what it names, whatever arrives later."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from instep.core.contact import (
    CUSTOM,
    SETTABLE,
    Contact,
    Fields,
    contact_of,
    identity_email,
    merge,
    tidy_email,
    values_of,
)
from instep.core.errors import InputError
from instep.core.fold import stamp
from instep.store import convert, people_queries, queries, recording

#: above the rank of every fact: of a fact and an edit of the same moment the edit is the newer one
_EDIT_RANK = 99


def edit(account_id: int, contact_id: str, values: Mapping[str, Any], now: datetime) -> Contact:
    """Set values of a contact (by public id) and mark it in every CRM's lane; returns it as it is then.

    Names are those of `core.contact.SETTABLE`, or `custom.<identifier>`. An empty value empties the contact's
    own; a CRM's value is not erased by it. An address that is replaced still leads to the contact. Raises
    `InputError` for an unknown contact or name, and for an address that is unusable or another contact's
    (`matches` then names that one).
    """
    _check_names(values)
    with transaction.atomic():
        address = tidy_email(str(values["email"])) if "email" in values else None
        wanted = _identity(address)
        if wanted:
            recording.lock_names(account_id, [f"email {wanted}"])
        found = people_queries.lock_contacts(account_id, [wanted] if wanted else [], public_id=contact_id)
        row = next((one for one in found if one.public_id == contact_id), None)
        if row is None:
            raise InputError(f"There is no contact {contact_id}.", code="UNKNOWN_CONTACT")
        if len(found) > 1:
            raise InputError(
                f"The address {address} belongs to another contact.",
                cure="Use another address; a contact keeps those that it had before, too.",
                code="EMAIL_TAKEN",
                matches=tuple((queries.CONTACT, one.public_id) for one in found if one is not row),
            )
        before = convert.fields_of(row.fields)
        said = {name: address if name == "email" else value for name, value in values.items()}
        after = merge(before, {name: (value, _newest(before, name, now)) for name, value in said.items()})
        _save(account_id, row, after, wanted if address is not None else row.email_key, now)
        if values_of(after) != values_of(before):
            connections = queries.mark(account_id, queries.CONTACT, {row.key: row.key}, now)
            queries.wake(account_id, connections)
    return contact_of(contact_id, after, now)


def _check_names(values: Mapping[str, Any]) -> None:
    unknown = [n for n in values if n not in SETTABLE and not n.startswith(CUSTOM)]
    if unknown:
        raise InputError(f"A contact has no {', '.join(unknown)}.", code="UNKNOWN_FIELD")
    for name, value in values.items():
        parts = value if isinstance(value, tuple) else (value,)
        if any(not isinstance(part, str) or "\0" in part for part in parts):
            raise InputError(f"{name}: not text, or holds a NUL character.", code="UNUSABLE_TEXT")


def _identity(address: str | None) -> str:
    if not address:
        return ""
    key = identity_email(address)
    if not key:
        raise InputError(f"“{address[:80]}” is not an e-mail address.", code="EMAIL")
    return key


def _newest(before: Fields, name: str, now: datetime) -> str:
    """An order key of this moment, but after what is there: a source's clock may run ahead of ours."""
    mine = stamp(now, now, _EDIT_RANK, "")
    there = before[name][1] if name in before else ""
    return mine if mine > there else there + "~"


def _save(
    account_id: int, row: people_queries.ContactRow, after: Fields, new_key: str, now: datetime
) -> None:
    if row.email_key and new_key != row.email_key:
        people_queries.remember_email(account_id, row.key, row.email_key)
    people_queries.change_contacts(
        account_id,
        [
            {
                "key": row.key,
                "email": values_of(after).get("email", ""),
                "email_key": new_key,
                "fields": convert.fields_json(after),
                "changed": True,
            }
        ],
        now,
    )
