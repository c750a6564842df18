"""HubSpot's properties: described as fields, ours made once, and what a portal that takes less of them gets."""

from __future__ import annotations

from typing import Any

import pytest

from hubspot_portal import StandinPortal
from instep.core.crm_schema import Field, mappable
from instep.core.errors import InputError, NeedsAdmin
from instep.crm.hubspot import HubSpotCrm
from instep.crm.hubspot.client import checked_version

PROPERTIES = "/crm/properties/{V}"


def schema(crm: HubSpotCrm, name: str) -> dict[str, Field]:
    described = crm.schema_of(crm.describe([name])[name])
    return dict(described.fields)


def test_our_properties_are_made_once_in_a_group_of_their_own(portal: StandinPortal) -> None:
    """The second time nothing is made and nothing changed."""
    crm = portal.connect()
    report = crm.install()
    assert sorted(report["created"]) == [
        "Contact.instep_contact_id",
        "Meeting.instep_booking_id",
        "Meeting.instep_cancel_reschedule_reason",
        "Meeting.instep_event_status",
    ]
    assert report["complete"]
    assert all(report["unique"].values())
    assert crm.install()["created"] == []
    rows = crm.client.request("GET", f"{PROPERTIES}/meetings").rows()
    ours = [row for row in rows if row["name"].startswith("instep_")]
    assert {row["groupName"] for row in ours} == {"instep"}
    assert {row["name"] for row in ours if row["hasUniqueValue"]} == {"instep_booking_id"}


def test_a_portal_without_unique_meeting_properties_gets_a_plain_one(portal: StandinPortal) -> None:
    """Detected, not assumed: it is no key then, and meetings are found otherwise."""
    portal.settings(meetingIds="plain")
    report = portal.connect().install()
    assert report["complete"]
    assert report["unique"] == {"Meeting.instep_booking_id": False, "Contact.instep_contact_id": True}
    assert not schema(portal.connect(), "Meeting")["instep_booking_id"].filterable


def test_a_portal_without_meeting_properties_says_which_scope(portal: StandinPortal) -> None:
    """Named with the cure; what can be made by hand is said."""
    portal.settings(meetingIds="none")
    with pytest.raises(NeedsAdmin) as caught:
        portal.connect().install()
    assert "crm.schemas.meetings.write" in caught.value.message
    assert "by hand" in caught.value.cure


def test_an_archived_property_of_ours_comes_back(hub: HubSpotCrm, portal: StandinPortal) -> None:
    """Installing again restores it."""
    hub.client.request("DELETE", f"{PROPERTIES}/meetings/instep_event_status")
    assert not hub.preflight()["fields"]["Meeting.instep_event_status"]
    assert hub.install()["created"] == ["Meeting.instep_event_status"]
    assert hub.preflight()["complete"]


def test_missing_scopes_are_told_as_rights_before_the_first_booking(
    hub: HubSpotCrm, portal: StandinPortal
) -> None:
    """Which right, on what, and which scope gives it."""
    scopes = [s for s in portal.settings()["tokenScopes"] if s != "crm.objects.contacts.write"]
    portal.settings(tokenScopes=scopes)
    found = hub.preflight()
    assert found["scopes"] == ["crm.objects.contacts.write"]
    assert found["objects"] == {"Contact": ["create", "edit"], "Meeting": ["create", "edit"]}
    assert not found["complete"]


def test_objects_that_may_not_be_seen_are_left_out(hub: HubSpotCrm, portal: StandinPortal) -> None:
    """Hidden from the token, and not an error."""
    portal.settings(tokenScopes=["oauth"])
    assert hub.describe(["Contact", "Meeting"]) == {}


def test_properties_become_fields(hub: HubSpotCrm) -> None:
    """Types, lists in their order, what is read-only, and what HubSpot keeps elsewhere."""
    contact, meeting = schema(hub, "Contact"), schema(hub, "Meeting")
    assert contact["email"].type == "email"
    assert contact["email"].filterable
    assert contact["hubspot_owner_id"].type == "reference"
    assert contact["lifecyclestage"].forward
    stages = [option.value for option in contact["lifecyclestage"].picklist]
    assert stages.index("subscriber") < stages.index("lead") < stages.index("customer")
    assert not contact["createdate"].writable
    assert not contact["hs_object_id"].writable
    assert meeting["hs_meeting_body"].html
    assert not contact["email"].custom
    assert contact["instep_contact_id"].custom
    assert {option.value for option in meeting["hs_meeting_outcome"].picklist} >= {"SCHEDULED", "NO_SHOW"}
    assert meeting["associations.contact"].type == "reference"
    described = hub.schema_of(hub.describe(["Meeting"])["Meeting"])
    offered = {name for name, field in described.fields.items() if mappable(described, field)}
    assert {"hs_meeting_title", "hs_meeting_location", "hs_activity_type"} <= offered
    assert not offered & {
        "hs_timestamp", "hs_meeting_start_time", "hs_meeting_outcome", "hubspot_owner_id",
        "associations.contact", "associations.contacts", "hs_object_id",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "shown", "ours"),
    [
        ("string", "text", "string"),
        ("string", "textarea", "textarea"),
        ("number", "number", "double"),
        ("date", "date", "date"),
        ("datetime", "date", "datetime"),
        ("bool", "booleancheckbox", "boolean"),
        ("enumeration", "select", "picklist"),
        ("enumeration", "radio", "picklist"),
        ("enumeration", "checkbox", "multipicklist"),
        ("enumeration", "booleancheckbox", "boolean"),
    ],
)
def test_every_type_of_the_table_is_known(hub: HubSpotCrm, kind: str, shown: str, ours: str) -> None:
    """As an admin makes them in the portal."""
    values = ("true", "false") if "boolean" in shown else ("A", "B")
    options = [{"label": v, "value": v, "displayOrder": n} for n, v in enumerate(values)]
    body: dict[str, Any] = {
        "name": "mine", "label": "Mine", "type": kind, "fieldType": shown, "groupName": "contactinformation",
        "options": options if kind in ("enumeration", "bool") else [],
    }  # fmt: skip
    hub.client.request("POST", f"{PROPERTIES}/contacts", json=body)
    assert schema(hub, "Contact")["mine"].type == ours


def test_the_api_version_is_a_date() -> None:
    """The newest unless one is pinned."""
    assert checked_version("") == "2026-09"
    assert checked_version("2026-03") == "2026-03"
    with pytest.raises(InputError):
        checked_version("62.0")


def test_the_version_before_speaks_too(portal: StandinPortal) -> None:
    """Pinned, everything goes by the older paths."""
    crm = portal.connect(api_version="2026-03")
    crm.install()
    assert crm.whoami().org_id
    assert all("2026-03" in call.path for call in crm.calls)
