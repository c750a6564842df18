"""The client's own duties: version, session, limits, describes, ids."""

from __future__ import annotations

import json

import httpx2
import pytest

from crm_batches import StandIn, scripted
from instep.core.errors import Bug, InputError, NeedsAdmin, Retry, Scope, Wait
from instep.crm.port import Crm, Limits
from instep.crm.salesforce import SalesforceCredentials, SalesforceCrm, connect
from instep.crm.salesforce.ids import is_id, long_id, object_of
from instep.crm.transport import Transport

TOKEN = {
    "access_token": "t",
    "instance_url": "https://acme.my.salesforce.com",
    "id": "https://login.salesforce.com/id/00D000000000001AAA/005000000000001AAA",
}


def listing(*versions: str) -> SalesforceCrm:
    """A client of an org that lists these API versions."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/services/data/":
            assert "authorization" not in request.headers
            return httpx2.Response(200, json=[{"label": v, "version": v} for v in versions])
        return httpx2.Response(200, json=TOKEN)

    credentials = SalesforceCredentials("https://acme.my.salesforce.com", "c", "s")
    return connect(credentials, transport=Transport(inner=httpx2.MockTransport(answer)))


@pytest.mark.parametrize(
    ("listed", "used"),
    [
        (("58.0", "66.0", "67.0", "68.0"), "68.0"),
        (("66.0", "68.0", "69.0", "100.0"), "68.0"),
        (("9.0", "60.0", "62.0"), "62.0"),
    ],
)
def test_the_newest_version_that_both_know_is_used(listed: tuple[str, ...], used: str) -> None:
    assert listing(*listed).api_version == used


def test_an_org_without_a_usable_version_is_told_how_to_name_one() -> None:
    with pytest.raises(NeedsAdmin, match="none") as caught:
        listing().client.version  # noqa: B018
    assert "--api-version" in caught.value.cure
    with pytest.raises(NeedsAdmin, match=r"58\.0"):
        listing("58.0").client.version  # noqa: B018


def test_a_pinned_version_asks_nobody(standin: StandIn) -> None:
    crm = standin.connect(api_version="62.0")
    crm.users()
    assert [c.path for c in crm.calls] == ["/services/data/v62.0/query"]
    for wrong in ("59.0", "v62.0", "62", "x"):
        with pytest.raises(InputError, match="no API version"):
            standin.connect(api_version=wrong)


def test_every_request_is_counted_as_the_org_counts_it(standin: StandIn, crm: SalesforceCrm) -> None:
    crm.users()
    crm.describe(["Lead", "Event"])
    crm.whoami()
    assert len(crm.calls) == standin.counted() == 4
    assert crm.limits.used
    assert crm.limits.allowed


def test_a_fork_counts_for_itself(crm: SalesforceCrm) -> None:
    other = crm.fork()
    other.users()
    assert (len(crm.calls), len(other.calls)) == (0, 1)


def test_the_adapter_is_what_the_engine_asks_for(crm: SalesforceCrm) -> None:
    engine_sees: Crm = crm
    assert isinstance(engine_sees.limits, Limits)
    assert crm.record_url("Lead", "00Q1").endswith("/lightning/r/Lead/00Q1/view")


# -- sessions ------------------------------------------------------------------------------------


def refusing(status: int, body: object, **headers: str) -> SalesforceCrm:
    return scripted(lambda request: httpx2.Response(status, json=body, headers=headers))


def test_a_session_that_no_refresh_can_mend_asks_to_reconnect() -> None:
    for message, calls in (
        ("This session is not valid for use with the REST API", 1),
        ("Session expired or invalid", 2),
    ):
        crm = refusing(401, [{"errorCode": "INVALID_SESSION_ID", "message": message}])
        with pytest.raises(NeedsAdmin) as caught:
            crm.users()
        assert (caught.value.code, caught.value.scope) == ("reconnect", Scope.CONNECTION)
        assert len(crm.calls) == calls


@pytest.mark.parametrize(
    ("status", "kind", "scope"),
    [
        (401, NeedsAdmin, Scope.CONNECTION),
        (302, Retry, Scope.CONNECTION),
        (410, NeedsAdmin, Scope.CONNECTION),
        (414, Bug, Scope.BATCH),
        (420, Retry, Scope.CONNECTION),
        (429, Wait, Scope.CONNECTION),
        (431, Bug, Scope.BATCH),
        (500, Retry, Scope.BATCH),
        (502, Retry, Scope.BATCH),
        (503, Retry, Scope.BATCH),
    ],
)
def test_an_answer_without_a_reason_is_a_decision_too(
    status: int, kind: type[Exception], scope: Scope
) -> None:
    with pytest.raises(kind) as caught:
        scripted(lambda request: httpx2.Response(status, text="<html>")).users()
    assert caught.value.scope is scope  # type: ignore[attr-defined]


def test_the_code_decides_not_the_status() -> None:
    locked = [{"errorCode": "UNABLE_TO_LOCK_ROW", "message": "locked"}]
    for status in (400, 500):
        with pytest.raises(Retry) as caught:
            refusing(status, locked).users()
        assert caught.value.code == "UNABLE_TO_LOCK_ROW"


def test_the_request_id_of_a_refusal_is_kept() -> None:
    body = [{"errorCode": "INVALID_FIELD", "message": "No such column 'X' on entity 'User'"}]
    headers = {"X-SFDC-Request-Id": "abc-1"}
    crm = scripted(lambda request: httpx2.Response(400, json=body, headers=headers))
    with pytest.raises(NeedsAdmin) as caught:
        crm.users()
    assert caught.value.request_id == "abc-1"
    assert crm.calls[0].request_id == "abc-1"


def test_the_name_and_the_encoding_of_requests() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        assert request.headers["user-agent"].startswith("Instep/")
        assert "gzip" in request.headers["accept-encoding"]
        assert request.headers["authorization"] == "Bearer token"
        return httpx2.Response(200, json={"done": True, "records": []})

    assert scripted(answer).users() == ()


# -- describes -----------------------------------------------------------------------------------


def test_a_described_object_says_what_the_mapping_needs(crm: SalesforceCrm) -> None:
    documents = crm.describe(["Lead", "Event"])
    lead, event = (crm.schema_of(documents[name]) for name in ("Lead", "Event"))
    assert {f.name for f in lead.required()} == {"LastName", "Company"}
    assert (lead.fields["LastName"].length, lead.fields["Email"].type) == (80, "email")
    assert event.fields["ShowAs"].restricted
    assert [v.value for v in event.fields["ShowAs"].picklist] == ["Busy", "OutOfOffice", "Free"]
    booking_id = event.fields["Instep_Booking_Id__c"]
    assert booking_id.external_id
    assert booking_id.unique
    assert not event.fields["Description"].filterable
    assert lead.fields["OwnerId"].reference_to
    assert not event.fields["Instep_Event_Status__c"].restricted


def test_a_document_is_small_plain_json_and_is_revalidated(standin: StandIn, crm: SalesforceCrm) -> None:
    known = crm.describe(["Lead"])
    kept = json.loads(json.dumps(known))
    crm.calls.clear()
    again = crm.describe(["Lead"], kept)
    assert again["Lead"] is kept["Lead"]
    assert [c.status for c in crm.calls] == [304]
    assert crm.schema_of(kept["Lead"]) == crm.schema_of(known["Lead"])
    assert len(json.dumps(kept["Lead"])) < 40_000


def test_an_object_that_the_user_cannot_see_is_left_out(crm: SalesforceCrm) -> None:
    assert list(crm.describe(["Lead", "Invoice__c"])) == ["Lead"]


def test_a_rich_text_field_is_html() -> None:
    fields = [
        {"name": "A__c", "label": "A", "type": "textarea", "extraTypeInfo": "richtextarea"},
        {"name": "B__c", "label": "B", "type": "textarea", "extraTypeInfo": "plaintextarea"},
        {"name": "C__c", "label": "C", "type": "double", "precision": 5, "scale": 2, "htmlFormatted": False},
    ]
    crm = scripted(
        lambda request: httpx2.Response(200, json={"name": "Lead", "label": "Lead", "fields": fields})
    )
    schema = crm.schema_of(crm.describe(["Lead"])["Lead"])
    assert [f.html for f in schema.fields.values()] == [True, False, False]
    assert (schema.fields["C__c"].precision, schema.fields["C__c"].scale) == (5, 2)


# -- ids -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("001A000000nTzbz", "001A000000nTzbzIAC"),
        ("0016000000Ck8nF", "0016000000Ck8nFAAR"),
        ("a0J6F00000vWXXs", "a0J6F00000vWXXsUAO"),
    ],
)
def test_a_short_id_gets_its_checksum(short: str, long: str) -> None:
    assert long_id(short) == long
    assert long_id(long) == long


def test_what_is_no_id_stays_as_it_is() -> None:
    assert long_id("not an id at al") == "not an id at al"
    assert not is_id("00Q00000000000'")
    assert not is_id("00Q000000000001\n")
    assert object_of("00Q000000000001") == "Lead"
    assert object_of("zzz000000000001") == ""
