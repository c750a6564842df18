"""HubSpot's new client, unmodified and strict: it refuses every answer whose shape is not HubSpot's."""

from __future__ import annotations

from typing import Any

import hubspot_sdk
import pytest
from hubspot_sdk import HubSpot

from standins.hubspot.hs import MEETING_TO_CONTACT, STARTS, Client, to

INLINE = "HUBSPOT_DEFINED"


def contact(sdk: HubSpot, email: str = "mina@guest.example", **more: str) -> Any:
    return sdk.crm.objects.contacts.create(properties={"email": email, **more}, associations=[])


def meeting(sdk: HubSpot, *contacts: str, **more: str) -> Any:
    values = {"hs_timestamp": STARTS, "hs_meeting_title": "Intro", **more}
    return sdk.crm.objects.meetings.create(properties=values, associations=[to(one) for one in contacts])


def test_a_contact_through_its_life(sdk: HubSpot) -> None:
    made = contact(sdk, firstname="Mina", lastname="Sol")
    assert made.properties["lifecyclestage"] == "lead"
    read = sdk.crm.objects.contacts.get("MINA@guest.example", id_property="email", properties=["firstname"])
    assert (read.id, read.properties["firstname"], read.archived) == (made.id, "Mina", False)
    changed = sdk.crm.objects.contacts.update(made.id, properties={"firstname": "Mira"})
    assert changed.properties["firstname"] == "Mira"
    assert [one.id for one in sdk.crm.objects.contacts.list(properties=["email"])] == [made.id]
    sdk.crm.objects.contacts.delete(made.id)
    with pytest.raises(hubspot_sdk.NotFoundError):
        sdk.crm.objects.contacts.get(made.id)
    assert contact(sdk).id != made.id


def test_lists_go_on_page_by_page(sdk: HubSpot) -> None:
    made = [contact(sdk, f"guest{i}@guest.example").id for i in range(7)]
    listed = sdk.crm.objects.contacts.list(limit=3, properties=["email"])
    assert len(listed.results) == 3
    assert [one.id for one in listed] == made


def test_a_meeting_and_its_contact(sdk: HubSpot) -> None:
    guest = contact(sdk).id
    made = meeting(sdk, guest, hs_meeting_outcome="SCHEDULED")
    read = sdk.crm.objects.meetings.get(made.id, associations=["contacts"], properties=["hs_meeting_outcome"])
    assert read.associations is not None
    assert [(one.id, one.type) for one in read.associations["contacts"].results] == [
        (guest, "meeting_event_to_contact")
    ]
    sdk.crm.objects.meetings.update(made.id, properties={"hs_meeting_outcome": "NO_SHOW"})
    assert sdk.crm.objects.meetings.get(made.id, properties=["hs_meeting_outcome"]).properties[
        "hs_meeting_outcome"
    ] == "NO_SHOW"  # fmt: skip
    sdk.crm.objects.meetings.delete(made.id)
    assert (
        sdk.crm.objects.contacts.get(guest, associations=["meetings"], properties=["email"]).associations
        is None
    )


@pytest.mark.parametrize("kind", ["companies", "tickets", "deals"])
def test_the_neighbours(sdk: HubSpot, kind: str) -> None:
    values = {
        "companies": {"name": "Acme", "domain": "acme.example"},
        "tickets": {"subject": "Help", "hs_pipeline": "0", "hs_pipeline_stage": "1"},
        "deals": {"dealname": "Big", "pipeline": "default", "dealstage": "contractsent"},
    }[kind]
    title = next(iter(values))
    calls = getattr(sdk.crm.objects, kind)
    made = calls.create(properties=values, associations=[])
    assert calls.update(made.id, properties={title: "Other"}).properties[title] == "Other"
    assert calls.get(made.id, properties=[title]).properties[title] == "Other"
    batch = calls.batch.create(inputs=[{"properties": values, "associations": []}] * 2)
    assert len(batch.results) == 2
    calls.batch.delete(inputs=[{"id": one.id} for one in batch.results])
    calls.delete(made.id)
    assert list(calls.list(properties=[title])) == []


def test_batches(sdk: HubSpot, hs: Client) -> None:
    hs.install()
    calls = sdk.crm.objects.meetings.batch
    guest = contact(sdk).id
    inputs = [
        {
            "properties": {"hs_timestamp": STARTS, "instep_booking_id": f"B{i}"},
            "associations": [to(guest)],
            "objectWriteTraceId": f"t{i}",
        }
        for i in range(3)
    ]
    made = calls.create(inputs=inputs)  # type: ignore[arg-type]
    assert [one.object_write_trace_id for one in made.results] == ["t0", "t1", "t2"]
    read = calls.get(
        inputs=[{"id": "B1"}], id_property="instep_booking_id", properties=["instep_booking_id"],
        properties_with_history=[],
    )  # fmt: skip
    assert [one.id for one in read.results] == [made.results[1].id]
    changed = calls.update(
        inputs=[{"id": "B2", "id_property": "instep_booking_id", "properties": {"hs_meeting_title": "New"}}]
    )
    assert changed.results[0].id == made.results[2].id
    upserted = calls.upsert(
        inputs=[
            {"id": f"B{i}", "id_property": "instep_booking_id", "properties": {"hs_timestamp": STARTS}}
            for i in (2, 3)
        ]
    )
    assert [one.new for one in upserted.results] == [False, True]
    calls.delete(inputs=[{"id": one.id} for one in made.results])
    assert [one["id"] for one in hs.stored("meetings")] == [upserted.results[1].id]


def test_search(sdk: HubSpot, clock: Any) -> None:
    made = contact(sdk, phone="+4520304050")
    clock.now += 5
    found = sdk.crm.objects.contacts.search(
        filter_groups=[{"filters": [{"property_name": "phone", "operator": "EQ", "value": "+4520304050"}]}],
        sorts=["createdate"], properties=["email"], limit=10, after="0",
    )  # fmt: skip
    assert (found.total, [one.id for one in found.results]) == (1, [made.id])


def test_associations(sdk: HubSpot) -> None:
    first, second, held = contact(sdk).id, contact(sdk, "two@guest.example").id, meeting(sdk).id
    calls = sdk.crm.associations
    made = calls.batch.create(
        to_object_type="contacts", from_object_type="meetings",
        inputs=[{"from": {"id": held}, "to": {"id": first},
                 "types": [{"association_category": INLINE, "association_type_id": MEETING_TO_CONTACT}]}],
    )  # fmt: skip
    assert (made.results[0].from_object_id, made.results[0].to_object_id) == (held, first)
    both = calls.batch.create_default(
        to_object_type="contacts",
        from_object_type="meetings",
        inputs=[{"from": {"id": held}, "to": {"id": second}}],
    )
    assert [one.association_spec.association_type_id for one in both.results] == [200, 199]
    read = calls.batch.get(to_object_type="contacts", from_object_type="meetings", inputs=[{"id": held}])
    assert [one.to_object_id for one in read.results[0].to] == [first, second]
    calls.batch.delete(
        to_object_type="contacts",
        from_object_type="meetings",
        inputs=[{"from": {"id": held}, "to": [{"id": first}]}],
    )
    read = calls.batch.get(to_object_type="contacts", from_object_type="meetings", inputs=[{"id": held}])
    assert [one.to_object_id for one in read.results[0].to] == [second]


def test_properties(sdk: HubSpot) -> None:
    calls = sdk.crm.properties
    group = calls.groups.create("meetings", name="instep", label="Instep")
    assert group.archived is False
    made = calls.create(
        "meetings", name="instep_booking_id", label="Booking id", type="string", field_type="text",
        group_name="instep", has_unique_value=True, form_field=False,
    )  # fmt: skip
    assert (made.has_unique_value, made.hubspot_defined) == (True, False)
    names = [one.name for one in calls.list("meetings").results]
    assert {"instep_booking_id", "hs_timestamp", "hs_meeting_outcome"} <= set(names)
    with pytest.raises(hubspot_sdk.ConflictError):
        calls.create(
            "meetings",
            name="instep_booking_id",
            label="x",
            type="string",
            field_type="text",
            group_name="instep",
        )
    calls.update("instep_booking_id", object_type="meetings", label="Other")
    assert calls.get("instep_booking_id", object_type="meetings").label == "Other"
    calls.delete("instep_booking_id", object_type="meetings")
    assert [one.name for one in calls.list("meetings", archived=True).results] == ["instep_booking_id"]


def test_owners_pipelines_account(sdk: HubSpot) -> None:
    found = sdk.crm.owners.list(email="amara.okafor@host.example").results
    assert [(one.first_name, one.archived) for one in found] == [("Amara", False)]
    assert sdk.crm.owners.get(int(found[0].id)).email == "amara.okafor@host.example"
    stages = sdk.crm.pipelines.list("tickets").results[0].stages
    assert [one.label for one in stages] == ["New", "Waiting on contact", "Waiting on us", "Closed"]
    details = sdk.account.get()
    assert (details.account_type, details.time_zone) == ("DEVELOPER_TEST", "Europe/Copenhagen")
    assert sdk.account.get_daily_private_apps_usage().results[0].current_usage > 0
    assert sdk.crm.limits.get_custom_property_limits().overall_usage == 0


def test_one_association(sdk: HubSpot) -> None:
    guest, held = contact(sdk).id, meeting(sdk).id
    pair = {"object_type": "meetings", "object_id": held}
    made = sdk.crm.associations.create(
        guest, from_object_type="meetings", from_object_id=held, to_object_type="contacts"
    )
    assert [one.association_spec.association_type_id for one in made.results] == [200, 199]
    told = sdk.crm.associations.update_labels(
        guest, **pair, to_object_type="contacts",
        body=[{"association_category": INLINE, "association_type_id": MEETING_TO_CONTACT}],
    )  # fmt: skip
    assert (told.from_object_type_id, told.to_object_type_id, told.labels) == ("0-47", "0-1", [])
    listed = sdk.crm.associations.list("contacts", **pair).results
    assert [(one.to_object_id, one.association_types[0].type_id) for one in listed] == [(guest, 200)]
    sdk.crm.associations.delete(guest, **pair, to_object_type="contacts")
    assert sdk.crm.associations.list("contacts", **pair).results == []


def test_primary_company_has_two_types(sdk: HubSpot) -> None:
    guest = contact(sdk).id
    company = sdk.crm.objects.companies.create(properties={"name": "Acme"}, associations=[]).id
    sdk.crm.associations.update_labels(
        company, object_type="contacts", object_id=guest, to_object_type="companies",
        body=[{"association_category": INLINE, "association_type_id": 1}],
    )  # fmt: skip
    read = sdk.crm.objects.contacts.get(guest, associations=["companies"], properties=["email"])
    assert read.associations is not None
    assert [one.type for one in read.associations["companies"].results] == [
        "contact_to_company_unlabeled", "contact_to_company",
    ]  # fmt: skip


def test_value_rules_are_readable(sdk: HubSpot, hs: Client) -> None:
    rule = {"ruleType": "MAX_LENGTH", "ruleArguments": ["5"]}
    hs.fake("settings", {"validations": {"contacts.firstname": [rule]}})
    told = sdk.crm.properties_validations.get_by_object_type_id("0-1").results
    assert [(one.property_name, one.property_validation_rules[0].rule_type) for one in told] == [
        ("firstname", "MAX_LENGTH")
    ]
    one = sdk.crm.properties_validations.get_by_object_type_id_and_property_name(
        "firstname", object_type_id="0-1"
    )
    assert one.results[0].rule_arguments == ["5"]
    with pytest.raises(hubspot_sdk.BadRequestError, match="INVALID_MAX_LENGTH"):
        contact(sdk, firstname="Maximiliana")


def test_signing_in(sdk: HubSpot, hs: Client) -> None:
    hs.fake("settings", {"autoApprove": True})
    back = "http://localhost:9/back"
    asked = {"client_id": hs.portal.client_id, "redirect_uri": back, "state": "s",
             "scope": "crm.objects.contacts.read crm.objects.contacts.write"}  # fmt: skip
    where = hs.call("GET", "/oauth/authorize", **asked).headers["Location"]
    code = where.partition("code=")[2].partition("&")[0]
    app = {"client_id": hs.portal.client_id, "client_secret": hs.portal.client_secret}
    made = sdk.auth.oauth.create_token(grant_type="authorization_code", code=code, redirect_uri=back, **app)
    told = sdk.auth.oauth.introspect_token(token=made.access_token, **app)
    assert told.active
    assert made.refresh_token
    again = sdk.auth.oauth.create_token(grant_type="refresh_token", refresh_token=made.refresh_token, **app)
    assert (again.refresh_token, again.access_token == made.access_token) == (made.refresh_token, False)
    sdk.auth.oauth.revoke_token(token=made.refresh_token, **app)
    with pytest.raises(hubspot_sdk.BadRequestError, match="invalid_grant"):
        sdk.auth.oauth.create_token(grant_type="refresh_token", refresh_token=made.refresh_token, **app)


def test_merge_and_gdpr(sdk: HubSpot) -> None:
    one, two = contact(sdk, "one@guest.example"), contact(sdk, "two@guest.example")
    held = meeting(sdk, two.id)
    merged = sdk.crm.objects.contacts.merge(primary_object_id=one.id, object_id_to_merge=two.id)
    assert merged.id not in (one.id, two.id)
    for old in (one.id, two.id, "two@guest.example"):
        by = "email" if "@" in old else hubspot_sdk.omit
        assert sdk.crm.objects.contacts.get(old, id_property=by, properties=["email"]).id == merged.id
    linked = sdk.crm.objects.meetings.get(held.id, associations=["contacts"], properties=["hs_timestamp"])
    assert linked.associations is not None
    assert [x.id for x in linked.associations["contacts"].results] == [merged.id]
    sdk.crm.objects.contacts.gdpr_delete(object_id="one@guest.example", id_property="email")
    with pytest.raises(hubspot_sdk.NotFoundError):
        sdk.crm.objects.contacts.get(merged.id)
