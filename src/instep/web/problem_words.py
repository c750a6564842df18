"""Each cause in plain words: what happened, the steps of the cure, and the button that begins it.

The clicks are those of Salesforce's Setup (reference Salesforce 1.9, 1.10, 4; OnceHub 5.3, 6.8).
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from instep.core.causes import Cause

Text = str | Promise

#: what a button does: sign in again, look again, install, try refused records again, or open a page
RECONNECT, CHECK, INSTALL, RETRY, MAPPING, VALIDATION, REVIEW, RULES = (
    "reconnect",
    "check",
    "install",
    "retry",
    "mapping",
    "validation",
    "review",
    "rules",
)


@frozen
class Words:
    """What a card says. Steps may name `%(object)s` and `%(field)s` of what it is about (`setup_names.Named`)."""

    title: Text
    happened: Text
    steps: tuple[Text, ...]
    button: str


WORDS: Mapping[Cause, Words] = {
    Cause.TOKEN_EXPIRED: Words(
        _("Token Expired"),
        _(
            "Salesforce has ended Instep's sign-in. That happens when the token was not used for long, when the "
            "password or security token of the user was changed, or when Instep's app was installed anew."
        ),
        (
            _("Choose Reconnect, and sign in as the same user."),
            _(
                "To keep it from happening again: Setup → External Client App Manager → the app → Policies → "
                "Refresh Token Policy: “Refresh token is valid until revoked”."
            ),
        ),
        RECONNECT,
    ),
    Cause.TOO_MANY_APPROVALS: Words(
        _("Too Many Accounts Connected, or access revoked"),
        _(
            "The sign-in ended while it was in use. Salesforce keeps five approvals of a user for an app and drops "
            "the oldest when a sixth is given; or somebody revoked this one. It says the same words for both."
        ),
        (
            _(
                "In Salesforce as the connected user: your picture → Settings → Connections (OAuth Connections). "
                "Revoke approvals of the app that nobody uses. Or as an administrator: Setup → OAuth Usage."
            ),
            _("Choose Reconnect, and sign in as the same user."),
            _(
                "Where other tools sign in by the same app as the same user, give each its own app or its own user: "
                "then none pushes out another."
            ),
        ),
        RECONNECT,
    ),
    Cause.ACCESS_REVOKED: Words(
        _("Access Revoked"),
        _("Salesforce no longer lets this user sign in by Instep's app."),
        (
            _("Setup → Users → Users → the connected user: tick Active."),
            _(
                "Setup → External Client App Manager → the app → Policies: the app is not blocked, and where "
                "Permitted Users says “Admin approved users are pre-authorized”, the user's profile or permission "
                "set is listed."
            ),
            _("Choose Reconnect."),
        ),
        RECONNECT,
    ),
    Cause.APP_CHANGED: Words(
        _("The app in Salesforce has changed"),
        _("The app's key, secret or way of signing in is not the one that Instep was given."),
        (
            _(
                "Setup → External Client App Manager → the app → Settings → OAuth Settings: compare the Consumer "
                "Key, and see whether the secret was rotated."
            ),
            _("See whether the flow that Instep uses is still enabled, and its Run As user still set."),
            _("Choose Reconnect; where key or secret are new, “Change how Instep signs in” takes them."),
        ),
        RECONNECT,
    ),
    Cause.WRONG_ORG: Words(
        _("Another org has answered"),
        _("The sign-in leads to an org that is not the one of this connection. Nothing was written there."),
        (
            _("Sign out of Salesforce in this browser."),
            _("Choose Reconnect, and sign in with a user of the connected org."),
            _("To go over to the other org with the whole setup, choose “Switch environment…” instead."),
        ),
        RECONNECT,
    ),
    Cause.API_OFF: Words(
        _("API Access Disabled"),
        _(
            "Salesforce refuses the API: the connected user lacks API Enabled, or the org's edition has no API "
            "(Professional Edition without the add-on, Group and Essentials)."
        ),
        (
            _("Setup → Company Information: Organization Edition. Enterprise and up have the API."),
            _(
                "Setup → Permission Sets → Instep connector → System Permissions (App Permissions): tick API Enabled, "
                "and assign the set to the connected user."
            ),
            _("Professional Edition: ask Salesforce for the API add-on, or connect another org."),
            _("Choose Check again. Or connect as another user, who has it."),
        ),
        CHECK,
    ),
    Cause.LIMIT_USED_UP: Words(
        _("The API calls of 24 hours are used up"),
        _(
            "All apps of the org share them. Instep waits, in order, and goes on by itself as soon as calls are "
            "free; nothing is lost."
        ),
        (
            _("Setup → System Overview → API Usage shows the org's calls."),
            _(
                "Setup → API Usage Notifications, or the report “API Calls Made Within Last 7 Days”: which app it is."
            ),
            _("Ask Salesforce for more calls, or let the other app make fewer."),
        ),
        CHECK,
    ),
    Cause.STORAGE_FULL: Words(
        _("The org's data storage is full"),
        _("Salesforce takes no new records. Instep waits and goes on by itself."),
        (_("Setup → Storage Usage: delete what nobody needs, or ask Salesforce for more."),),
        CHECK,
    ),
    Cause.UNREACHABLE: Words(
        _("The connection is paused"),
        _("Salesforce did not do what was asked. Instep tries again by itself, with growing pauses."),
        (
            _("Look at status.salesforce.com for your instance."),
            _("Choose Check again."),
        ),
        CHECK,
    ),
    Cause.PERMISSION_SET: Words(
        _("Instep's permission set was removed"),
        _(
            "The connection looks fine, but what the set gave is refused now. Fields without it are hidden, even "
            "from administrators."
        ),
        (
            _(
                "Setup → Users → Permission Sets → Instep connector → Manage Assignments → Add Assignments → tick the "
                "connected user → Assign."
            ),
            _("Where the set is gone altogether: Install again brings it back, and assigns it."),
        ),
        INSTALL,
    ),
    Cause.RIGHTS: Words(
        _("The connected user may no longer do its work"),
        _("A profile or permission set was changed: records of this object will be refused."),
        (
            _(
                "Setup → Users → Permission Sets → Instep connector → Object Settings → %(object)s → Edit → tick Read, "
                "Create and Edit → Save. For Events: App Permissions → tick Edit Events."
            ),
            _("Choose Check again."),
        ),
        CHECK,
    ),
    Cause.FIELDS_GONE: Words(
        _("Instep's fields were removed, or installed anew"),
        _(
            "Without them a booking's Event is found by its person and start only, and its status and reason are "
            "not written. Deleted fields can be restored in Salesforce for 15 days."
        ),
        (
            _(
                "To get old values back: Setup → Object Manager → Activity → Fields & Relationships → Deleted Fields → "
                "Undelete. Then install again, for the rights."
            ),
            _("Otherwise choose Install again: it makes the fields and grants them to the connected user."),
        ),
        INSTALL,
    ),
    Cause.MAPPED_FIELD: Words(
        _("A mapped field cannot be used"),
        _("It was deleted, hidden or made read-only. Everything else is written; this field is left out."),
        (
            _(
                "Setup → Object Manager → %(object)s → Fields & Relationships → %(field)s → Set Field-Level Security → "
                "tick Visible, untick Read-Only for the connected user's profile → Save."
            ),
            _("Or take the field out of the mapping."),
        ),
        MAPPING,
    ),
    Cause.NOT_SEARCHABLE: Words(
        _("People cannot be found by their e-mail address"),
        _(
            "The field of the address is hidden from the connected user, or encrypted so that it cannot be searched. "
            "Who is there already would be made twice: new people wait, and their meetings are written without them."
        ),
        (
            _(
                "Setup → Object Manager → %(object)s → Fields & Relationships → %(field)s → Set Field-Level Security → "
                "tick Visible, untick Read-Only for the connected user's profile → Save."
            ),
            _(
                "Where Shield encrypts it: Setup → Encryption Policy → Encrypt Fields: choose “Deterministic, case "
                "insensitive” for %(field)s, or leave it unencrypted."
            ),
            _("Then check again: what waits goes on by itself."),
        ),
        CHECK,
    ),
    Cause.VALUE_RETIRED: Words(
        _("A picklist value is no longer there"),
        _("The mapping writes a value that the field does not offer any more."),
        (
            _(
                "Setup → Object Manager → %(object)s → Fields & Relationships → %(field)s → Values → Inactive Values → "
                "Activate."
            ),
            _("Or choose another value in the mapping."),
        ),
        MAPPING,
    ),
    Cause.RECORD_TYPE: Words(
        _("A chosen record type cannot be used"),
        _(
            "New records get the default type of the connected user in its place, with that type's process and "
            "picklist values. Records that are there keep theirs."
        ),
        (
            _("Setup → Object Manager → %(object)s → Record Types → %(field)s → Edit → tick Active → Save."),
            _(
                "Setup → Users → Permission Sets → Instep connector → Object Settings → %(object)s → Edit → "
                "Record Type Assignments: tick it → Save."
            ),
            _("Or choose another type in the creation rules, or on the calendar's CRM tab."),
        ),
        RULES,
    ),
    Cause.NEW_REQUIRED: Words(
        _("A new required field"),
        _(
            "Somebody made a field universally required, and no mapping fills it. New records get the documented "
            "default, or are refused where there is none."
        ),
        (
            _("Open Field validation, and choose a field, a static value or an existing value for it."),
            _(
                "Or in Salesforce: Setup → Object Manager → %(object)s → Fields & Relationships → %(field)s → Edit → "
                "untick Required, or give it a default value → Save."
            ),
        ),
        VALIDATION,
    ),
    Cause.UNFILLABLE_REQUIRED: Words(
        _("A required field that cannot be filled"),
        _(
            "Its type takes no value of a booking, so that every new record is refused until it changes. Salesforce "
            "asks for it whenever a record is saved: changes of records that are there without it wait as well."
        ),
        (
            _(
                "Setup → Object Manager → %(object)s → Fields & Relationships → %(field)s → Edit → untick Required → "
                "Save."
            ),
            _(
                "To ask people for it all the same, require it on the page layout only. Some types can be given a "
                "default value instead."
            ),
            _("Or give the records that wait a value for %(field)s, and choose Retry: they go on."),
        ),
        VALIDATION,
    ),
    Cause.VALIDATION_RULE: Words(
        _("A validation rule or automation refuses records"),
        _("A rule of the org says no to these records. Its own text stands below; all other bookings go on."),
        (
            _(
                "Setup → Object Manager → %(object)s → Validation Rules: find the rule with this text, and let it pass "
                "Instep's records, for example by the connected user's name."
            ),
            _("Or map the field that it asks for."),
            _("Then try the records again."),
        ),
        RETRY,
    ),
    Cause.DUPLICATE_RULE: Words(
        _("A duplicate rule refuses records"),
        _("A duplicate rule of Salesforce takes these records for others that are there. All else goes on."),
        (
            _("See in Salesforce whether they are the same, and merge them if so."),
            _(
                "If not: Setup → Duplicate Rules → the rule with this text: let Action On Edit or Action On Create "
                "allow the record, or let the rule compare more fields."
            ),
            _("Then try the records again."),
        ),
        RETRY,
    ),
    Cause.OTHER_PERSON: Words(
        _("A record may be somebody else"),
        _(
            "A duplicate rule of Salesforce took these records for the people of bookings, but they have other e-mail "
            "addresses, or none and other names. The bookings are related to them; their names and addresses are left "
            "as they are."
        ),
        (
            _("Open each record in Salesforce, and see whether it is the person who booked."),
            _(
                "If not: Setup → Duplicate Rules: let the rule compare the e-mail address too, or choose in the "
                "creation rules that records are saved where a rule only warns."
            ),
            _("Choose Done once you have looked."),
        ),
        REVIEW,
    ),
    Cause.NO_RIGHT: Words(
        _("Single records are refused for a right"),
        _(
            "The connected user may not touch these records, or not relate them: sharing, or an owner who is inactive."
        ),
        (
            _(
                "Setup → Sharing Settings, or the record's owner: let the connected user edit these records. The "
                "permission “Update Records with Inactive Owners” helps where the owner is inactive."
            ),
            _("Then try the records again."),
        ),
        RETRY,
    ),
}
