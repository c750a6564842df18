"""Which contact a booking belongs to, and what its facts say of people.

Identity is the e-mail of the newest form that has one, else the E.164 mobile number of the newest form with
one, else the booking itself. A number belongs to whoever named it first by the facts' own order, so that
the order in which events arrive decides nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from attrs import frozen

from instep.core.contact import (
    CUSTOM,
    Fields,
    identity_email,
    identity_mobile,
    merge,
    stamped,
    tidy_email,
    values_of,
)
from instep.core.fold import Form, Snapshot, newest_said
from instep.store import convert, people_queries
from instep.store.models import public_id


class By(Enum):
    """What a person is known by."""

    EMAIL = "email_key"
    MOBILE = "mobile_key"
    BOOKING = "identity_booking"


@frozen
class Identity:
    """Who a person is to us."""

    by: By
    key: str


@frozen
class Person:
    """The contact of a booking: its key and public id, and whether its values have just changed."""

    key: int
    public_id: str
    changed: bool


def resolve(
    account_id: int, facts_of: Mapping[str, Sequence[Snapshot]], now: datetime
) -> dict[str, Person | None]:
    """The contact of each booking, made or brought up to date with what all its facts say.

    `facts_of` holds each booking's facts from oldest to newest. None where nobody filled in a form.
    """
    identities = _identities(account_id, facts_of)
    said: dict[Identity, Fields] = {}
    for booking_id, facts in facts_of.items():
        for snapshot in facts:
            speaker = _speaker(snapshot, identities[booking_id])
            if speaker is not None and snapshot.form is not None:
                said[speaker] = merge(said.get(speaker, {}), _said_by(snapshot, snapshot.form))
    people = _keep(account_id, said, now)
    return {
        booking_id: people[identity] if identity is not None else None
        for booking_id, identity in identities.items()
    }


def said_mobiles(snapshots: Collection[Snapshot]) -> set[str]:
    """The mobile numbers that these facts name."""
    return {key for s in snapshots if s.form and (key := identity_mobile(s.form.mobile_phone))}


def _identities(account_id: int, facts_of: Mapping[str, Sequence[Snapshot]]) -> dict[str, Identity | None]:
    found = {booking_id: _identity(booking_id, facts) for booking_id, facts in facts_of.items()}
    mobiles = {i.key for i in found.values() if i is not None and i.by is By.MOBILE}
    if not mobiles:
        return found
    owners = people_queries.mobile_owners(account_id, mobiles)
    return {
        booking_id: Identity(By.EMAIL, owners[i.key]) if i and i.by is By.MOBILE and owners.get(i.key) else i
        for booking_id, i in found.items()
    }


def _identity(booking_id: str, facts: Sequence[Snapshot]) -> Identity | None:
    def email(snapshot: Snapshot) -> str | None:
        return (identity_email(snapshot.form.email) or None) if snapshot.form else None

    def mobile(snapshot: Snapshot) -> str | None:
        return (identity_mobile(snapshot.form.mobile_phone) or None) if snapshot.form else None

    if key := newest_said(facts, email):
        return Identity(By.EMAIL, key)
    if key := newest_said(facts, mobile):
        return Identity(By.MOBILE, key)
    if newest_said(facts, lambda s: s.form):
        return Identity(By.BOOKING, booking_id)
    return None


def _speaker(snapshot: Snapshot, of_booking: Identity | None) -> Identity | None:
    """Whom a fact speaks of: whoever has its own e-mail, so that a booking handed on mixes no two people."""
    key = identity_email(snapshot.form.email) if snapshot.form else ""
    return Identity(By.EMAIL, key) if key else of_booking


def _said_by(snapshot: Snapshot, form: Form) -> Fields:
    values: dict[str, Any] = {
        "email": tidy_email(form.email),
        "name": form.name if form.name.strip() else "",
        "phone": form.phone.strip(),
        "mobile_phone": form.mobile_phone.strip(),
        "company": form.company if form.company.strip() else "",
        "time_zone": snapshot.time_zone or "",
        **{CUSTOM + name: value for name, value in form.custom.items()},
    }
    return stamped(values, snapshot.stamp)


def _keep(account_id: int, said: Mapping[Identity, Fields], now: datetime) -> dict[Identity, Person]:
    keys = {by: [i.key for i in said if i.by is by] for by in By}
    stored: dict[Identity, people_queries.ContactRow] = {}
    for row in people_queries.lock_contacts(account_id, keys[By.EMAIL], keys[By.MOBILE], keys[By.BOOKING]):
        stored.update({Identity(By.EMAIL, key): row for key in row.email_keys})
        stored[Identity(By.MOBILE, row.mobile_key)] = row
        stored[Identity(By.BOOKING, row.identity_booking)] = row
    people: dict[Identity, Person] = {}
    changes, additions = [], {}
    for identity, fields in said.items():
        row = stored.get(identity)
        if row is None:
            additions[identity] = _entry(identity, fields)
            continue
        before = convert.fields_of(row.fields)
        after = merge(before, fields)
        changed = values_of(after) != values_of(before)
        people[identity] = Person(row.key, row.public_id, changed)
        if after != before:
            changes.append(
                {
                    "key": row.key,
                    "email": values_of(after).get("email", ""),
                    "email_key": row.email_key,
                    "fields": convert.fields_json(after),
                    "changed": changed,
                }
            )
    people_queries.change_contacts(account_id, changes, now)
    made = people_queries.add_contacts(account_id, list(additions.values()), now)
    for identity, entry in additions.items():
        people[identity] = Person(made[entry["public_id"]], entry["public_id"], True)
    return people


def _entry(identity: Identity, fields: Fields) -> dict[str, Any]:
    return {
        "public_id": public_id("CTC"),
        "email": values_of(fields).get("email", ""),
        "fields": convert.fields_json(fields),
        **{by.value: identity.key if by is identity.by else "" for by in By},
    }
