"""What must be read from the CRM to decide, and the shape of what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen


@frozen
class ObjectLookup:
    """One query: records of one object that match ANY of the keys.

    `keys` maps a field's API name to the values wanted (OR-ed); `select` are the fields to read.
    `follow` maps a relationship name to fields read through it (a converted Lead's Contact).
    `include_deleted` asks for deleted and archived rows too. `moments` are keys like `keys`, but of
    date-time fields: a CRM's query language writes those without quotes.
    """

    object: str
    select: tuple[str, ...]
    keys: Mapping[str, tuple[str, ...]] = field(factory=dict)
    follow: Mapping[str, tuple[str, ...]] = field(factory=dict)
    include_deleted: bool = False
    moments: Mapping[str, tuple[str, ...]] = field(factory=dict)


@frozen
class Lookup:
    """Everything one batch must read, at most one entry for each object; `users` are e-mail addresses."""

    objects: tuple[ObjectLookup, ...] = ()
    users: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """True when nothing has to be read."""
        return not self.objects and not self.users


@frozen
class Record:
    """One CRM record as read: wire values by API name. `followed` holds related records read with it.

    `assumed` is True when the values are what we last saw or wrote, not a fresh reading.
    """

    object: str
    id: str
    fields: Mapping[str, Any] = field(factory=dict)
    followed: Mapping[str, Record] = field(factory=dict)
    deleted: bool = False
    assumed: bool = False

    def get(self, name: str) -> Any:
        """The wire value of a field, None when empty or not read."""
        return self.fields.get(name)


@frozen
class CrmUser:
    """A user of the CRM. One who is active and works in the org (`licence` empty) can own records."""

    id: str
    email: str
    active: bool = True
    name: str = ""
    username: str = ""
    licence: str = ""


@frozen
class Observed:
    """What the CRM says now: the records that a lookup found, and the users asked for."""

    records: tuple[Record, ...] = ()
    users: tuple[CrmUser, ...] = ()

    def of(self, object_name: str) -> tuple[Record, ...]:
        """The records of one object, in the order they were read."""
        return tuple(r for r in self.records if r.object == object_name)

    def find(self, object_name: str, record_id: str) -> Record | None:
        """The record with that id, or None."""
        return next((r for r in self.records if r.object == object_name and r.id == record_id), None)
