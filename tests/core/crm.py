"""A CRM in memory that keeps and answers values the way Salesforce does. It answers no requests: it is pure data.

What Salesforce would refuse fails the test at once (`WouldBeRefused`): the core must never send it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from attrs import define, field, frozen

from core.org import CONNECTED, NOW, PERSON_TYPE, SCHEMA
from instep.core.changes import Action, Write
from instep.core.crm_schema import Field, ObjectSchema
from instep.core.lookup import CrmUser, Lookup, ObjectLookup, Observed, Record
from instep.core.mapping import is_email
from instep.crm.port import WriteResult
from instep.crm.salesforce.profile import PROFILE

PREFIXES = {"Lead": "00Q", "Contact": "003", "Account": "001", "Case": "500", "Event": "00U"}
#: relationship → the object that it leads to; a merge stays within its object
LEADS_TO = {
    "ConvertedContact": "Contact",
    "ConvertedAccount": "Account",
    "Account": "Account",
    "Contact": "Contact",
}
NUMBERS = {"double", "currency", "percent"}
Row = dict[str, Any]
#: what a person account shares with the Contact behind it, among others
_SHARED = frozenset({"FirstName", "LastName", "Salutation", "Email", "Phone", "MobilePhone", "Title"})


class WouldBeRefused(AssertionError):
    """Salesforce would not take this value."""


@frozen
class Written:
    """One field that came in through the API: what was there before, what is there now."""

    object: str
    id: str
    field: str
    old: Any
    new: Any
    created: bool


def stored(target: Field, value: Any) -> Any:
    """The value as Salesforce keeps it and reads it back."""
    if target.type == "boolean":
        return bool(value)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if target.type == "datetime":
        return datetime.fromisoformat(value).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    if target.type == "date":
        return date.fromisoformat(value).isoformat()
    if target.type == "int":
        if not isinstance(value, int) or abs(value) >= 2**31:
            raise WouldBeRefused(f"{target.name}: {value!r} is no whole number of 32 bits")
        return value
    if target.type in NUMBERS:
        return float(Decimal(str(value)).quantize(Decimal(1).scaleb(-target.scale), ROUND_HALF_UP))
    return _text(target, value)


def _text(target: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise WouldBeRefused(f"{target.name}: {value!r} is no text")
    text = value.replace("\r\n", "\n").strip()
    if target.length and len(text) > target.length:
        raise WouldBeRefused(f"{target.name}: data value too large (max length={target.length})")
    if target.type == "email" and not is_email(text):
        raise WouldBeRefused(f"{target.name}: invalid email address: {text}")
    parts = text.split(";") if target.type == "multipicklist" else [text]
    known = [option.value for option in target.picklist]
    if target.restricted and set(parts) - set(known):
        raise WouldBeRefused(f"{target.name}: bad value for restricted picklist field: {text}")
    if target.type == "multipicklist":
        return ";".join(sorted(parts, key=known.index))
    if target.html:
        # what needs no escaping in HTML text comes back without it
        lines = text.split("<br>")
        return "<br>".join(html.escape(html.unescape(line), quote=False) for line in lines)
    return text.replace("\n", "\r\n") if target.type == "textarea" else text


@define
class MemoryCrm:
    """Records by object and id. `log` tells every field that the API wrote, oldest first."""

    schema: Mapping[str, ObjectSchema] = field(factory=lambda: SCHEMA)
    users: tuple[CrmUser, ...] = ()
    rows: dict[str, dict[str, Row]] = field(factory=lambda: {name: {} for name in PREFIXES})
    deleted: set[str] = field(factory=set)
    log: list[Written] = field(factory=list)
    clock: datetime = NOW

    # -- people ------------------------------------------------------------------------------------

    def add(self, object_name: str, **values: Any) -> str:
        """A record that somebody else made; its id."""
        record_id = f"{PREFIXES[object_name]}{len(self.rows[object_name]) + 1:012d}AAA"
        blank = {f.name: stored(f, None) for f in self.schema[object_name].fields.values()}
        self.rows[object_name][record_id] = {**blank, "Id": record_id, "OwnerId": CONNECTED}
        self.rows[object_name][record_id]["CreatedDate"] = self._tick()
        self.edit(object_name, record_id, **values)
        return record_id

    def edit(self, object_name: str, record_id: str, **values: Any) -> None:
        """A human's change of a record."""
        row = self.rows[object_name][record_id]
        fields = self.schema[object_name].fields
        row.update({name: stored(fields[name], value) for name, value in values.items()})
        if object_name in ("Lead", "Contact"):
            row["Name"] = " ".join(p for p in (row["FirstName"], row["LastName"]) if p)
        row["LastModifiedDate"] = values.get("LastModifiedDate") or self._tick()
        if object_name == "Account" and row.get("RecordTypeId") == PERSON_TYPE:
            self._mirror(row)

    def _mirror(self, account: Row) -> None:
        """The Contact behind a person account says what the account says."""
        account["IsPersonAccount"] = True
        account["Name"] = " ".join(p for p in (account["FirstName"], account["LastName"]) if p)
        if not account["PersonContactId"]:
            account["PersonContactId"] = self.add("Contact", LastName="-")
        contact = self.rows["Contact"][account["PersonContactId"]]
        twin = PROFILE.persons[-1].twin
        assert twin is not None
        names = {name: twin.field_name(name) for name in contact}
        contact |= {
            name: account[other] for name, other in names.items() if other in account and name in _SHARED
        }
        contact |= {"IsPersonAccount": True, "AccountId": account["Id"], "Name": account["Name"]}

    def convert(self, lead_id: str, into: str = "") -> str:
        """Convert a Lead into a Contact, a new one or one that exists; open Events move along."""
        lead = self.rows["Lead"][lead_id]
        shared = {n: lead[n] for n in ("FirstName", "LastName", "Email", "Phone", "Title", "OwnerId")}
        contact_id = into or self.add("Contact", **shared)
        for case in self.rows["Case"].values():
            assert case["ContactId"] != lead_id
        lead |= {"IsConverted": True, "ConvertedContactId": contact_id, "LastModifiedDate": self._tick()}
        for event in self.rows["Event"].values():
            if event["WhoId"] == lead_id:
                event["WhoId"] = contact_id
        return contact_id

    def merge(self, object_name: str, loser: str, master: str) -> None:
        """Merge two records: what referred to the loser refers to the master, and the loser is deleted."""
        self.rows[object_name][loser]["MasterRecordId"] = master
        self.deleted.add(loser)
        references = {"Event": ("WhoId", "WhatId"), "Case": ("ContactId",), "Contact": ("AccountId",)}
        for name, fields in references.items():
            for row in self.rows[name].values():
                row |= {reference: master for reference in fields if row[reference] == loser}
        self.rows[object_name][master]["LastModifiedDate"] = self._tick()

    def alive(self, object_name: str) -> list[Row]:
        """Records that nobody has deleted."""
        return [row for key, row in self.rows[object_name].items() if key not in self.deleted]

    def copy(self) -> dict[str, Row]:
        """Every record without its stamps, to compare whole CRMs; ids as they are."""
        stamps = {"CreatedDate", "LastModifiedDate"}
        rows = [row for name in self.rows for row in self.alive(name)]
        return {row["Id"]: {k: v for k, v in row.items() if k not in stamps} for row in rows}

    def _tick(self) -> str:
        self.clock += timedelta(seconds=1)
        return self.clock.strftime("%Y-%m-%dT%H:%M:%S.000+0000")

    # -- the API -----------------------------------------------------------------------------------

    def observe(self, lookup: Lookup) -> Observed:
        """Answer a look-up: per object, the records that match any key."""
        records = [record for part in lookup.objects for record in self._query(part)]
        asked = {email.lower() for email in lookup.users}
        return Observed(tuple(records), tuple(u for u in self.users if u.email.lower() in asked))

    def _query(self, part: ObjectLookup) -> Iterable[Record]:
        for record_id, row in self.rows[part.object].items():
            gone = record_id in self.deleted
            if (part.include_deleted or not gone) and self._matches(part, row):
                followed = {
                    relation: self.read(row[f"{relation}Id"], LEADS_TO.get(relation, part.object), names)
                    for relation, names in part.follow.items()
                }
                kept = {name: record for name, record in followed.items() if record is not None}
                fields = {name: row[name] for name in ("Id", *part.select)}
                yield Record(part.object, record_id, fields, kept, deleted=gone)

    def _matches(self, part: ObjectLookup, row: Row) -> bool:
        if row["Id"][:15] in {value[:15] for value in part.keys.get("Id", ())}:
            return True
        for name, values in part.keys.items():
            if name != "Id" and str(row[name] or "").lower() in {v.lower() for v in values}:
                return True
        wanted = [(row[name], {_at(v) for v in values}) for name, values in part.moments.items()]
        return any(there and _at(there) in moments for there, moments in wanted)

    def read(self, record_id: str | None, object_name: str, select: Sequence[str]) -> Record | None:
        """One record by its id; None where it is gone."""
        row = self.rows[object_name].get(record_id or "")
        if row is None or record_id in self.deleted:
            return None
        return Record(object_name, row["Id"], {name: row[name] for name in ("Id", *select)})

    def apply(self, writes: Iterable[Write]) -> dict[str, WriteResult]:
        """Take writes in order; the answers by ref."""
        answers: dict[str, WriteResult] = {}
        for write in writes:
            values = {**write.values, **{f: answers[r].id for f, r in write.parents.items()}}
            record_id = write.id
            if write.action is Action.UPSERT:
                assert write.key is not None
                record_id = self._by_key(write.object, *write.key)
                values[write.key[0]] = write.key[1]
            created = not record_id
            if created:
                assert write.action is not Action.UPDATE, f"{write.ref} updates a record without an id"
                record_id = self.add(write.object)
            self._write(write.object, record_id, values, created)
            answers[write.ref] = WriteResult(write.ref, record_id, created)
        return answers

    def _by_key(self, object_name: str, name: str, value: str) -> str:
        found = [r["Id"] for r in self.alive(object_name) if str(r[name] or "").lower() == value.lower()]
        return next(iter(found), "")

    def _write(self, object_name: str, record_id: str, values: Row, created: bool) -> None:
        row = self.rows[object_name].get(record_id)
        if row is None or record_id in self.deleted:
            raise WouldBeRefused(f"{record_id}: entity is deleted")
        if row.get("IsConverted"):
            raise WouldBeRefused(f"{record_id}: cannot reference converted lead")
        if object_name == "Contact" and row.get("IsPersonAccount"):
            raise WouldBeRefused(f"{record_id}: is changed through its Account")
        person = (values if created else row).get("RecordTypeId") == PERSON_TYPE
        theirs = {n for n in values if n.startswith("Person") or n.endswith("__pc") or n == "LastName"}
        if object_name == "Account" and (theirs if not person else "Name" in values):
            raise WouldBeRefused(f"{record_id}: bad field names on insert/update call")
        before = dict(row)
        for name in values:
            target = self.schema[object_name].fields[name]
            if not (target.createable if created else target.updateable):
                raise WouldBeRefused(f"{object_name}.{name}: not writable")
        self.edit(object_name, record_id, **values)
        self._check(object_name, row, values, created)
        self.log += [
            Written(object_name, record_id, name, before[name], row[name], created) for name in values
        ]

    def _check(self, object_name: str, row: Row, values: Row, created: bool) -> None:
        for target in self.schema[object_name].required():
            # whoever was there before a field was required lacks it; what a CRM says of that is the engine's matter
            if row[target.name] is None and (created or target.name in values):
                raise WouldBeRefused(f"Required fields are missing: [{target.name}]")
        if object_name == "Account" and not row["Name"]:
            raise WouldBeRefused("Required fields are missing: [Name]")
        if object_name == "Case" and row["ContactId"] and row["ContactId"] not in self._living("Contact"):
            raise WouldBeRefused(f"ContactId: {row['ContactId']} is no living Contact")
        if object_name == "Contact" and row["AccountId"] and row["AccountId"] not in self._living("Account"):
            raise WouldBeRefused(f"AccountId: {row['AccountId']} is no living Account")
        if object_name != "Event":
            return
        if row["WhatId"] and str(row["WhoId"]).startswith("00Q"):
            raise WouldBeRefused("WhatId: not with a Lead")
        if "WhatId" in values and row["WhatId"] and row["WhatId"] not in self._living("Case"):
            raise WouldBeRefused(f"WhatId: {row['WhatId']} is no living Case")
        if ("StartDateTime" in values) != ("EndDateTime" in values):
            raise WouldBeRefused("an Event's start and end travel together")
        if row["StartDateTime"] > row["EndDateTime"]:
            raise WouldBeRefused("End before start")
        who = values.get("WhoId")
        if who and not any(r["Id"] == who and not r.get("IsConverted") for r in self._people()):
            raise WouldBeRefused(f"WhoId: {who} is no living person")

    def _living(self, object_name: str) -> set[str]:
        return {row["Id"] for row in self.alive(object_name)}

    def _people(self) -> list[Row]:
        return [*self.alive("Lead"), *self.alive("Contact")]

    def people(self, email: str) -> list[Row]:
        """Living persons with that address, converted Leads left out."""
        rows = [r for r in self._people() if not r.get("IsConverted")]
        return [r for r in rows if str(r["Email"] or "").lower() == email.lower()]


def _at(text: str) -> datetime:
    return datetime.fromisoformat(re.sub(r"Z$", "+00:00", text)).astimezone(UTC)
