"""HubSpot's older client, unmodified: v3 and v4 paths, OAuth v1."""

from __future__ import annotations

from typing import Any

import hubspot
import pytest
from hubspot.crm.associations.v4 import (
    BatchInputPublicAssociationMultiPost,
    BatchInputPublicFetchAssociationsBatchRequest,
)
from hubspot.crm.contacts import (
    BatchInputSimplePublicObjectBatchInput,
    BatchInputSimplePublicObjectBatchInputForCreate,
    BatchInputSimplePublicObjectBatchInputUpsert,
    BatchReadInputSimplePublicObjectId,
    PublicMergeInput,
    PublicObjectSearchRequest,
    SimplePublicObjectInput,
    SimplePublicObjectInputForCreate,
)
from hubspot.crm.contacts.exceptions import ApiException
from hubspot.crm.objects import meetings as meeting_models
from hubspot.crm.properties import PropertyCreate, PropertyGroupCreate

from instep_standins.hubspot.server import Running
from standins.hubspot.hs import STARTS, Client, to


@pytest.fixture
def api(running: Running) -> Any:
    client = hubspot.Client.create(access_token=running.portal.token)
    client.config["host"] = running.base_url
    return client


def contact(api: Any, email: str = "mina@guest.example", **more: str) -> Any:
    asked = SimplePublicObjectInputForCreate(properties={"email": email, **more}, associations=[])
    return api.crm.contacts.basic_api.create(asked)


def test_contacts(api: Any) -> None:
    made = contact(api, firstname="Mina")
    basic = api.crm.contacts.basic_api
    assert basic.get_by_id(made.id, properties=["firstname", "phone"]).properties["phone"] is None
    assert basic.get_by_id("mina@guest.example", id_property="email").id == made.id
    basic.update(made.id, SimplePublicObjectInput(properties={"firstname": "Mira"}))
    assert [one.properties["firstname"] for one in api.crm.contacts.get_all(properties=["firstname"])] == [
        "Mira"
    ]
    with pytest.raises(ApiException) as clash:
        contact(api)
    assert (clash.value.status, f"Existing ID: {made.id}" in clash.value.body) == (409, True)
    basic.archive(made.id)
    with pytest.raises(ApiException) as gone:
        basic.get_by_id(made.id)
    assert gone.value.status == 404


def test_batches(api: Any) -> None:
    batch = api.crm.contacts.batch_api
    inputs = [
        {"properties": {"email": f"g{i}@guest.example"}, "associations": [], "objectWriteTraceId": str(i)}
        for i in range(3)
    ]
    made = batch.create(BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs))
    assert (made.status, len(made.results)) == ("COMPLETE", 3)
    again = batch.create(BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs[:1]))
    assert (again.num_errors, again.errors[0].category) == (1, "CONFLICT")
    asked = BatchReadInputSimplePublicObjectId(
        inputs=[{"id": "G1@guest.example"}, {"id": "no@guest.example"}], id_property="email", properties=["email"],
        properties_with_history=[],
    )  # fmt: skip
    read = batch.read(asked)
    assert [one.id for one in read.results] == [made.results[1].id]
    assert read.errors[0].context == {"ids": ["no@guest.example"]}
    changed = batch.update(BatchInputSimplePublicObjectBatchInput(
        inputs=[{"id": made.results[0].id, "properties": {"firstname": "G"}}]))  # fmt: skip
    assert changed.results[0].properties["firstname"] == "G"
    upserted = batch.upsert(BatchInputSimplePublicObjectBatchInputUpsert(
        inputs=[{"id": f"g{i}@guest.example", "idProperty": "email", "properties": {"lastname": "L"}} for i in (2, 3)]
    ))  # fmt: skip
    assert [one.new for one in upserted.results] == [False, True]


def test_search_and_merge(api: Any, clock: Any) -> None:
    one, two = contact(api, "one@guest.example"), contact(api, "two@guest.example")
    asked = PublicObjectSearchRequest(
        filter_groups=[{"filters": [{"propertyName": "email", "operator": "EQ", "value": "two@guest.example"}]}],
        properties=["email"], limit=10, after="0", sorts=[],
    )  # fmt: skip
    search = api.crm.contacts.search_api.do_search
    assert search(asked).total == 0
    clock.now += 10
    assert [x.id for x in search(asked).results] == [two.id]
    merged = api.crm.contacts.basic_api.merge(
        PublicMergeInput(primary_object_id=one.id, object_id_to_merge=two.id)
    )
    assert merged.properties["hs_additional_emails"] == "two@guest.example"


def test_meetings_and_associations(api: Any) -> None:
    guest, other = contact(api).id, contact(api, "other@guest.example").id
    made = api.crm.objects.meetings.basic_api.create(
        meeting_models.SimplePublicObjectInputForCreate(
            properties={"hs_timestamp": STARTS}, associations=[to(guest)]
        )
    )
    basic, batch = api.crm.associations.v4.basic_api, api.crm.associations.v4.batch_api
    basic.create_default("meetings", made.id, "contacts", other)
    assert {one.to_object_id for one in basic.get_page("meetings", made.id, "contacts").results} == {
        guest,
        other,
    }
    basic.archive("meetings", made.id, "contacts", other)
    pair = [{"from": {"id": made.id}, "to": {"id": other},
             "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 200}]}]  # fmt: skip
    batch.create("meetings", "contacts", BatchInputPublicAssociationMultiPost(inputs=pair))
    read = batch.get_page(
        "meetings", "contacts", BatchInputPublicFetchAssociationsBatchRequest(inputs=[{"id": made.id}])
    )
    assert [one.to_object_id for one in read.results[0].to] == [guest, other]


def test_owners_properties_pipelines(api: Any) -> None:
    found = api.crm.owners.owners_api.get_page(email="nuno.reis@host.example").results
    assert [one.last_name for one in found] == ["Reis"]
    api.crm.properties.groups_api.create(
        "meetings", PropertyGroupCreate(name="instep", label="Instep", display_order=-1)
    )
    asked = PropertyCreate(
        name="instep_booking_id", label="Booking id", type="string", field_type="text", group_name="instep",
        has_unique_value=True,
    )  # fmt: skip
    assert api.crm.properties.core_api.create("meetings", asked).has_unique_value is True
    assert "instep_booking_id" in [
        one.name for one in api.crm.properties.core_api.get_all("meetings").results
    ]
    assert [one.id for one in api.crm.pipelines.pipelines_api.get_all("tickets").results] == ["0"]


def test_signing_in_by_v1(api: Any, hs: Client) -> None:
    hs.fake("settings", {"autoApprove": True})
    back = "http://localhost:9/back"
    app = {"client_id": hs.portal.client_id, "client_secret": hs.portal.client_secret}
    asked = {"client_id": app["client_id"], "redirect_uri": back, "scope": "crm.objects.contacts.read"}
    code = hs.call("GET", "/oauth/authorize", **asked).headers["Location"].partition("code=")[2]
    tokens = api.oauth.tokens_api.create(grant_type="authorization_code", code=code, redirect_uri=back, **app)
    told = api.oauth.access_tokens_api.get(tokens.access_token)
    assert told.scopes == ["oauth", "crm.objects.contacts.read"]
    again = api.oauth.tokens_api.create(grant_type="refresh_token", refresh_token=tokens.refresh_token, **app)
    assert again.refresh_token == tokens.refresh_token
    api.oauth.refresh_tokens_api.archive(tokens.refresh_token)
    with pytest.raises(hubspot.oauth.exceptions.ApiException) as refused:
        api.oauth.tokens_api.create(grant_type="refresh_token", refresh_token=tokens.refresh_token, **app)
    assert "BAD_REFRESH_TOKEN" in refused.value.body
