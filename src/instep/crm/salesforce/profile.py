"""Salesforce as data: what the pure code needs to know of its objects, and the default mapping.

Default mapping: reference OnceHub 2.4. Event start and end are never mapped: Instep sets them itself.
"""

from __future__ import annotations

from instep.core.mapping import Row
from instep.core.rules import ActivityObject, Conversion, PersonObject, Profile
from instep.crm.salesforce import names

_PERSON_ROWS = (
    Row("contact.first_name", "FirstName"),
    Row("contact.last_name", "LastName"),
    Row("contact.email", "Email"),
    Row("contact.phone", "Phone"),
    Row("contact.mobile_phone", "MobilePhone"),
)

PROFILE = Profile(
    vendor="salesforce",
    label="Salesforce",
    persons=(
        PersonObject(
            name=names.LEAD,
            key_field=names.CONTACT_ID,
            email_field="Email",
            phone_fields=("Phone", "MobilePhone"),
            owner_field="OwnerId",
            name_field="Name",
            conversion=Conversion("IsConverted", "ConvertedContactId", "ConvertedContact", names.CONTACT),
        ),
        PersonObject(
            name=names.CONTACT,
            key_field=names.CONTACT_ID,
            email_field="Email",
            phone_fields=("Phone", "MobilePhone"),
            owner_field="OwnerId",
            name_field="Name",
        ),
    ),
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
    ),
    modified_field="LastModifiedDate",
    created_field="CreatedDate",
    default_rows={
        names.LEAD: (*_PERSON_ROWS[:2], Row("contact.company", "Company"), *_PERSON_ROWS[2:]),
        names.CONTACT: _PERSON_ROWS,
        names.EVENT: (
            Row("meeting.subject", "Subject"),
            Row("meeting.location", "Location"),
            Row("meeting.summary_long", "Description"),
            Row("meeting.status", names.EVENT_STATUS),
            Row("meeting.reason", names.REASON),
        ),
    },
)
