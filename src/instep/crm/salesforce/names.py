"""Every name and text that Salesforce knows us or itself by. They stand here once.

The labels and API names of our fields are fixed: admins' reports and page layouts refer to them.
"""

from __future__ import annotations

LEAD = "Lead"
CONTACT = "Contact"
ACCOUNT = "Account"
CASE = "Case"
EVENT = "Event"
USER = "User"
#: Custom fields of Events are defined on this pseudo-object (reference 3.3).
ACTIVITY = "Activity"
PERMISSION_SET = "PermissionSet"
PERMISSION_SET_ASSIGNMENT = "PermissionSetAssignment"

EVENT_STATUS = "Instep_Event_Status__c"
REASON = "Instep_Cancel_Reschedule_Reason__c"
BOOKING_ID = "Instep_Booking_Id__c"
CONTACT_ID = "Instep_Contact_Id__c"

#: what an Event is shown as in its owner's calendar: Busy, OutOfOffice or Free
SHOW_AS = "ShowAs"

LABELS = {
    EVENT_STATUS: "Event status",
    REASON: "Cancel/reschedule reason",
    BOOKING_ID: "Booking id",
    CONTACT_ID: "Contact id",
}

STATUS_TEXTS = (
    "Scheduled",
    "Rescheduled",
    "Completed",
    "Canceled",
    "No-show",
    "Scheduled (Reassigned by User)",
    "Rescheduled (Reassigned by User)",
)

CONNECTOR = "Instep_Connector"
CONNECTOR_LABEL = "Instep connector"

#: Our fields as an API user must see them: object -> API names.
OUR_FIELDS = {
    EVENT: (EVENT_STATUS, REASON, BOOKING_ID),
    CASE: (BOOKING_ID,),
    LEAD: (CONTACT_ID,),
    CONTACT: (CONTACT_ID,),
}
#: Fields that would contradict what Instep writes itself: an Event's times, and what makes a series of it.
RESERVED = {
    EVENT: frozenset(
        {
            "ActivityDate",
            "ActivityDateTime",
            "DurationInMinutes",
            "EndDate",
            "EndDateTime",
            "EventSubtype",
            "GroupEventType",
            "IsAllDayEvent",
            "IsRecurrence",
            "IsRecurrence2",
            "IsRecurrence2Exception",
            "IsReminderSet",
            "RecurrenceActivityId",
            "ReminderDateTime",
            "StartDateTime",
        }
    ),
    LEAD: frozenset({"IsConverted", "ConvertedDate"}),
}
#: How the other fields of a series begin.
RESERVED_BEGIN = "Recurrence"
#: Standard fields that field-level security can hide and that the default mapping or the relations between records
#: need; the others (names, owners, required fields) cannot be granted (reference 4.1).
FIELDS_TO_GRANT = {
    EVENT: ("WhoId", "WhatId", "Location", "Description", "IsAllDayEvent"),
    LEAD: ("Email", "Phone", "MobilePhone"),
    CONTACT: ("AccountId", "Email", "Phone", "MobilePhone"),
    ACCOUNT: ("Phone",),
    CASE: (
        "ContactId",
        "Subject",
        "Description",
        "SuppliedName",
        "SuppliedEmail",
        "SuppliedPhone",
        "SuppliedCompany",
    ),
}
#: the fields that make up a person's name; Salutation is no part of it for those who look a name up
NAME_PARTS = ("FirstName", "MiddleName", "LastName", "Suffix")
OBJECTS_TO_GRANT = (ACCOUNT, CASE, CONTACT, LEAD)
USER_PERMISSIONS = ("ApiEnabled", "EditEvent")
#: Where the running user's own permissions are read, and those that matter here, by their API names.
USER_ACCESS = "UserPermissionAccess"
USER_RIGHTS = {
    "ApiEnabled": "API Enabled",
    "EditEvent": "Edit Events",
    "CustomizeApplication": "Customize Application",
    "ModifyMetadata": "Modify Metadata Through Metadata API Functions",
    "ViewSetup": "View Setup and Configuration",
    "UpdateWithInactiveOwner": "Update Records with Inactive Owners",
    "ModifyAllData": "Modify All Data",
}

#: Objects on which assignment rules run by themselves unless the request says no (reference 2.2).
ASSIGNED_BY_RULES = frozenset({LEAD, CASE, ACCOUNT})

#: How event monitoring names our requests.
CLIENT_NAME = "Instep"
NEWEST_VERSION = "68.0"
OLDEST_VERSION = "60.0"

#: A sandbox appends this to its users' addresses so that no mail reaches them.
SANDBOX_SUFFIX = ".invalid"

#: `User.UserType` of people who work in the org.
STANDARD_USER = "Standard"
#: … and of those who may only chat in it: they own no records.
CHATTER_USER = "CsnOnly"

#: What opens a reference to another sub-request inside a Composite, in any string, guests' text included.
REFERENCE_OPENS = "@{"

ID_PREFIXES = {
    "001": ACCOUNT,
    "003": CONTACT,
    "00Q": LEAD,
    "500": CASE,
    "00U": EVENT,
    "005": USER,
}

#: Parameters of personalised links, by what a booking's record ids call them (reference OnceHub 4.2).
LINK_IDS = {"lead": "sosfLeadId", "contact": "sosfContactId", "case": "sosfCaseId"}
