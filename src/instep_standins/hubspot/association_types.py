"""HubSpot's own association types: the number and the older name of each direction."""

import attrs

HUBSPOT_DEFINED = "HUBSPOT_DEFINED"


@attrs.frozen
class AssociationType:
    """One direction of an association. `name` is what answers to reads of one record call it."""

    type_id: int
    name: str
    label: str | None = None


# (from, to) → its types; the first is the default one.
TYPES: dict[tuple[str, str], tuple[AssociationType, ...]] = {
    ("meetings", "contacts"): (AssociationType(200, "meeting_event_to_contact"),),
    ("contacts", "meetings"): (AssociationType(199, "contact_to_meeting_event"),),
    ("meetings", "companies"): (AssociationType(188, "meeting_event_to_company"),),
    ("companies", "meetings"): (AssociationType(187, "company_to_meeting_event"),),
    ("meetings", "deals"): (AssociationType(212, "meeting_event_to_deal"),),
    ("deals", "meetings"): (AssociationType(211, "deal_to_meeting_event"),),
    ("meetings", "tickets"): (AssociationType(226, "meeting_event_to_ticket"),),
    ("tickets", "meetings"): (AssociationType(225, "ticket_to_meeting_event"),),
    ("tickets", "contacts"): (AssociationType(16, "ticket_to_contact"),),
    ("contacts", "tickets"): (AssociationType(15, "contact_to_ticket"),),
    ("contacts", "companies"): (
        AssociationType(279, "contact_to_company_unlabeled"),
        AssociationType(1, "contact_to_company", "Primary"),
    ),
    ("companies", "contacts"): (
        AssociationType(280, "company_to_contact_unlabeled"),
        AssociationType(2, "company_to_contact", "Primary"),
    ),
    ("contacts", "deals"): (AssociationType(4, "contact_to_deal"),),
    ("deals", "contacts"): (AssociationType(3, "deal_to_contact"),),
    ("deals", "companies"): (
        AssociationType(341, "deal_to_company_unlabeled"),
        AssociationType(5, "deal_to_company", "Primary"),
    ),
    ("companies", "deals"): (
        AssociationType(342, "company_to_deal_unlabeled"),
        AssociationType(6, "company_to_deal", "Primary"),
    ),
    ("tickets", "companies"): (
        AssociationType(339, "ticket_to_company_unlabeled"),
        AssociationType(26, "ticket_to_company", "Primary"),
    ),
    ("companies", "tickets"): (
        AssociationType(340, "company_to_ticket_unlabeled"),
        AssociationType(25, "company_to_ticket", "Primary"),
    ),
    ("deals", "tickets"): (AssociationType(27, "deal_to_ticket"),),
    ("tickets", "deals"): (AssociationType(28, "ticket_to_deal"),),
}
_PAIR_OF = {one.type_id: pair for pair, types in TYPES.items() for one in types}


def find(from_kind: str, to_kind: str, type_id: int) -> AssociationType | None:
    return next((one for one in TYPES.get((from_kind, to_kind), ()) if one.type_id == type_id), None)


def pair_of(type_id: int) -> tuple[str, str] | None:
    """The kinds that a number leads from and to."""
    return _PAIR_OF.get(type_id)


def opposite(from_kind: str, to_kind: str, type_id: int) -> AssociationType:
    """The same association seen from the other end."""
    index = [one.type_id for one in TYPES[from_kind, to_kind]].index(type_id)
    return TYPES[to_kind, from_kind][index]
