"""Whatever is sent is answered by the org's own rules: never a 500, never a lost connection, never half a write."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from instep_standins.salesforce import Org, create_app, formulas
from standins.sf import BASE, Client

WORDS = st.sampled_from([
    "Lead", "Event", "LastName", "Company", "Email", "WhoId", "StartDateTime", "DurationInMinutes", "attributes",
    "type", "id", "records", "allOrNone", "compositeRequest", "method", "url", "referenceId", "body", "httpHeaders",
    "GET", "POST", "PATCH", f"{BASE}/sobjects/Lead", f"{BASE}/composite/sobjects", f"{BASE}/composite", "@{a.id}", "a",
    "2026-10-05T08:00:00Z", "a@mail.example", "00QHs0000000001", "deployOptions", "ids", "fields", "kind", "row",
    "batchRequests", "EventWhoIds", "RecordTypeId", "CountryCode", "StateCode", "PersonEmail", "object", "name",
    "values", "defaults", "entries", "when", "owner", "formula", "message", "matching", "objects", "permissions",
    "profile", "username", "create", "label", "choices", "Text", "ISBLANK(Email)", "integration@acme.example",
    "\x00", "\ud800", "😀" * 50, "x" * 300,
])  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=8)
BODIES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=20,
)
RECORDS = st.lists(
    st.dictionaries(WORDS, SCALARS, max_size=5).map(lambda r: {**r, "attributes": {"type": "Lead"}}),
    max_size=3,
)
PATHS = st.sampled_from([
    "/sobjects/Lead", "/sobjects/Event", "/sobjects/Lead/00QHs0000000001", "/sobjects/Lead/Email/a%40b.cd",
    "/composite", "/composite/batch", "/composite/tree/Lead", "/composite/sobjects", "/composite/sobjects/Lead",
    "/composite/sobjects/Lead/Email", "/metadata/deployRequest", "/limits", "/query",
    "/sobjects/Account", "/sobjects/Case", "/sobjects/EventRelation", "/tooling/query", "/tooling/sobjects",
    "/ui-api/object-info/Lead/picklist-values/012000000000000AAA", "/ui-api/object-info/Lead/picklist-values/x",
])  # fmt: skip
METHODS = st.sampled_from(["GET", "POST", "PATCH", "DELETE"])
SOQL_WORDS = [
    "SELECT Id", "SELECT COUNT()", "SELECT FIELDS(ALL)", "FROM Lead", "FROM Event", "WHERE", "Email", "CreatedDate",
    "IsConverted", "Who.Name", "NumberOfEmployees", "Owner.Email", "Id", "=", "!=", "<", "LIKE", "IN", "NOT IN", "(",
    ")", ",", "'a%'", "'00QHs0000000001'", "null", "true", "5", "1e999", "2026-01-01", "2026-13-41T00:00:00Z",
    "TODAY", "LAST_N_DAYS:9", "AND", "OR", "NOT", "ORDER BY", "DESC", "NULLS LAST", "LIMIT 3", "OFFSET 1", "Address",
]  # fmt: skip
SOQL_PARTS = st.lists(st.sampled_from(SOQL_WORDS), max_size=14)


ORDERS = [
    "records", "settings", "faults", "fls", "field", "convert-lead", "merge", "features", "organization", "processes",
    "record-types", "record-type-access", "queues", "assignment-rules", "default-owner", "validation-rules",
    "duplicate-rules", "profiles", "permission-sets", "user", "withhold", "approvals",
]  # fmt: skip
FORMULA_PARTS = st.lists(
    st.sampled_from([
        "ISBLANK(", "AND(", "IF(", "REGEX(", "Email", "NumberOfEmployees", "Owner.Name", "$User.Id", '"a"', '"("',
        "1", "0",
        ")", ",", "=", "<", "+", "-", "/", "&&", "||", "!", "TODAY()", "ISCHANGED(", "PRIORVALUE(", "TRUE", "NULL",
    ]),
    max_size=12,
)  # fmt: skip


def in_process(org: Org) -> Client:
    """A signed-in client without a socket."""
    http = httpx2.Client(transport=httpx2.WSGITransport(app=create_app(org)), base_url="http://org.example")
    client = Client(http, org)
    client.sign_in()
    return client


ORG = Org()
SF = in_process(ORG)
RELAXED = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def check(method: str, path: str, content: bytes) -> None:
    before = json.dumps(ORG.tables.rows("Lead"), sort_keys=True)
    headers = {"Content-Type": "application/json"}
    answer = SF.http.request(method, BASE + path, content=content, headers=headers)
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400 and "/composite" not in path:
        assert json.dumps(ORG.tables.rows("Lead"), sort_keys=True) == before


@RELAXED
@given(METHODS, PATHS, BODIES)
def test_any_json(method: str, path: str, body: Any) -> None:
    check(method, path, json.dumps(body).encode())


@RELAXED
@given(METHODS, st.sampled_from(["/composite/sobjects", "/composite/sobjects/Lead/Email"]), RECORDS)
def test_any_records(method: str, path: str, records: list[Any]) -> None:
    check(method, path, json.dumps({"records": records}).encode())


@RELAXED
@given(st.lists(st.dictionaries(WORDS, BODIES, max_size=5), max_size=4))
def test_any_sub_requests(subs: list[Any]) -> None:
    listed = [
        {"method": "POST", "url": f"{BASE}/sobjects/Lead", "referenceId": f"r{n}", **s}
        for n, s in enumerate(subs)
    ]
    check("POST", "/composite", json.dumps({"compositeRequest": listed}).encode())


@RELAXED
@given(METHODS, PATHS, st.binary(max_size=40))
def test_any_bytes(method: str, path: str, content: bytes) -> None:
    check(method, path, content)


@RELAXED
@given(SOQL_PARTS)
def test_any_statement(parts: list[str]) -> None:
    answer = SF.query(" ".join(["SELECT Id FROM Lead", *parts][bool(parts and "SELECT" in parts[0]) :]))
    assert answer.status_code in (200, 400), answer.text


@RELAXED
@given(FORMULA_PARTS)
def test_any_formula(parts: list[str]) -> None:
    """It is refused with words, or it has a value for every record."""
    text = " ".join(parts)
    try:
        formulas.check(text, ORG, ORG.catalogue["Lead"])
    except ValueError:
        return
    record = {"Email": "a@b.example", "NumberOfEmployees": 3}
    for held in ({}, record):
        formulas.value(text, formulas.Scope(ORG, ORG.catalogue["Lead"], held, None, ""))


@pytest.mark.parametrize(
    "text", ["+".join("1" * 1900), "!" * 1000 + "TRUE", "(" * 1000, "NOT(" * 500, '"' + "x" * 4000]
)
def test_formulas_too_long_or_too_deep(text: str) -> None:
    with pytest.raises(ValueError, match="formula"):
        formulas.check(text, ORG, ORG.catalogue["Lead"])


LEAD = {"LastName": "A", "Company": "C"}


@pytest.mark.parametrize("headers", [[1], "text", {"Sforce-Auto-Assign": None}])
def test_headers_of_a_sub_request_that_are_none(headers: Any) -> None:
    sub = {
        "method": "POST",
        "url": f"{BASE}/sobjects/Lead",
        "referenceId": "a",
        "body": LEAD,
        "httpHeaders": headers,
    }
    check("POST", "/composite", json.dumps({"compositeRequest": [sub]}).encode())


@pytest.mark.parametrize("asked", ["[1]", '{"deployOptions": [1]}', "{", "null"])
def test_deploy_options_that_are_none(asked: str) -> None:
    form = {"json": ("", asked, "application/json"), "file": ("a.zip", b"x", "application/zip")}
    assert SF.http.post(BASE + "/metadata/deployRequest", files=form).status_code in (201, 400)


@pytest.mark.parametrize("name", ["half a pair \ud800", "nul \x00"])
def test_text_that_is_no_text_is_refused(name: str) -> None:
    body = json.dumps({**LEAD, "LastName": name}).encode()
    check("POST", "/sobjects/Lead", body)
    headers = {"Content-Type": "application/json"}
    answer = SF.http.post(BASE + "/sobjects/Lead", content=body, headers=headers)
    assert answer.json()[0]["errorCode"] == "JSON_PARSER_ERROR"


@pytest.mark.parametrize(
    "path", ["/sobjects/Lead/%FF", "/sobjects/%E2%80%AE", "/query?q=%FF%FE", "/sobjects/Lead/Email/ø"]
)
def test_addresses_of_any_bytes(path: str) -> None:
    assert SF.http.get(BASE + path).status_code in (400, 404)


def test_statement_with_an_absurd_number_of_days() -> None:
    assert SF.query("SELECT Id FROM Lead WHERE CreatedDate = LAST_N_DAYS:99999999999").status_code == 400
    assert SF.query("SELECT Id FROM Lead WHERE CreatedDate = LAST_N_DAYS:99999").status_code == 200


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(ORDERS), BODIES)
def test_any_order(order: str, body: Any) -> None:
    """Orders that make no sense are refused as well, and what they change is undone before the next one."""
    answer = SF.http.post(
        "/__fake__/" + order, content=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code < 500, answer.text
    SF.fake("reset", {"keepMetadata": True})
    SF.sign_in()
