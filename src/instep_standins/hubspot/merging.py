"""Two records become one, and a person's data are erased."""

from typing import TYPE_CHECKING

from ..routing import Answer
from . import associations, errors, records
from .call import Call
from .schema import ObjectType
from .tables import Row

if TYPE_CHECKING:
    from .portal import Portal

_MOST_MERGES = 250


def merge(call: Call, otype: ObjectType) -> Answer:
    """The primary record's values win."""
    body = call.json()
    if not body.get("primaryObjectId") or not body.get("objectIdToMerge"):
        raise errors.missing_attributes("primaryObjectId", "objectIdToMerge")
    row = merged(call.portal, otype, str(body["primaryObjectId"]), str(body["objectIdToMerge"]))
    return Answer(200, records.told(call.portal, otype, row, whole=True))


def merged(portal: "Portal", otype: ObjectType, primary_id: str, other_id: str) -> Row:
    """Two records made one. It gets a new id, unless the portal keeps the primary one's. Raises ApiError."""
    primary, other = portal.resolve(otype.name, primary_id), portal.resolve(otype.name, other_id)
    if primary is None or other is None:
        raise errors.not_here()
    if primary["id"] == other["id"]:
        raise errors.invalid(f"Cannot merge a {otype.singular} with itself")
    before = [one for row in (primary, other) for one in _merged_ids(row)]
    if len(before) > _MOST_MERGES:
        raise errors.error(414, "Cannot have more than 250 identities on a profile")
    merged_ids = (
        [*before, other["id"]] if portal.settings.mergeKeepsId else [*before, primary["id"], other["id"]]
    )
    new_id = primary["id"] if portal.settings.mergeKeepsId else portal.mint(otype.name)
    stamp = portal.stamp()
    properties = {
        **other["properties"],
        **primary["properties"],
        otype.modified: stamp,
        "hs_object_id": new_id,
    }
    properties["hs_merged_object_ids"] = ";".join(merged_ids)
    if otype.name == "contacts":
        properties["hs_all_contact_vids"] = ";".join([new_id, *merged_ids])
        extra = _addresses(primary["properties"]) | _addresses(other["properties"])
        extra.pop(properties.get("email", ""), None)
        properties |= {"hs_additional_emails": ";".join(extra)} if extra else {}
    for old in (primary, other):
        if old["id"] != new_id:
            portal.tables.put(
                otype.name, {**old, "archived": True, "archivedAt": stamp, "mergedInto": new_id}
            )
    made = {**primary, "id": new_id, "properties": properties, "updatedAt": stamp, "archived": False}
    portal.tables.put(otype.name, made)
    for old in (primary, other):
        if old["id"] != new_id:
            associations.move(portal, otype.name, old["id"], new_id)
    return portal.tables.get(otype.name, new_id) or made


def _merged_ids(row: Row) -> list[str]:
    return [one for one in row["properties"].get("hs_merged_object_ids", "").split(";") if one]


def _addresses(properties: dict[str, str]) -> dict[str, None]:
    listed = [properties.get("email", ""), *properties.get("hs_additional_emails", "").split(";")]
    return dict.fromkeys(one for one in listed if one)


def gdpr_delete(call: Call, otype: ObjectType) -> Answer:
    """Erase a record for good; one that is not there is no error."""
    body, portal = call.json(), call.portal
    if not body.get("objectId"):
        raise errors.missing_attributes("objectId")
    value, name = str(body["objectId"]), body.get("idProperty")
    row = records.by_unique(portal, otype, str(name), value) if name else portal.resolve(otype.name, value)
    if row is not None:
        records.archive(portal, otype, row)
        portal.tables.remove(otype.name, row["id"])
    return Answer(204)
