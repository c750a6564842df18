"""HubSpot as data: what the pure code needs to know of its objects, and the default mapping.

A meeting's start, end and outcome are never mapped: Instep sets them itself (reference OnceHub 7, HubSpot 2.5).
"""

from __future__ import annotations

from instep.core.mapping import Row
from instep.core.profile import ActivityObject, PersonObject, Profile
from instep.crm.hubspot import names

PROFILE = Profile(
    vendor="hubspot",
    label="HubSpot",
    user_word="owner",
    persons=(
        PersonObject(
            name=names.CONTACT,
            key_field=names.CONTACT_ID,
            email_field=names.EMAIL,
            phone_fields=names.PHONES,
            owner_field=names.OWNER,
            name_field=names.WHOLE_NAME,
            name_parts=(names.FIRST_NAME, names.LAST_NAME),
            merged_into=names.MERGED_INTO,
            companions=True,
            more_emails_field=names.MORE_EMAILS,
        ),
    ),
    activity=ActivityObject(
        name=names.MEETING,
        key_field=names.BOOKING_ID,
        start_field=names.START,
        end_field=names.END,
        owner_field=names.OWNER,
        person_field=names.PERSON,
        subject_field=names.TITLE,
        people_field=names.PEOPLE,
        body_field=names.BODY,
        outcome_field=names.OUTCOME,
        outcomes=names.OUTCOMES,
        person_apart=True,
    ),
    modified_field="lastmodifieddate",
    created_field="createdate",
    default_rows={
        names.CONTACT: (
            Row("contact.first_name", names.FIRST_NAME),
            Row("contact.last_name", names.LAST_NAME),
            Row("contact.email", names.EMAIL),
            Row("contact.phone", "phone"),
            Row("contact.mobile_phone", "mobilephone"),
            Row("contact.company", "company"),
        ),
        names.MEETING: (
            Row("meeting.subject", names.TITLE),
            Row("meeting.location", names.LOCATION),
            Row("meeting.virtual_location", names.EXTERNAL_URL),
            Row("meeting.summary_long", names.BODY),
            Row("meeting.note", names.NOTES),
            Row("meeting.status", names.EVENT_STATUS),
            Row("meeting.reason", names.REASON),
        ),
    },
    one_key=True,
    connected_owns=False,
)
