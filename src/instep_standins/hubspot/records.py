"""Records: made, found, changed and archived by all of the portal's rules."""

from typing import TYPE_CHECKING, Any

from . import associations, calculated, errors, seed, values
from .errors import ApiError, Problem
from .faults import refusal
from .schema import OBJECT_TYPES, ObjectType
from .tables import Row

if TYPE_CHECKING:
    from .call import Call
    from .portal import Portal

ENFORCING = "2026-09"  # from this version on the admin's rules about required properties hold for the API


# -- found ------------------------------------------------------------------------------------------


def find(portal: "Portal", otype: ObjectType, value: str, id_property: str | None = None) -> Row:
    """The living record of an id or of a unique value. Raises 404, or 400 for a property that is not unique."""
    if id_property in (None, "", "hs_object_id"):
        if not value.isdecimal():
            raise errors.not_numeric(value)
        found = portal.resolve(otype.name, value)
        if found is None:
            raise errors.not_here()
        return found
    found = by_unique(portal, otype, str(id_property), value)
    if found is None:
        raise errors.not_here()
    return found


def unique_property(portal: "Portal", otype: ObjectType, name: str) -> None:
    """Raises 400 where a property is not unique."""
    held = portal.property(otype.name, name)
    if held is None or not held.unique or held.name == "hs_object_id":
        raise errors.invalid(
            f"Unable to perform update/upsert by non-unique {otype.type_id} property {name} "
            f"in portal ID {seed.PORTAL_ID}"
        )


def by_unique(portal: "Portal", otype: ObjectType, name: str, value: str) -> Row | None:
    """The living record with a unique value; an email address may be a secondary one. Raises 400."""
    unique_property(portal, otype, name)
    portal.tables.add_index(otype.name, name)
    found = portal.tables.find(otype.name, name, value)
    if not found and name == "email" and portal.settings.secondaryByEmail:
        found = portal.tables.find(otype.name, "hs_additional_emails", value)
    return found[0] if found else None


# -- rules ------------------------------------------------------------------------------------------


def unique(portal: "Portal", otype: ObjectType, given: dict[str, str], record_id: str | None) -> None:
    """Raises 409 for an address in use, 400 for any other unique value in use."""
    email = given.get("email")
    if otype.name == "contacts" and email:
        for name in ("email", "hs_additional_emails"):
            for holder in portal.tables.find("contacts", name, email):
                if holder["id"] != record_id:
                    raise errors.contact_exists(holder["id"])
    for name, value in given.items():
        held = portal.property(otype.name, name)
        if not value or name == "email" or held is None or not held.unique:
            continue
        portal.tables.add_index(otype.name, name)
        for holder in portal.tables.find(otype.name, name, value):
            if holder["id"] != record_id:
                told = f"A {otype.singular} with {name} {value} exists already: {holder['id']} already has that value."
                raise errors.invalid_values(
                    seed.PORTAL_ID, [Problem(name, errors.CONFLICTING_UNIQUE_VALUE, told)]
                )


def _lifecycle(portal: "Portal", otype: ObjectType, given: dict[str, str], now: dict[str, str]) -> None:
    """A stage moves forward only; a step back is left out without a word. Clearing it opens the way."""
    wanted, held = given.get("lifecyclestage"), now.get("lifecyclestage")
    if otype.name not in ("contacts", "companies") or not wanted or not held:
        return
    order = [one.value for one in portal.properties(otype.name)["lifecyclestage"].options]
    if held in order and wanted in order and order.index(wanted) < order.index(held):
        del given["lifecyclestage"]


def _stage_fits(otype: ObjectType, record: dict[str, str]) -> None:
    """A stage belongs to its pipeline. Raises 400."""
    names = {"tickets": ("hs_pipeline", "hs_pipeline_stage"), "deals": ("pipeline", "dealstage")}.get(
        otype.name
    )
    if not names or not record.get(names[1]):
        return
    stages = {name: [stage for stage, _, _ in listed] for name, _, listed in seed.PIPELINES[otype.name]}.get(
        record.get(names[0], ""), []
    )
    if record[names[1]] not in stages:
        told = f"{record[names[1]]} was not one of the allowed options: [{', '.join(stages)}]"
        raise errors.invalid_values(seed.PORTAL_ID, [Problem(names[1], errors.INVALID_OPTION, told)])


def _required(otype: ObjectType, record: dict[str, str]) -> None:
    missing = [name for name in otype.required if not record.get(name)]
    if otype.name == "meetings" and not record.get("hs_timestamp"):
        missing = ["hs_timestamp"]
    if otype.name == "contacts" and not any(record.get(name) for name in ("email", "firstname", "lastname")):
        missing = ["email", "firstname", "lastname"]
    if missing:
        raise errors.invalid(
            f"Error creating {otype.constant}. Some required properties were not set.",
            context={"properties": missing},
        )


def _enforced(
    portal: "Portal", otype: ObjectType, record: dict[str, str], written: dict[str, str], new: bool
) -> None:
    """The admin's required properties, as the newest version enforces them. Raises 400."""
    problems = []
    for name in portal.settings.required.get(otype.name, []) if new else []:
        if not record.get(name):
            problems.append(Problem(name, errors.MISSING_REQUIRED_PROPERTY,
                                    f'Property "{name}" is required to create a {otype.singular}'))  # fmt: skip
    for rule in portal.settings.conditional:
        if rule["object"] != otype.name or record.get(rule["property"]) != rule["value"]:
            continue
        for name in rule["require"] if rule["property"] in written else []:
            if not record.get(name):
                problems.append(Problem(
                    name, errors.MISSING_CONDITIONAL_REQUIRED_PROPERTY,
                    f'Property "{name}" is required when "{rule["property"]}" is "{rule["value"]}"'))  # fmt: skip
    if problems:
        raise errors.invalid_values(seed.PORTAL_ID, problems)


# -- written ----------------------------------------------------------------------------------------


def _properties(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise errors.missing_attributes("properties")
    return given


def create(call: "Call", otype: ObjectType, body: dict[str, Any]) -> tuple[Row, ApiError | None]:
    """(a new record with its inline associations, the refusal that an order wants told although it was made).

    Raises ApiError; the caller's savepoint takes back what was done.
    """
    portal = call.portal
    given = _properties(body.get("properties"))
    ordered = call.ordered(otype.name, "create", given)
    if ordered:
        raise ordered
    record, problems = values.read(portal, otype, given, {})
    if problems:
        raise errors.invalid_values(seed.PORTAL_ID, problems)
    record = {name: value for name, value in record.items() if value}
    if otype.name == "meetings" and not record.get("hs_timestamp") and record.get("hs_meeting_start_time"):
        record["hs_timestamp"] = record["hs_meeting_start_time"]
    _required(otype, record)
    _stage_fits(otype, record)
    if call.version == ENFORCING:
        _enforced(portal, otype, record, record, new=True)
    unique(portal, otype, record, None)
    linked = associations.inline(portal, otype.name, body.get("associations"))
    row = insert(portal, otype, record, call.grant.app_id)
    # An order may let the record be made and what belongs to it fail.
    lost = call.lost_associations(otype.name, given) if linked else None
    if not lost:
        for kind, to_id, types in linked:
            associations.link(portal, otype.name, row["id"], kind, to_id, types)
    _company_of(call, otype, row)
    loud = refusal(lost) if lost and "status" in lost.details else None
    return portal.tables.get(otype.name, row["id"]) or row, loud


def insert(
    portal: "Portal", otype: ObjectType, record: dict[str, str], app_id: int = seed.PRIVATE_APP_ID
) -> Row:
    """Store a record with the system's own values; no rule is asked."""
    row_id, stamp = portal.mint(otype.name), portal.stamp()
    system = {
        otype.created: stamp, otype.modified: stamp, "hs_object_id": row_id, "hs_object_source": "INTEGRATION",
        "hs_object_source_id": str(app_id), "hs_object_source_label": "INTEGRATION",
    }  # fmt: skip
    if otype.name == "contacts":
        default = portal.settings.lifecycleDefault
        system |= {"hs_is_contact": "true", "hs_all_contact_vids": row_id}
        system |= {"lifecyclestage": default} if default and not record.get("lifecyclestage") else {}
    if otype.name == "meetings":
        system |= {"hs_meeting_source": "INTEGRATION", "hs_engagement_source": "INTEGRATION"}
    properties = _worked_out(otype, {**system, **record})
    row = {"id": row_id, "properties": properties, "createdAt": stamp, "updatedAt": stamp, "archived": False}
    portal.tables.put(otype.name, row)
    return row


def _worked_out(otype: ObjectType, properties: dict[str, str]) -> dict[str, str]:
    found = {"meetings": calculated.of_meeting, "contacts": calculated.of_contact}.get(otype.name)
    merged = {**properties, **(found(properties) if found else {})}
    return {name: value for name, value in merged.items() if value != ""}


def _company_of(call: "Call", otype: ObjectType, row: Row) -> None:
    """Where the portal wants it, a contact's domain gives its company."""
    domain = row["properties"].get("hs_email_domain")
    if otype.name != "contacts" or not domain or not call.portal.settings.autoCompany:
        return
    portal = call.portal
    held = next(
        (c for c in portal.tables.living("companies") if c["properties"].get("domain") == domain), None
    )
    if held is None:
        held = insert(
            portal, OBJECT_TYPES["companies"], {"domain": domain, "name": domain.partition(".")[0].title()}
        )
    associations.link(portal, "contacts", row["id"], "companies", held["id"], [1])
    contact = portal.tables.get("contacts", row["id"]) or row
    properties = {**contact["properties"], "associatedcompanyid": held["id"]}
    portal.tables.put("contacts", {**contact, "properties": properties})


def update(call: "Call", otype: ObjectType, row: Row, given: Any) -> tuple[Row, list[str]]:
    """(the record changed, names of what was written). Raises ApiError."""
    portal, given = call.portal, _properties(given)
    ordered = call.ordered(otype.name, "update", {"id": row["id"], **given})
    if ordered:
        raise ordered
    written, problems = values.read(portal, otype, given, row["properties"])
    if problems:
        raise errors.invalid_values(seed.PORTAL_ID, problems)
    _lifecycle(portal, otype, written, row["properties"])
    merged = {**row["properties"], **written}
    if otype.name == "meetings" and not merged.get("hs_timestamp"):
        raise errors.invalid("Error updating MEETING. Some required properties were not set.",
                             context={"properties": ["hs_timestamp"]})  # fmt: skip
    _stage_fits(otype, merged)
    if call.version == ENFORCING:
        _enforced(portal, otype, merged, written, new=False)
    unique(portal, otype, written, row["id"])
    return change(portal, otype, row, written), list(given)


def change(portal: "Portal", otype: ObjectType, row: Row, written: dict[str, str]) -> Row:
    """Store changed values with their stamps; no rule is asked."""
    stamp = portal.stamp()
    properties = _worked_out(otype, {**row["properties"], **written, otype.modified: stamp})
    changed = {**row, "properties": properties, "updatedAt": stamp}
    portal.tables.put(otype.name, changed)
    if otype.name == "meetings" and "hs_timestamp" in written:
        portal.refresh(set(portal.associated("meetings", row["id"], "contacts")))
    return portal.tables.get(otype.name, row["id"]) or changed


def archive(portal: "Portal", otype: ObjectType, row: Row) -> None:
    """Into the recycle bin: its id is not found any more, and its values are free again."""
    stamp = portal.stamp()
    others = set(portal.associated("meetings", row["id"], "contacts")) if otype.name == "meetings" else set()
    portal.tables.put(otype.name, {**row, "archived": True, "archivedAt": stamp, "updatedAt": stamp})
    portal.refresh(others)


def refused_by_order(call: "Call", otype: ObjectType, kind: str, row: Row) -> ApiError | None:
    return call.ordered(otype.name, kind, {"id": row["id"], **row["properties"]})


# -- told -------------------------------------------------------------------------------------------


def told(
    portal: "Portal", otype: ObjectType, row: Row, asked: list[str] | None = None, whole: bool = False
) -> dict[str, Any]:
    """A record as answers tell it: the default properties and those asked for, or (`whole`) all that are set.

    A property that is defined but not set is null; one that is not defined is left out.
    """
    held = row["properties"]
    if whole:
        properties: dict[str, Any] = dict(held)
    else:
        known = portal.properties(otype.name)
        # Properties of the kind that every answer has come with whatever is asked for.
        always = [otype.created, otype.modified, "hs_object_id"]
        names = [*(asked or otype.defaults), *always]
        properties = {name: held.get(name) for name in dict.fromkeys(names) if name in known}
    body = {
        "id": row["id"], "properties": dict(sorted(properties.items())), "createdAt": row["createdAt"],
        "updatedAt": row["updatedAt"], "archived": bool(row.get("archived")),
    }  # fmt: skip
    if row.get("archived"):
        body["archivedAt"] = row["archivedAt"]
    body["url"] = f"https://app-eu1.hubspot.com/contacts/{seed.PORTAL_ID}/record/{otype.type_id}/{row['id']}"
    return body
