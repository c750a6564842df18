"""What people of each CRM call its things, and the parts of pages that only one CRM has.

A page says these words and includes `parts` by their place; it never asks which CRM it speaks of.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from instep.crm.hubspot.auth import STATIC
from instep.crm.oauth import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, JWT_BEARER

Text = str | Promise


@frozen
class CrmWords:
    """One CRM's words.

    `about` stands on its tile. `org` is what it calls one customer's data, `user` who owns records, `field` a field of
    a record and `field_name` the field's name for programs. `grants` are the ways of signing in. `again` says what
    the sign-in needs where a scope is missing. `scopes` says for each what it is for and what goes on without it.
    `rights` introduces the permissions of the connected user.
    """

    about: Text
    org: Text
    another: Text
    user: Text
    users: Text
    field: Text
    fields: Text
    field_name: Text
    meeting: Text
    a_meeting: Text
    meetings: Text
    app: Text
    why_app: Text
    grants: Mapping[str, Text]
    scope_cure: Text
    scopes: Mapping[str, Text]
    rights: Text
    installs: Text
    installing: Text
    kept_there: Text
    secrets: Text
    required: Text
    all_filled: Text
    more_required: Text
    none_required: Text
    filled_when: Text
    limits: Text
    related: Text
    found_by: Text


_SALESFORCE = CrmWords(
    about=_("Leads, Contacts and Events follow each booking."),
    org=_("org"),
    another=_("Connect another org"),
    user=_("user"),
    users=_("users"),
    field=_("field"),
    fields=_("fields"),
    field_name=_("API name"),
    meeting=_("Event"),
    a_meeting=_("An Event"),
    meetings=_("Events"),
    app=_("The app in Salesforce"),
    why_app=_(
        "Instep signs in with an app that belongs to your own org, so that nobody else stands between the two."
    ),
    grants={
        AUTHORIZATION_CODE: _("A sign-in at Salesforce (authorization code)"),
        CLIENT_CREDENTIALS: _("Client credentials"),
        JWT_BEARER: _("JWT bearer, with Instep's certificate"),
    },
    scope_cure=_("Add the scope to the app in Salesforce, then reconnect."),
    scopes={},
    rights=_("Modify All Data is not needed."),
    installs=_(
        "Creates these fields and a permission set, and assigns it to the connected user. Nothing of yours is changed; "
        "installing again is safe."
    ),
    installing=_("Salesforce is creating the fields."),
    kept_there=_("Everything in Salesforce itself: records, fields, permission set"),
    secrets=_("Key, secret and tokens: deleted here, the tokens revoked at Salesforce too"),
    required=_(
        "A field leaves the list as soon as it has a default there, or is required on the page layout only."
    ),
    all_filled=_("Every required field has something that fills it."),
    more_required=_("This page shows it when Salesforce requires another one."),
    none_required=_("No field is required without a default."),
    filled_when=_(
        "People and companies: only where the field is empty, or Overwrite is on. Events, and Cases that Instep made, "
        "follow their booking."
    ),
    limits=_("by everyone in the org"),
    related=_(
        "Their names stand there too, and Contacts among them are related to the Event, if the org shares activities."
    ),
    found_by=_(
        "It is found by e-mail (a sandbox's “.invalid” does not count), unless you choose another one."
    ),
)
_HUBSPOT = CrmWords(
    about=_("A contact and a meeting on its timeline follow each booking."),
    org=_("account"),
    another=_("Connect another account"),
    user=_("owner"),
    users=_("owners"),
    field=_("property"),
    fields=_("properties"),
    field_name=_("Internal name"),
    meeting=_("Meeting"),
    a_meeting=_("A Meeting"),
    meetings=_("Meetings"),
    app=_("The key or the app in HubSpot"),
    why_app=_(
        "Instep signs in with a key or an app of your own account, so that nobody else stands between the two."
    ),
    grants={
        STATIC: _("A service key or a private app's token"),
        AUTHORIZATION_CODE: _("A sign-in at HubSpot (OAuth)"),
    },
    scope_cure=_(
        "Add the scope to the key, where it counts at once, or to the app in HubSpot, then reconnect."
    ),
    scopes={
        "crm.objects.contacts.read": _(
            "to look contacts and meetings up. Without it new bookings wait, and with the first of them all others."
        ),
        "crm.objects.contacts.write": _(
            "to make and change contacts and meetings. Without it everything waits that has to be written."
        ),
        "crm.schemas.contacts.read": _(
            "to see which properties there are. Without it bookings are still written, but no value is checked "
            "beforehand, and no mapping can be changed."
        ),
        "crm.objects.owners.read": _(
            "to find the owner of each host. Without it meetings of hosts whose owner is known are written; a host who "
            "is new makes everything wait."
        ),
    },
    rights=_("HubSpot gives rights by scopes of the key or app; meetings come with those of contacts."),
    installs=_(
        "Makes these properties, in a group of their own called Instep. Nothing of yours is changed; installing again "
        "is safe."
    ),
    installing=_("HubSpot is making the properties."),
    kept_there=_("Everything in HubSpot itself: records, properties and their group"),
    secrets=_(
        "Key, secret and tokens: deleted here, and a sign-in is revoked at HubSpot too. A service key or private app's "
        "token stays valid there until you rotate it"
    ),
    required=_(
        "HubSpot does not say beforehand what its own rules require of new records: what it refused a record for "
        "stands here from then on."
    ),
    all_filled=_("Everything that is known to be required is filled."),
    more_required=_(
        "HubSpot tells what its rules require only when it refuses a record. Where you know of a property, map it now "
        "and give it a value under “If empty”: then nothing is refused."
    ),
    none_required=_("No property is known to be required."),
    filled_when=_(
        "Contacts: only where the property is empty, or Overwrite is on. Meetings follow their booking."
    ),
    limits=_("by every app of the account"),
    related=_("Their names stand there too, and contacts among them are associated with the Meeting."),
    found_by=_("It is found by e-mail, unless you choose another one."),
)

_WORDS: Mapping[str, CrmWords] = {"salesforce": _SALESFORCE, "hubspot": _HUBSPOT}


def words_of(vendor: str) -> CrmWords:
    """The words of a vendor."""
    return _WORDS[vendor]
