"""The schema of a small Salesforce org: true standard fields, Instep's own, and one custom field of each type.

A line is `Name type(length) flags`, flags as in Salesforce's documents: n may be empty, c can be created, u can
be updated, d has a default of its own. `scale=` counts decimals; what follows a colon are picklist values,
`restricted` ones take nothing else.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from attrs import evolve

from instep.core.crm_schema import Field, ObjectSchema, PicklistValue, RecordType
from instep.core.desired import Setting
from instep.core.lookup import CrmUser
from instep.core.mapping import Row
from instep.core.rules import Directory, SyncConfig, default_config
from instep.crm.salesforce.names import BOOKING_ID, CONTACT_ID, EVENT_STATUS, REASON
from instep.crm.salesforce.profile import PROFILE

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
CONNECTED = "005000000000099AAA"

_CUSTOM = """
Code__c string(5) ncu
Budget__c currency ncu scale=2
Share__c percent ncu scale=1
Seats__c double ncu scale=0
Since__c date ncu
Last_Meeting__c datetime ncu
Site__c url(255) ncu
Vip__c boolean cud
Tier__c picklist(255) ncu restricted:Gold;Silver
Topics__c multipicklist(255) ncu restricted:Alpha;Beta;Gamma
Story__c textarea(32768) ncu html
"""

_STAMPS = """
CreatedDate datetime d
LastModifiedDate datetime d
OwnerId reference(18) cud
"""

_PERSON = f"""
Id id(18) d
LastName string(80) cu
FirstName string(40) ncu
Salutation picklist(40) ncu:Mr.;Ms.;Dr.
Name string(121) -
Title string(128) ncu
Phone phone(40) ncu
MobilePhone phone(40) ncu
Email email(80) ncu
Description textarea(32000) ncu
{CONTACT_ID} string(255) ncu
MasterRecordId reference(18) n
RecordTypeId reference(18) ncu
{_STAMPS}{_CUSTOM}
"""

_LEAD = f"""
{_PERSON}
Company string(255) cu
City string(40) ncu
NumberOfEmployees int ncu
LeadSource picklist(255) ncu:Web;Other
IsConverted boolean cd
ConvertedContactId reference(18) n
ConvertedAccountId reference(18) n
"""

_CONTACT = f"""
{_PERSON}
MailingCity string(40) ncu
Birthdate date ncu
AccountId reference(18) ncu
"""

_ACCOUNT = f"""
Id id(18) d
Name string(255) cu
Phone phone(40) ncu
Site string(80) ncu
NumberOfEmployees int ncu
MasterRecordId reference(18) n
RecordTypeId reference(18) ncu
{_STAMPS}{_CUSTOM}
"""

_CASE = f"""
Id id(18) d
CaseNumber string(30) -
Subject string(255) ncu
Description textarea(32000) ncu
Status picklist(255) ncud:New;Working;Closed
Origin picklist(255) ncu:Web;Phone
ContactId reference(18) ncu
SuppliedName string(80) ncu
SuppliedEmail email(80) ncu
SuppliedPhone string(40) ncu
SuppliedCompany string(80) ncu
{BOOKING_ID} string(255) ncu
MasterRecordId reference(18) n
RecordTypeId reference(18) ncu
{_STAMPS}{_CUSTOM}
"""

_EVENT = f"""
Id id(18) d
WhoId reference(18) ncu
WhatId reference(18) ncu
RecordTypeId reference(18) ncu
Subject combobox(255) ncu
Location string(255) ncu
StartDateTime datetime ncu
EndDateTime datetime ncu
Description textarea(32000) ncu
ShowAs picklist(40) ncu restricted:Busy;OutOfOffice;Free
IsReminderSet boolean cud
{EVENT_STATUS} picklist(255) ncu
{REASON} textarea(255) ncu
{BOOKING_ID} string(255) ncu
{_STAMPS}{_CUSTOM}
"""

_LINE = re.compile(r"(\w+) (\w+)(?:\((\d+)\))? ([ncud-]+)(?: scale=(\d+))?(?: (restricted|html))?(?::(.*))?")


def _field(line: str) -> Field:
    found = _LINE.fullmatch(line)
    assert found is not None, line
    name, kind, length, flags, scale, mark, values = found.groups()
    return Field(
        name,
        name.removesuffix("__c").replace("_", " "),
        kind,
        length=int(length or 0),
        nillable="n" in flags,
        createable="c" in flags,
        updateable="u" in flags,
        defaulted_on_create="d" in flags,
        precision=18 if scale else 0,
        scale=int(scale or 0),
        restricted=mark == "restricted",
        html=mark == "html",
        picklist=tuple(PicklistValue(v, v) for v in values.split(";")) if values else (),
    )


def _object(name: str, lines: str) -> ObjectSchema:
    fields = (_field(line) for line in lines.splitlines() if line)
    return ObjectSchema(name, name, {f.name: f for f in fields})


#: one record type for each object that has some
TYPES = {name: f"012{n:012d}AAA" for n, name in enumerate(("Lead", "Contact", "Account", "Case", "Event"), 1)}


def _typed(described: ObjectSchema) -> ObjectSchema:
    """The object with a record type that everybody may use."""
    made = RecordType(TYPES[described.name], "Partner", "Partner")
    return evolve(described, record_types=(made,))


SCHEMA = {
    "Lead": _object("Lead", _LEAD),
    "Contact": _object("Contact", _CONTACT),
    "Account": _object("Account", _ACCOUNT),
    "Case": _object("Case", _CASE),
    "Event": _object("Event", _EVENT),
}
SCHEMA = {name: _typed(described) for name, described in SCHEMA.items()}


def user(n: int, email: str) -> CrmUser:
    """An active user of the org."""
    return CrmUser(f"005{n:012d}AAA", email)


def setting(
    rows: dict[str, tuple[Row, ...]] | None = None,
    users: tuple[CrmUser, ...] = (),
    schema: dict[str, ObjectSchema] | None = None,
    **config: Any,
) -> Setting:
    """A connection to the org; objects without rows of their own keep the default mapping."""
    base = default_config(PROFILE)
    chosen: SyncConfig = evolve(base, rows={**base.rows, **(rows or {})}, **config)
    directory = Directory({}, CONNECTED, "Ada Admin").with_users(users)
    return Setting(PROFILE, chosen, schema or SCHEMA, directory, NOW)


def with_field(object_name: str, line: str) -> dict[str, ObjectSchema]:
    """The org with one more field, or with another definition of one."""
    new = _field(line)
    described = SCHEMA[object_name]
    return {**SCHEMA, object_name: evolve(described, fields={**described.fields, new.name: new})}


def without_fields(object_name: str, *names: str) -> dict[str, ObjectSchema]:
    """The org with fields missing, or hidden from us."""
    described = SCHEMA[object_name]
    kept = {name: f for name, f in described.fields.items() if name not in names}
    return {**SCHEMA, object_name: evolve(described, fields=kept)}


#: the record type of person accounts, in the org that has them
PERSON_TYPE = "012000000000009AAA"
_PERSON_FIELDS = f"""
IsPersonAccount boolean d
PersonContactId reference(18) n
LastName string(80) ncu
FirstName string(40) ncu
Salutation picklist(40) ncu:Mr.;Ms.;Dr.
PersonEmail email(80) ncu
PersonMobilePhone phone(40) ncu
PersonTitle string(128) ncu
PersonMailingCity string(40) ncu
Description textarea(32000) ncu
{CONTACT_ID.removesuffix("__c")}__pc string(255) ncu
"""


def with_person_accounts() -> dict[str, ObjectSchema]:
    """The org with person accounts switched on: an Account needs no name, a Contact may be a person's other side."""
    account = SCHEMA["Account"]
    more = {f.name: f for line in _PERSON_FIELDS.splitlines() if line for f in (_field(line),)}
    pairs = {
        f"{f.name.removesuffix('__c')}__pc": f for f in account.fields.values() if f.name.endswith("__c")
    }
    custom = {name: evolve(f, name=name) for name, f in pairs.items()}
    named = {"Name": evolve(account.fields["Name"], nillable=True)}
    person = RecordType(PERSON_TYPE, "Person Account", "PersonAccount")
    return {
        **with_field("Contact", "IsPersonAccount boolean d"),
        "Account": evolve(
            account,
            fields={**account.fields, **named, **custom, **more},
            record_types=(*account.record_types, person),
        ),
    }
