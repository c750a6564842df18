"""What people do to records that the REST API has no call for: converting a Lead, merging duplicates."""

from typing import TYPE_CHECKING, Any

from . import person_accounts, record_types, relations
from .config import PERSON_ACCOUNTS
from .orders import Body, object_named, refuse_order, texts_of
from .tables import Record

if TYPE_CHECKING:
    from .org import Org

_MERGED = ("Account", "Case", "Contact", "Lead")
# What points at a record of each object, and goes along with it.
_POINTING = {
    "Account": (("Contact", "AccountId"), ("Case", "AccountId"), ("Event", "WhatId"), ("Event", "AccountId")),
    "Contact": (("Event", "WhoId"), ("Case", "ContactId")),
    "Lead": (("Event", "WhoId"),),
    "Case": (("Event", "WhatId"),),
}


def _contact_of(org: "Org", lead: Record) -> Record:
    owner = lead.get("OwnerId")
    if not lead.get("Company") and org.config.has(PERSON_ACCOUNTS):
        return _person_of(org, lead)
    account = org.insert(
        "Account", {"Name": lead.get("Company"), "OwnerId": owner, "Phone": lead.get("Phone")}
    )
    copied = (
        "FirstName",
        "LastName",
        "Name",
        "Salutation",
        "Email",
        "Phone",
        "MobilePhone",
        "Title",
        "LeadSource",
    )
    values = {name: lead.get(name) for name in copied}
    return org.insert("Contact", values | {"OwnerId": owner, "AccountId": account["Id"]})


def _person_of(org: "Org", lead: Record) -> Record:
    """The Contact of the person account that a Lead without a company becomes."""
    person_type = next(row["Id"] for row in record_types.of(org, "Account") if row.get("IsPersonType"))
    values = {name: lead.get(name) for name in ("FirstName", "LastName", "Salutation", "Phone", "OwnerId")}
    values |= {"PersonEmail": lead.get("Email"), "PersonMobilePhone": lead.get("MobilePhone")}
    account = org.insert("Account", person_accounts.paired(org, {**values, "RecordTypeId": person_type}))
    person_accounts.mirror(org, account)
    return org.tables.get("Contact", account["PersonContactId"]) or {}


def convert_lead(org: "Org", body: Body, query: dict[str, str]) -> Any:
    """Make the Contact of a Lead (or take "contactId"), with an Account, and move its Events there."""
    lead = org.live("Lead", str(body.get("leadId", "")))
    if lead is None or lead.get("IsConverted"):
        raise refuse_order(404, f"Lead {body.get('leadId')!r} is not there or converted already.")
    contact = org.live("Contact", str(body.get("contactId", ""))) or _contact_of(org, lead)
    account = {"Id": contact.get("AccountId")}
    now = org.stamp()
    org.tables.put("Lead", {
        **lead, "IsConverted": True, "ConvertedDate": now[:10], "ConvertedAccountId": account["Id"],
        "ConvertedContactId": contact["Id"], "Status": "Closed - Converted", "LastModifiedDate": now,
        "SystemModstamp": now,
    })  # fmt: skip
    for event_id in org.tables.find("Event", "WhoId", lead["Id"]):
        event = org.tables.get("Event", event_id) or {}
        moved = {"WhoId": contact["Id"], "AccountId": account["Id"], "SystemModstamp": now}
        org.tables.put("Event", {**event, **moved})
    return {"accountId": account["Id"], "contactId": contact["Id"]}


def merge(org: "Org", body: Body, query: dict[str, str]) -> Any:
    """{"object", "masterId", "ids"}: the others go to the recycle bin and say who their master is."""
    name = object_named(org, body.get("object"))
    master, others = org.live(name, str(body.get("masterId", ""))), texts_of(body, "ids")
    if name not in _MERGED or master is None:
        raise refuse_order(404, f"{name} {body.get('masterId')!r} is not there, or no object that is merged.")
    for key in others:
        lost = org.live(name, key)
        if lost is None or key == master["Id"]:
            raise refuse_order(404, f"{name} {key!r} is not there, or is the master itself.")
        now = org.stamp()
        gone = {
            "IsDeleted": True,
            "MasterRecordId": master["Id"],
            "LastModifiedDate": now,
            "SystemModstamp": now,
        }
        org.tables.put(name, {**lost, **gone})
        for child, field in _POINTING[name]:
            for child_id in org.tables.find(child, field, key):
                record = org.tables.get(child, child_id) or {}
                org.tables.put(child, {**record, field: master["Id"], "SystemModstamp": now})
                if child == "Event":
                    relations.follow(org, org.tables.get(child, child_id) or {})
    return master
