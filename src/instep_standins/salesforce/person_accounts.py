"""Person accounts: Accounts that are people, each with the Contact row that Salesforce pairs it with."""

from typing import TYPE_CHECKING, Any

import attrs

from . import errors
from .call import Caller
from .config import PERSON_ACCOUNTS
from .errors import RowError
from .schema import Field, SObject, feature_fields
from .tables import Record

if TYPE_CHECKING:
    from .org import Org

_SHARED = ("FirstName", "LastName", "Salutation", "Phone", "Fax", "OwnerId", "CurrencyIsoCode")
_OF_PERSONS = frozenset(field.name for field in feature_fields("PersonAccount")) - {
    "IsPersonAccount",
    "PersonContactId",
}
_BUSINESS_ONLY = frozenset({"Name", "ParentId"})


def is_shared(field: Field) -> bool:
    """Whether Accounts have a field of Contact too. Geolocations stay with the Contact here."""
    return field.custom and field.name.endswith("__c") and field.type != "location"


def on_account(field: Field) -> Field:
    """A custom field of Contact as Accounts have it: X__c is X__pc there."""
    name = field.name.removesuffix("__c") + "__pc"
    return attrs.evolve(field, name=name, unique=False, external_id=False)


def is_person_type(org: "Org", record_type: str | None) -> bool:
    return bool((org.tables.get("RecordType", record_type or "") or {}).get("IsPersonType"))


def first_types(org: "Org") -> None:
    """Salesforce wants a business record type before, and makes the person one itself."""
    rows = [row for row in org.tables.rows("RecordType").values() if row.get("SobjectType") == "Account"]
    wanted = (("Business Account", "Business_Account", False), ("Person Account", "PersonAccount", True))
    for label, name, person in wanted:
        if not any(bool(row.get("IsPersonType")) is person for row in rows):
            org.insert("RecordType", {
                "Name": label, "DeveloperName": name, "SobjectType": "Account", "IsActive": True,
                "IsPersonType": person,
            })  # fmt: skip


def check_none(org: "Org") -> None:
    """Raises ValueError where person accounts are there."""
    held = [
        r for r in org.tables.rows("Account").values() if r.get("IsPersonAccount") and not r.get("IsDeleted")
    ]
    if held:
        raise ValueError(f"The org holds {len(held)} person accounts. Delete them first.")


def _bad_names(names: list[str]) -> RowError:
    return RowError(
        errors.INVALID_FIELD_FOR_INSERT_UPDATE,
        f"Unable to create/update fields: {', '.join(names)}. Please check the security settings of this field and "
        "verify that it is read/write for your profile or permission set.",
        names,
    )


def apply(caller: Caller, obj: SObject, record: Record, changed: Record, old: Record | None) -> None:
    """The rules of an Account that is a person, and of one that is none; the derived fields."""
    org = caller.org
    if not org.config.has(PERSON_ACCOUNTS):
        return
    person = is_person_type(org, record.get("RecordTypeId"))
    if old is not None and person is not bool(old.get("IsPersonAccount")):
        message = "Cannot specify any additional fields when marrying or separating a Person-Account"
        raise RowError(errors.INVALID_FIELD_FOR_INSERT_UPDATE, message, ["RecordTypeId"])
    named = {name for name, value in changed.items() if value is not None}
    foreign = (
        named & _BUSINESS_ONLY if person else {n for n in named if n in _OF_PERSONS or n.endswith("__pc")}
    )
    if foreign:
        raise _bad_names(sorted(foreign))
    needed = "LastName" if person else "Name"
    if not record.get(needed):
        raise RowError(errors.REQUIRED_FIELD_MISSING, f"Required fields are missing: [{needed}]", [needed])
    record["IsPersonAccount"] = person
    if person:
        record["Name"] = " ".join(p for p in (record.get("FirstName"), record.get("LastName")) if p)
        record.setdefault("PersonContactId", org.mint("003"))


def check_contact(caller: Caller, record: Record, changed: Record, old: Record | None) -> None:
    """A person's Contact is changed through its Account, and no other Contact belongs to such an Account."""
    if old is not None and old.get("IsPersonAccount"):
        if "RecordTypeId" in changed:
            message = "insufficient access rights on object id"
            raise RowError(errors.INSUFFICIENT_ACCESS_OR_READONLY, message)
        raise _bad_names(sorted(changed))
    account = caller.org.live("Account", changed.get("AccountId") or "") or {}
    if account.get("IsPersonAccount"):
        message = "Account ID: a contact cannot be associated with a person account"
        raise RowError(errors.FIELD_INTEGRITY_EXCEPTION, message, ["AccountId"])


def paired(org: "Org", fields: Record) -> Record:
    """The values of a person account, past all rules, with what pairs it with its Contact."""
    full = " ".join(p for p in (fields.get("FirstName"), fields.get("LastName")) if p)
    return {"PersonContactId": org.mint("003"), **fields, "IsPersonAccount": True, "Name": full}


def _mirrored(org: "Org", account: Record) -> dict[str, Any]:
    values = {name: account.get(name) for name in _SHARED}
    for name in org.catalogue["Contact"].fields:
        if f"Person{name}" in org.catalogue["Account"].fields and name != "ContactId":
            values[name] = account.get(f"Person{name}")
        elif name.endswith("__c"):
            values[name] = account.get(name.removesuffix("__c") + "__pc")
    return {**values, "Name": account.get("Name"), "AccountId": account["Id"], "IsPersonAccount": True}


def mirror(org: "Org", account: Record) -> None:
    """Bring the Contact of a person account in line with it, or make it."""
    if not account.get("IsPersonAccount"):
        return
    contact_id = account["PersonContactId"]
    held = org.tables.get("Contact", contact_id)
    if held is None:
        org.insert("Contact", {"Id": contact_id, **_mirrored(org, account)})
        return
    stamps = {name: account.get(name) for name in ("LastModifiedDate", "SystemModstamp", "LastModifiedById")}
    fields = {**held, **_mirrored(org, account), **stamps, "IsDeleted": bool(account.get("IsDeleted"))}
    org.tables.put("Contact", {name: value for name, value in fields.items() if value is not None})
