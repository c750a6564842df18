"""Whatever is sent is answered by the portal's own rules: never a 500, never a lost connection, never half a write."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from instep_standins.hubspot import Portal, create_app
from standins.hubspot.hs import STARTS, Client, V

WORDS = st.sampled_from([
    "properties", "inputs", "id", "idProperty", "email", "firstname", "lifecyclestage", "lead", "hs_timestamp",
    "hubspot_owner_id", "associations", "to", "from", "types", "associationCategory", "HUBSPOT_DEFINED",
    "associationTypeId", "objectWriteTraceId", "filterGroups", "filters", "propertyName", "operator", "EQ", "IN",
    "BETWEEN", "GTE", "value", "values", "highValue", "sorts", "limit", "after", "query", "createdate", "amount",
    "a@guest.example", STARTS, "primaryObjectId", "objectIdToMerge", "objectId", "name", "label", "type", "fieldType",
    "groupName", "string", "text", "enumeration", "select", "options", "engagement", "hasUniqueValue", "displayOrder",
    "30200000002", "object", "kind", "row", "match", "meetings", "contacts", "phone", "required", "validations",
    "\x00", "\ud800", "😀" * 50, "x" * 300, "9" * 30,
])  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=8)
BODIES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=20,
)
RECORD = st.fixed_dictionaries(
    {"properties": st.dictionaries(WORDS, SCALARS, max_size=5)}, optional={"id": SCALARS}
)
BATCHES = st.fixed_dictionaries(
    {"inputs": st.lists(RECORD | BODIES, max_size=3)}, optional={"idProperty": WORDS}
)
FILTERS = st.dictionaries(
    st.sampled_from(["propertyName", "operator", "value", "values", "highValue"]), WORDS, max_size=5
)
SEARCHES = st.fixed_dictionaries(
    {
        "filterGroups": st.lists(
            st.fixed_dictionaries({"filters": st.lists(FILTERS, max_size=2)}), max_size=2
        )
        | SCALARS
    },
    optional={
        "limit": SCALARS,
        "after": SCALARS,
        "sorts": st.lists(WORDS, max_size=2) | SCALARS,
        "properties": BODIES,
    },
)
PATHS = st.sampled_from([
    *(f"/crm/objects/{V}/{path}" for path in (
        "contacts", "meetings", "deals", "tickets/1", "contacts/30200000002", "contacts/merge", "contacts/gdpr-delete",
        "contacts/batch/create", "contacts/batch/update", "contacts/batch/upsert", "contacts/batch/read",
        "contacts/batch/archive", "contacts/search", "meetings/search", "meetings/1/associations/contacts/2",
        "contacts/30200000002/associations/companies/30200000002", "gizmos", "contacts/1/associations",
    )),
    *(f"/crm/associations/{V}/meetings/contacts/{path}" for path in (
        "batch/create", "batch/read", "batch/archive", "batch/associate/default", "batch/labels/archive", "labels",
    )),
    f"/crm/properties/{V}/contacts", f"/crm/properties/{V}/contacts/email", f"/crm/properties/{V}/meetings/groups",
    f"/crm/properties/{V}/meetings/batch/create", "/crm/v3/objects/contacts", "/crm/v4/associations/a/b/batch/read",
    f"/crm/property-validations/{V}/0-1", f"/crm/owners/{V}", f"/crm/pipelines/{V}/tickets", f"/oauth/{V}/token",
    "/oauth/v2/private-apps/get/access-token-info", f"/account-info/{V}/details", "/crm/", "/crm/v3",
])  # fmt: skip
METHODS = st.sampled_from(["GET", "POST", "PATCH", "PUT", "DELETE"])
QUERIES = st.dictionaries(
    st.sampled_from(["limit", "after", "properties", "associations", "idProperty", "archived", "email"]),
    st.sampled_from(["1", "x", "", "email", "contacts", "true", "-1", "99999999999999999999", "a,b"]), max_size=3,
)  # fmt: skip
ORDERS = ["records", "settings", "faults", "edit", "merge", "associate", "owner", "expire-sessions"]


def in_process(portal: Portal) -> Client:
    """A client without a socket."""
    transport = httpx2.WSGITransport(app=create_app(portal))
    return Client(httpx2.Client(transport=transport, base_url="http://portal.example"), portal)


def fresh() -> Client:
    portal = Portal()
    portal.settings.burst = portal.settings.searchPerSecond = 10**9
    portal.settings.searchLag = 0
    client = in_process(portal)
    client.contact("held@guest.example", firstname="H")
    client.meeting(client.contact("a@guest.example"))
    return client


HS = fresh()
RELAXED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
JSON = {"Content-Type": "application/json"}


def sent(method: str, path: str, body: Any, query: dict[str, str] | None = None) -> httpx2.Response:
    content = json.dumps(body, ensure_ascii=True).encode()
    return HS.http.request(method, path, content=content, headers=JSON, params=query)


@RELAXED
@given(METHODS, PATHS, BODIES | BATCHES | RECORD, QUERIES)
def test_every_call_is_answered(method: str, path: str, body: Any, query: dict[str, str]) -> None:
    answer = sent(method, path, body, query)
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.json()["message"]


@RELAXED
@given(st.sampled_from(["create", "update", "upsert", "read", "archive"]), BATCHES)
def test_every_batch_is_answered(what: str, body: Any) -> None:
    assert sent("POST", f"/crm/objects/{V}/contacts/batch/{what}", body).status_code < 500


@RELAXED
@given(SEARCHES)
def test_every_search_is_answered(body: Any) -> None:
    assert sent("POST", f"/crm/objects/{V}/contacts/search", body).status_code < 500


@RELAXED
@given(st.sampled_from(["POST", "PATCH", "DELETE"]), st.sampled_from(ORDERS), BODIES)
def test_every_order_is_answered_and_the_pages_stand(method: str, name: str, body: Any) -> None:
    client = fresh()
    answer = client.http.request(method, f"/__fake__/{name}", content=json.dumps(body).encode(), headers=JSON)
    assert answer.status_code < 500, answer.text
    client.fake("faults", method="DELETE")
    for path in ("/", "/setup", "/faults", "/o/contacts"):
        assert client.http.get(path).status_code == 200


@RELAXED
@given(st.lists(RECORD, max_size=4))
def test_a_refused_batch_leaves_nothing(inputs: list[dict[str, Any]]) -> None:
    before = HS.stored("contacts")
    answer = sent("POST", f"/crm/objects/{V}/contacts/batch/create", {"inputs": inputs})
    if answer.status_code == 400:
        assert HS.stored("contacts") == before


OBJECTS, PROPERTY = f"/crm/objects/{V}", {
    "name": "a_b", "label": "L", "type": "string", "fieldType": "text", "groupName": "contactinformation",
}  # fmt: skip
ODD_CALLS: list[tuple[str, str, Any]] = [
    ("POST", f"/crm/properties/{V}/contacts", {**PROPERTY, "displayOrder": "x"}),
    ("POST", f"/crm/properties/{V}/contacts", {**PROPERTY, "name": ["a"]}),
    ("POST", f"/crm/properties/{V}/contacts",
     {**PROPERTY, "type": "enumeration", "fieldType": "select", "options": [1]}),
    ("PATCH", f"/crm/properties/{V}/contacts/jobtitle", {"displayOrder": []}),
    ("PATCH", f"/crm/properties/{V}/contacts/jobtitle", {"groupName": {}}),
    ("POST", f"{OBJECTS}/contacts/search", {"filterGroups": [{"filters": 5}]}),
    ("POST", f"{OBJECTS}/contacts/search", {"filters": {"a": 1}}),
    ("POST", f"{OBJECTS}/contacts/search", {"properties": 5}),
    ("POST", f"{OBJECTS}/contacts/search", {"sorts": [[]]}),
    ("POST", f"{OBJECTS}/contacts/search",
     {"filters": [{"propertyName": "createdate", "operator": "GTE", "value": "9" * 40}]}),
    ("POST", f"{OBJECTS}/meetings", {"properties": {"hs_timestamp": "0001-01-01T00:00:00+14:00"}}),
    ("POST", f"{OBJECTS}/meetings", {"properties": {"hs_timestamp": 1e308}}),
    ("POST", f"{OBJECTS}/deals", {"properties": {"dealname": "a", "amount": "1e999999999"}}),
    ("POST", f"{OBJECTS}/contacts/merge", {"primaryObjectId": [1], "objectIdToMerge": {}}),
    ("POST", f"{OBJECTS}/contacts/batch/update", {"inputs": [{"id": "1", "idProperty": ["email"], "properties": {}}]}),
    ("POST", f"{OBJECTS}/contacts/batch/read", {"inputs": [{"id": "1"}], "idProperty": ["email"]}),
    ("POST", "/__fake__/settings", {"conditional": [1]}),
    ("POST", "/__fake__/settings", {"required": {"contacts": 5}}),
    ("POST", "/__fake__/settings",
     {"validations": {"contacts.firstname": [{"ruleType": "REGEX", "ruleArguments": ["("]}]}}),
    ("POST", "/__fake__/settings", {"clock": 1e300}),
    ("POST", "/__fake__/settings", {"burst": 0}),
    ("POST", "/__fake__/faults", {"kind": "status", "status": "x"}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body"), ODD_CALLS)
def test_what_is_odd_is_refused_and_does_no_harm(method: str, path: str, body: Any) -> None:
    client = fresh()
    answer = client.http.request(method, path, content=json.dumps(body).encode(), headers=JSON)
    assert 400 <= answer.status_code < 500, answer.text
    assert client.objects("POST", "contacts", {"properties": {"lastname": "L"}}).status_code == 201


def test_of_many_at_once_one_wins(hs: Client) -> None:
    """One address, one unique value: a single winner, and everybody else learns of it."""
    hs.install()
    asked = {"properties": {"hs_timestamp": STARTS, "instep_booking_id": "B-1"}}
    with ThreadPoolExecutor(8) as pool:
        contacts = list(
            pool.map(
                lambda _: hs.objects("POST", "contacts", {"properties": {"email": "a@b.example"}}), range(16)
            )
        )
        meetings = list(pool.map(lambda _: hs.objects("POST", "meetings", asked), range(16)))
    assert sorted(one.status_code for one in contacts) == [201] + [409] * 15
    assert sorted(one.status_code for one in meetings) == [201] + [400] * 15
    held = hs.stored("contacts")[0]["id"]
    assert all(one.json()["message"].endswith(held) for one in contacts if one.status_code == 409)
