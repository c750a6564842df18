"""The schema of a small HubSpot account, as its properties are described."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from core.org import NOW
from instep.core.crm_schema import ObjectSchema
from instep.core.desired import Setting
from instep.core.lookup import CrmUser
from instep.core.rules import Directory, default_config
from instep.crm.hubspot.describe import schema_of
from instep.crm.hubspot.names import STATUS_TEXTS
from instep.crm.hubspot.profile import PROFILE

OUTCOMES = ("SCHEDULED", "COMPLETED", "RESCHEDULED", "NO_SHOW", "CANCELED")
STAGES = ("subscriber", "lead", "opportunity", "customer")
DANA_OWNS = CrmUser("41", "dana@host.example")


def prop(name: str, kind: str = "string", shown: str = "text", **more: Any) -> dict[str, Any]:
    """One property, as a describe document keeps it."""
    return {"name": name, "label": name, "type": kind, "fieldType": shown, **more}


def choice(name: str, *values: str) -> dict[str, Any]:
    """A list to choose one from."""
    options = [{"value": value, "label": value.title()} for value in values]
    return prop(name, "enumeration", "select", options=options)


_CONTACT = (
    *(prop(name) for name in ("firstname", "lastname", "email", "company", "jobtitle")),
    prop("phone", shown="phonenumber"),
    prop("mobilephone", shown="phonenumber"),
    prop("instep_contact_id", hasUniqueValue=True),
    prop("hs_additional_emails", "enumeration", "checkbox", readOnly=True),
    prop("hubspot_owner_id", "enumeration", "select", referencedObjectType="OWNER"),
    choice("lifecyclestage", *STAGES),
    prop("createdate", "datetime", "date", readOnly=True),
    prop("lastmodifieddate", "datetime", "date", readOnly=True),
)
_MEETING = (
    prop("hs_meeting_title"),
    prop("hs_meeting_body", shown="html"),
    prop("hs_internal_meeting_notes", shown="textarea"),
    prop("hs_meeting_location"),
    prop("hs_meeting_external_url"),
    prop("hs_meeting_start_time", "datetime", "date"),
    prop("hs_meeting_end_time", "datetime", "date"),
    prop("hs_timestamp", "datetime", "date"),
    choice("hs_meeting_outcome", *OUTCOMES),
    prop("hubspot_owner_id", "enumeration", "select", referencedObjectType="OWNER"),
    prop("instep_booking_id", hasUniqueValue=True),
    choice("instep_event_status", *STATUS_TEXTS),
    prop("instep_cancel_reschedule_reason", shown="textarea"),
)


def portal(*, without: tuple[str, ...] = (), instead: tuple[dict[str, Any], ...] = ()) -> Setting:
    """The setting of a fresh connection; `without` leaves properties out, `instead` describes some otherwise."""
    replaced = {body["name"]: body for body in instead}
    schema: dict[str, ObjectSchema] = {}
    for name, properties in (("Contact", _CONTACT), ("Meeting", _MEETING)):
        kept = [replaced.get(p["name"], p) for p in properties if p["name"] not in without]
        schema[name] = schema_of({"schema": {"name": name, "properties": kept}})
    directory = Directory({DANA_OWNS.email: DANA_OWNS}, connected="1", connected_name="Ada Admin")
    return Setting(PROFILE, default_config(PROFILE), schema, directory, NOW)


def mapped(setting: Setting, object_name: str, *rows: Any) -> Setting:
    """The setting with more rows in the mapping of an object."""
    known = setting.config.rows[object_name]
    return evolve(
        setting, config=evolve(setting.config, rows={**setting.config.rows, object_name: (*known, *rows)})
    )
