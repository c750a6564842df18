"""Salesforce as data: what the pure code needs to know of its objects, and the default mapping.

Default mapping: reference OnceHub 2.4. Event start and end are never mapped: Instep sets them itself.
"""

from __future__ import annotations

from instep.core.catalogue import SHOW_AS
from instep.core.mapping import Row
from instep.core.profile import (
    ActivityObject,
    CaseObject,
    CompanyObject,
    Conversion,
    Employer,
    PersonObject,
    Profile,
    Twin,
)
from instep.crm.salesforce import names

_PERSON_ROWS = (
    Row("contact.first_name", "FirstName"),
    Row("contact.last_name", "LastName"),
    Row("contact.email", "Email"),
    Row("contact.phone", "Phone"),
    Row("contact.mobile_phone", "MobilePhone"),
)

_LEAD = PersonObject(
    name=names.LEAD,
    key_field=names.CONTACT_ID,
    email_field="Email",
    phone_fields=("Phone", "MobilePhone"),
    owner_field="OwnerId",
    name_field="Name",
    name_parts=names.NAME_PARTS,
    conversion=Conversion(
        "IsConverted", "ConvertedContactId", "ConvertedContact", names.CONTACT, "ConvertedAccount"
    ),
    link="lead",
    id_prefix="00Q",
    merged_into="MasterRecord",
)
_CONTACT = PersonObject(
    name=names.CONTACT,
    key_field=names.CONTACT_ID,
    email_field="Email",
    phone_fields=("Phone", "MobilePhone"),
    owner_field="OwnerId",
    name_field="Name",
    name_parts=names.NAME_PARTS,
    link="contact",
    id_prefix="003",
    merged_into="MasterRecord",
    employer=Employer("AccountId", "Account"),
    companions=True,
)
#: an Account with a Contact behind it; its mapping is the Contacts' (reference 3.5)
_PERSON_ACCOUNT = PersonObject(
    name=names.ACCOUNT,
    key_field=names.CONTACT_ID.removesuffix("__c") + "__pc",
    email_field="PersonEmail",
    phone_fields=("Phone", "PersonMobilePhone"),
    owner_field="OwnerId",
    name_field="Name",
    name_parts=names.NAME_PARTS,
    link="contact",
    id_prefix="003",
    merged_into="MasterRecord",
    twin=Twin(
        of=names.CONTACT,
        flag="IsPersonAccount",
        id_field="PersonContactId",
        prefix="Person",
        same=frozenset(
            {"FirstName", "LastName", "MiddleName", "Suffix", "Salutation", "Phone", "Fax", "Description"}
        ),
        custom=("__c", "__pc"),
    ),
    upsert=False,
)

PROFILE = Profile(
    vendor="salesforce",
    label="Salesforce",
    persons=(_LEAD, _CONTACT, _PERSON_ACCOUNT),
    activity=ActivityObject(
        name=names.EVENT,
        key_field=names.BOOKING_ID,
        start_field="StartDateTime",
        end_field="EndDateTime",
        owner_field="OwnerId",
        person_field="WhoId",
        subject_field="Subject",
        # events made through the API may inherit a reminder that nobody asked for
        at_creation={"IsReminderSet": False},
        about_field="WhatId",
        people_field="EventWhoIds",
        body_field="Description",
    ),
    modified_field="LastModifiedDate",
    created_field="CreatedDate",
    default_rows={
        names.LEAD: (*_PERSON_ROWS[:2], Row("contact.company", "Company"), *_PERSON_ROWS[2:]),
        names.CONTACT: _PERSON_ROWS,
        names.ACCOUNT: (Row("contact.company", "Name"), Row("contact.phone", "Phone")),
        names.EVENT: (
            Row("meeting.subject", "Subject"),
            Row("meeting.location", "Location"),
            Row("meeting.summary_long", "Description"),
            Row("meeting.status", names.EVENT_STATUS),
            Row("meeting.reason", names.REASON),
            # a canceled meeting is kept, and must not block its host's calendar
            Row(SHOW_AS, names.SHOW_AS),
        ),
        names.CASE: (
            Row("meeting.subject", "Subject"),
            Row("meeting.note", "Description"),
            Row("contact.name", "SuppliedName"),
            Row("contact.email", "SuppliedEmail"),
            Row("contact.phone", "SuppliedPhone"),
            Row("contact.company", "SuppliedCompany"),
        ),
    },
    company=CompanyObject(name=names.ACCOUNT, name_field="Name", owner_field="OwnerId"),
    case=CaseObject(
        name=names.CASE,
        key_field=names.BOOKING_ID,
        owner_field="OwnerId",
        person_field="ContactId",
        person_relationship="Contact",
        family=names.CONTACT,
        link="case",
        id_prefix="500",
        merged_into="MasterRecord",
    ),
    record_type_field="RecordTypeId",
    process_fields={names.LEAD: "Status", names.CASE: "Status"},
    assigned=names.ASSIGNED_BY_RULES - {names.ACCOUNT},
    duplicate_rules=True,
    required_of_people="required on the page layout only",
)
