"""The causes of trouble in HubSpot's words: scopes, keys, properties. The clicks are those of HubSpot's settings."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from instep.core.causes import Cause
from instep.web.problem_words import CHECK, INSTALL, MAPPING, RECONNECT, RETRY, VALIDATION, Words

_NEW_KEY = _("Paste a new key by “Change how Instep signs in”.")

WORDS: Mapping[Cause, Words] = {
    Cause.TOKEN_EXPIRED: Words(
        _("The key or sign-in has ended"),
        _(
            "HubSpot does not know the token any more: the key was rotated or deleted, or the sign-in has ended."
        ),
        (
            _(
                "With a key: Development → Keys → Service keys. Look whether it is still there, copy it, or rotate it."
            ),
            _NEW_KEY,
            _("With an app: choose Reconnect, and sign in to the same account."),
        ),
        RECONNECT,
    ),
    Cause.ACCESS_REVOKED: Words(
        _("Access revoked"),
        _("The app was uninstalled from the account, or its access was revoked."),
        (
            _("Settings → Integrations → Connected Apps: see whether the app is still listed, and by whom."),
            _("Choose Reconnect, and allow the access as a Super Admin of the account."),
        ),
        RECONNECT,
    ),
    Cause.APP_CHANGED: Words(
        _("The app in HubSpot has changed"),
        _("The app's id or secret is not the one that Instep was given."),
        (
            _(
                "Open the app in your developer account → Auth: compare the Client ID, and see whether the secret was "
                "rotated."
            ),
            _("“Change how Instep signs in” takes the new ones."),
        ),
        RECONNECT,
    ),
    Cause.WRONG_ORG: Words(
        _("Another account has answered"),
        _(
            "The token or sign-in leads to an account that is not the one of this connection. Nothing was written."
        ),
        (
            _("Sign out of HubSpot in this browser, or take the key of the connected account."),
            _("Choose Reconnect, and choose the connected account."),
            _("To go over to the other account with the whole setup, choose “Switch environment…” instead."),
        ),
        RECONNECT,
    ),
    Cause.LIMIT_USED_UP: Words(
        _("The API calls of the day are used up"),
        _(
            "All apps of the account share them. Instep waits, in order, and goes on by itself after midnight of the "
            "account; nothing is lost."
        ),
        (
            _("Development → Monitoring → API call usage: which app it is."),
            _("Buy the API limit increase, or let the other app make fewer calls."),
        ),
        CHECK,
    ),
    Cause.UNREACHABLE: Words(
        _("The connection is paused"),
        _("HubSpot did not do what was asked. Instep tries again by itself, with growing pauses."),
        (_("Look at status.hubspot.com."), _("Choose Check again.")),
        CHECK,
    ),
    Cause.RIGHTS: Words(
        _("Scopes are missing"),
        _("Instep's key or app may not do all that Instep does."),
        (
            _(
                "With a key: Development → Keys → Service keys → the key → Edit → Scopes: add what is missing. It "
                "counts at once; choose Check again, and what waited is written."
            ),
            _(
                "With an app: add it to the required scopes of the app, upload it, then choose “Reconnect” on the "
                "connection's page."
            ),
        ),
        CHECK,
    ),
    Cause.FIELDS_GONE: Words(
        _("Instep's properties were removed"),
        _(
            "Without them a booking's Meeting is known by Instep's own notes only, and its status and reason are not "
            "written. Archived properties can be restored in HubSpot for 90 days."
        ),
        (
            _("To get old values back: Settings → Properties → Archived properties → Restore."),
            _("Otherwise choose Install again: it makes the properties."),
        ),
        INSTALL,
    ),
    Cause.MAPPED_FIELD: Words(
        _("A mapped property cannot be used"),
        _("It was archived, or made read-only. Everything else is written; this property is left out."),
        (
            _("Settings → Properties → %(object)s properties → %(field)s: restore it where it is archived."),
            _("Or take the property out of the mapping."),
        ),
        MAPPING,
    ),
    Cause.VALUE_RETIRED: Words(
        _("An option is no longer there"),
        _("The mapping writes a value that the property does not offer any more."),
        (
            _(
                "Settings → Properties → %(object)s properties → %(field)s → Field type: add the option again."
            ),
            _("Or choose another value in the mapping."),
        ),
        MAPPING,
    ),
    Cause.NEW_REQUIRED: Words(
        _("A required property"),
        _(
            "HubSpot refused records because a property is required that no mapping fills. It says so only then; from "
            "now on Instep asks for it."
        ),
        (
            _(
                "Open Field validation, and choose a field, a static value or an existing value for it. What waited is "
                "written then."
            ),
            _("Or in HubSpot: Settings → Objects → Record customization, untick Required for %(field)s."),
        ),
        VALIDATION,
    ),
    Cause.UNFILLABLE_REQUIRED: Words(
        _("A required property that cannot be filled"),
        _("Its type takes no value of a booking, so that every new record is refused until it changes."),
        (_("Settings → Objects → %(object)s → Record customization → %(field)s: untick Required."),),
        VALIDATION,
    ),
    Cause.VALIDATION_RULE: Words(
        _("A validation rule refuses a value"),
        _(
            "A rule of a property says no to these values. HubSpot's own text stands below; all other bookings go on."
        ),
        (
            _("Settings → Properties → the property that is named → Rules: see what it allows."),
            _("Let it pass the values of bookings, or map another field to it."),
            _("Then try the records again."),
        ),
        RETRY,
    ),
    Cause.NOT_SEARCHABLE: Words(
        _("People cannot be found by their e-mail address"),
        _(
            "The property of the address cannot be read or searched. Who is there already would be made twice: new "
            "people wait, and their meetings are written without them."
        ),
        (
            _(
                "Settings → Properties → %(field)s → Manage access: let the one who signed in, or who made the key, "
                "see and edit it."
            ),
            _("Then check again: what waits goes on by itself."),
        ),
        CHECK,
    ),
    Cause.DUPLICATE_RULE: Words(
        _("Another record has this value already"),
        _("HubSpot takes no two contacts with the same address or unique value. All else goes on."),
        (
            _("See in HubSpot whether the two contacts are the same person, and merge them if so."),
            _("Then try the records again."),
        ),
        RETRY,
    ),
    Cause.NO_RIGHT: Words(
        _("Single records are refused for a right"),
        _("The one who signed in, or who made the key, may not edit these records or relate them."),
        (
            _(
                "Settings → Users & Teams → the user → Permissions → CRM: edit rights on contacts and meetings for "
                "everything; with an app also Edit Associations."
            ),
            _("Then try the records again."),
        ),
        RETRY,
    ),
}
