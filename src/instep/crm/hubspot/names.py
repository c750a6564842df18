"""Every name and text that HubSpot knows us or itself by. They stand here once."""

from __future__ import annotations

#: How people call the two objects, and their paths in the API.
CONTACT = "Contact"
MEETING = "Meeting"
PATHS = {CONTACT: "contacts", MEETING: "meetings"}
OBJECT_TYPES = {CONTACT: "0-1", MEETING: "0-47"}

#: The newest API version; versions are named by date (reference 1.1).
NEWEST_VERSION = "2026-09"
API_URL = "https://api.hubapi.com"
#: Where people sign in.
APP_URL = "https://app.hubspot.com"

#: Where an account's service keys are.
KEYS_PLACE = "Development → Keys → Service keys"

BOOKING_ID = "instep_booking_id"
EVENT_STATUS = "instep_event_status"
REASON = "instep_cancel_reschedule_reason"
CONTACT_ID = "instep_contact_id"
GROUP = "instep"
GROUP_LABEL = "Instep"

LABELS = {
    BOOKING_ID: "Booking id",
    EVENT_STATUS: "Event status",
    REASON: "Cancel/reschedule reason",
    CONTACT_ID: "Contact id",
}
#: Our properties by object.
OUR_FIELDS = {MEETING: (BOOKING_ID, EVENT_STATUS, REASON), CONTACT: (CONTACT_ID,)}
#: Those that no two records share.
UNIQUE = frozenset({BOOKING_ID, CONTACT_ID})

STATUS_TEXTS = (
    "Scheduled",
    "Rescheduled",
    "Completed",
    "Canceled",
    "No-show",
    "Scheduled (Reassigned by User)",
    "Rescheduled (Reassigned by User)",
)

EMAIL = "email"
MORE_EMAILS = "hs_additional_emails"
OWNER = "hubspot_owner_id"
LIFECYCLE = "lifecyclestage"
#: ids of the records that were merged into this one, parted by semicolons
MERGED = "hs_merged_object_ids"
OBJECT_ID = "hs_object_id"
FIRST_NAME, LAST_NAME = "firstname", "lastname"
PHONES = ("phone", "mobilephone")

TITLE = "hs_meeting_title"
BODY = "hs_meeting_body"
NOTES = "hs_internal_meeting_notes"
START = "hs_meeting_start_time"
END = "hs_meeting_end_time"
LOCATION = "hs_meeting_location"
EXTERNAL_URL = "hs_meeting_external_url"
OUTCOME = "hs_meeting_outcome"
#: where a meeting stands on the timeline: always its start (reference 2.5)
TIMESTAMP = "hs_timestamp"
OUTCOMES = {
    "scheduled": "SCHEDULED",
    "rescheduled": "RESCHEDULED",
    "completed": "COMPLETED",
    "canceled": "CANCELED",
    "no_show": "NO_SHOW",
}

# What HubSpot keeps elsewhere than in a property, as fields all the same. No property's name has a dot.
#: a contact's whole name
WHOLE_NAME = "contact.name"
#: the contact that a meeting is associated with, and all of them
PERSON = "associations.contact"
PEOPLE = "associations.contacts"
#: the relationship by which a merged record leads to what it was merged into
MERGED_INTO = "merged"

MEETING_TO_CONTACT = 200

#: Fields that contradict what Instep writes itself, or that no integration should write.
RESERVED = {
    MEETING: frozenset({TIMESTAMP, START, END, OUTCOME, "hs_attendee_owner_ids", "hs_attachment_ids"}),
    CONTACT: frozenset({MORE_EMAILS}),
}

#: The scopes without which nothing works, and the rights that each one gives: object -> right.
SCOPES = {
    "crm.objects.contacts.read": ((CONTACT, "read"), (MEETING, "read")),
    "crm.objects.contacts.write": (
        (CONTACT, "create"),
        (CONTACT, "edit"),
        (MEETING, "create"),
        (MEETING, "edit"),
    ),
    "crm.schemas.contacts.read": ((CONTACT, "describe"),),
    # owners are no object that anything is written to
    "crm.objects.owners.read": (),
}
#: Those that the installation of our properties takes besides; without them an admin makes the properties by hand.
INSTALL_SCOPES = ("crm.schemas.contacts.write",)
#: Which of several accounts has it: asked for, dropped by HubSpot where there is none (reference 1.5).
OPTIONAL_SCOPES = ("crm.schemas.meetings.write",)
OAUTH_SCOPE = "oauth"

#: A portal for trying things.
SANDBOX_TYPES = frozenset({"SANDBOX", "DEVELOPER_TEST"})
PERSON_OWNER = "PERSON"
