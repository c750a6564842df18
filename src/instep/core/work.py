"""What planning works on: one item, what it is linked to, and what we remember of the CRM's records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from attrs import field, fields, frozen

from instep.core.booking import Booking
from instep.core.contact import Contact
from instep.core.profile import Profile


@frozen
class Link:
    """The records that an item is tied to for life; empty strings where there is none yet."""

    person_object: str = ""
    person_id: str = ""
    activity_id: str = ""
    case_id: str = ""
    #: the company of a person whom we made
    company_id: str = ""

    def records(self, profile: Profile) -> tuple[tuple[str, str], ...]:
        """(object, id) of every record that it names."""
        named = [(self.person_object, self.person_id), (profile.activity.name, self.activity_id)]
        named += [(profile.case.name, self.case_id)] if profile.case else []
        named += [(profile.company.name, self.company_id)] if profile.company else []
        return tuple(key for key in named if key[1])


def link_of(kept: Mapping[str, Any]) -> Link:
    """A link as it was kept with an item; what an older version did not know is empty."""
    return Link(**{name: str(kept[name]) for name in _OF_LINK if kept.get(name)})


_OF_LINK = tuple(a.name for a in fields(Link))


@frozen
class Work:
    """One item to bring in step: a booking with its contact, or a contact alone.

    `item` is its stable name ("booking:BKNG-…", "contact:CTC-…"). `settled`: it was in step, and the booking has
    not changed since: it is due because rules or the CRM's users changed. `before` is the record (object, id) that the
    contact's last item was linked to: read along, for it may have been merged into the one to use.
    """

    item: str
    contact: Contact | None
    booking: Booking | None = None
    link: Link = field(factory=Link)
    held: bool = False
    settled: bool = False
    before: tuple[str, str] = ("", "")

    @cached_property
    def stamp(self) -> tuple[datetime, str]:
        """Orders the items of one person: the newest transition speaks for booking-fed rows."""
        at = self.booking.updated_at if self.booking else None
        return (at or datetime.min.replace(tzinfo=UTC), self.item)

    @cached_property
    def spoke(self) -> str:
        """`stamp` as text that sorts alike (by code point), empty for an item without a booking."""
        if self.booking is None:
            return ""
        at, item = self.stamp
        return f"{at.astimezone(UTC).isoformat(timespec='microseconds')}|{item}"


@frozen
class Sent:
    """What we last wrote into one field, or found there already, and the source value it came from.

    `spoke` is the stamp of the booking that a booking-fed value came from, as text that sorts like it.
    """

    value: Any
    source_value: str = ""
    stand_in: bool = False
    spoke: str = ""


@frozen
class Known:
    """What we remember of one CRM record: its values as last seen, and what we wrote ourselves."""

    snapshot: Mapping[str, Any] = field(factory=dict)
    sent: Mapping[str, Sent] = field(factory=dict)
    made_by_us: bool = False


def sent_document(known: Known) -> dict[str, dict[str, Any]]:
    """What we wrote into a record's fields, as it is kept: only what neither the snapshot nor the value says.

    By field: `value` where the snapshot has another, `source_value` where it is not the value, `stand_in` and `spoke`
    where they are set. Most fields hold what we wrote, and most values are what the source says: saying it three times
    would take most of what a batch has to save.
    """
    document = {}
    for name, sent in known.sent.items():
        kept: dict[str, Any] = {}
        seen = known.snapshot.get(name)
        if type(seen) is not type(sent.value) or seen != sent.value:
            kept["value"] = sent.value
        if sent.source_value != sent.value:
            kept["source_value"] = sent.source_value
        if sent.stand_in:
            kept["stand_in"] = True
        if sent.spoke:
            kept["spoke"] = sent.spoke
        document[name] = kept
    return document


def sent_of(document: Mapping[str, Mapping[str, Any]], snapshot: Mapping[str, Any]) -> dict[str, Sent]:
    """What we wrote into a record's fields, out of `sent_document` and the snapshot kept with it."""
    found = {}
    for name, kept in document.items():
        value = kept.get("value", snapshot.get(name))
        source_value = kept.get("source_value", value)
        found[name] = Sent(value, source_value, kept.get("stand_in", False), kept.get("spoke", ""))
    return found


@frozen
class Quarantined:
    """A value that the CRM refused for one field of one record. An empty `value` means any value."""

    value: str
    message: str
    code: str = ""


#: (object, record key, field); the record key is a CRM id, our own id before creation, or "*"
QuarantineKey = tuple[str, str, str]


@frozen
class Memory:
    """All that is remembered for a batch. `waiting` maps a parent's `ref` to why it is not written now.

    `fragile` names parents (people, companies, cases) that were refused before in this drain: their children travel
    alone. `duplicates` maps the `ref` of a new record, which a duplicate rule of the CRM has refused, to the records
    (object, id) that the rule names; to none while it has not named them: the record is then sent alone.
    `demanded` are the fields (object, id, name) without which the CRM took no change of a record.
    """

    known: Mapping[tuple[str, str], Known] = field(factory=dict)
    quarantine: Mapping[QuarantineKey, Quarantined] = field(factory=dict)
    waiting: Mapping[str, str] = field(factory=dict)
    fragile: frozenset[str] = frozenset()
    duplicates: Mapping[str, tuple[tuple[str, str], ...]] = field(factory=dict)
    demanded: frozenset[tuple[str, str, str]] = frozenset()

    def refused(self, object_name: str, keys: tuple[str, ...], name: str, value: str) -> str:
        """The CRM's message if this value of this field is in quarantine, else an empty text."""
        if not self.quarantine:
            return ""
        for key in (*keys, "*"):
            entry = self.quarantine.get((object_name, key, name))
            if entry is not None and (not entry.value or entry.value == value):
                return entry.message
        return ""
