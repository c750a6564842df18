"""Merge fields and buttons by which Salesforce links to a booking page (reference OnceHub 4.2, 4.4).

A custom lookup `X__c` has two merge fields: `{!Object.X__c}` is the name of the record, `{!Object.XId__c}` its id.
"""

from __future__ import annotations

from instep.crm.salesforce.names import ACCOUNT, CASE, CONTACT, LEAD, LINK_IDS
from instep.crm.sharing import Button, MailLink, Sharing

OPPORTUNITY = "Opportunity"
CLASSIC, LIGHTNING = "Classic", "Lightning"
_LOOKUP_LABEL, _LOOKUP_NAME = "Contact", "Contact_ID"

_OBJECTS = {"lead": LEAD, "contact": CONTACT, "case": CASE}
#: one template for all three: those that are not this object stay empty
_OWN = {LINK_IDS[kind]: f"{{!{name}.Id}}" for kind, name in _OBJECTS.items()}


def _classic(kind: str) -> MailLink:
    name = _OBJECTS[kind]
    return MailLink(name, CLASSIC, {LINK_IDS[kind]: f"{{!{name}.Id}}"})


def _lightning(kind: str) -> MailLink:
    name = _OBJECTS[kind]
    field = f"{CASE}.Id" if name == CASE else "Recipient.Id"
    return MailLink(name, LIGHTNING, {LINK_IDS[kind]: f"{{{{{{{field}}}}}}}"})


def _plain(kind: str) -> Button:
    name = _OBJECTS[kind]
    own = {LINK_IDS[kind]: _OWN[LINK_IDS[kind]]}
    return Button(name, f"Schedule with {name}", f"Schedule_with_{name}", _OWN, short=own, setup=name)


def _by_lookup(name: str, setup: str, label: str, button: str) -> Button:
    ids = {LINK_IDS["contact"]: f"{{!{setup}.{_LOOKUP_NAME}Id__c}}"}
    return Button(name, label, button, ids, lookup=True, setup=setup)


SHARING = Sharing(
    mails=(*(_classic(kind) for kind in _OBJECTS), *(_lightning(kind) for kind in _OBJECTS)),
    buttons=(
        *(_plain(kind) for kind in _OBJECTS),
        _by_lookup(
            OPPORTUNITY, OPPORTUNITY, "Schedule with related Contact", "Schedule_with_related_Contact"
        ),
        _by_lookup("Person Account", ACCOUNT, "Schedule with Me", "Schedule_with_Me"),
    ),
    lookup=(_LOOKUP_LABEL, _LOOKUP_NAME),
)
