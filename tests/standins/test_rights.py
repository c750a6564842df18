"""Who may do what: profiles, permission sets, editions, approvals, JWT, Tooling reads, TLS."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from simple_salesforce import Salesforce

from instep_standins import certificates
from instep_standins.salesforce import Org, serve_in_thread
from standins.sf import Client, package
from standins.test_oauth import approve, refresh, status

USER = "integration@acme.example"
LEAD = {"LastName": "Hopper", "Company": "Navy"}
TIMES = {"StartDateTime": "2026-10-05T08:00:00Z", "EndDateTime": "2026-10-05T08:30:00Z"}
JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def bare(sf: Client, permissions: dict[str, bool] | None = None) -> None:
    """Give the connected user a profile that may do nothing but call the API."""
    sf.fake(
        "profiles",
        {
            "name": "API only",
            "objects": {},
            "permissions": {"PermissionsApiEnabled": True, **(permissions or {})},
        },
    )
    sf.fake("user", {"username": USER, "profile": "API only"})


def names(sf: Client) -> set[str]:
    return {one["name"] for one in sf.call("GET", "/sobjects").json()["sobjects"]}


def fields(sf: Client, name: str) -> set[str]:
    return {field["name"] for field in sf.call("GET", f"/sobjects/{name}/describe").json()["fields"]}


# -- objects and fields -------------------------------------------------------------------------------


def test_what_the_profile_lacks_is_not_there(sf: Client) -> None:
    bare(sf)
    assert not names(sf) & {"Lead", "Contact", "Account", "Case"}
    assert sf.call("GET", "/sobjects/Lead/describe").status_code == 404
    assert sf.query("SELECT Id FROM Lead").json()[0]["errorCode"] == "INVALID_TYPE"
    assert sf.refusal("POST", "/sobjects/Lead", LEAD)[:2] == (404, "NOT_FOUND")
    [row] = sf.collection("POST", "Lead", [LEAD])
    assert row["errors"][0]["statusCode"] == "INVALID_TYPE"


def test_a_permission_set_gives_objects_and_fields(sf: Client) -> None:
    bare(sf)
    sf.fake(
        "permission-sets",
        {
            "name": "Leads",
            "objects": {"Lead": ["read", "create"]},
            "fields": {"Lead.Email": "edit", "Lead.Title": "read"},
        },
    )
    sf.fake("user", {"username": USER, "permissionSets": ["Leads"]})
    told = sf.call("GET", "/sobjects/Lead/describe").json()
    assert [told[key] for key in ("queryable", "createable", "updateable", "deletable")] == [
        True,
        True,
        False,
        False,
    ]
    assert {"LastName", "Company", "Email", "Title"} <= fields(sf, "Lead")
    assert "Phone" not in fields(sf, "Lead")
    lead = sf.create("Lead", **LEAD, Email="a@b.example")
    assert (
        sf.refusal("POST", "/sobjects/Lead", {**LEAD, "Title": "x"})[1] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    )
    assert sf.refusal("PATCH", f"/sobjects/Lead/{lead}", {"Email": None})[1:] == (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", [], "entity type cannot be updated: Lead",
    )  # fmt: skip
    assert sf.refusal("DELETE", f"/sobjects/Lead/{lead}")[1] == "INSUFFICIENT_ACCESS_OR_READONLY"


def test_events_are_written_with_edit_events(sf: Client) -> None:
    bare(sf)
    assert sf.refusal("POST", "/sobjects/Event", TIMES)[3] == "entity type cannot be inserted: Event"
    bare(sf, {"PermissionsEditEvent": True})
    sf.create("Event", **TIMES)
    [row] = sf.rows(
        "SELECT PermissionsApiEnabled, PermissionsEditEvent, PermissionsModifyAllData FROM UserPermissionAccess"
    )
    assert [value for name, value in row.items() if name != "attributes"] == [True, True, False]


def test_a_deployed_permission_set_gives_what_it_says(sf: Client) -> None:
    files = package()
    path = "permissionsets/Instep_Connector.permissionset"
    rights = ("<objectPermissions><allowCreate>true</allowCreate><allowRead>true</allowRead><allowEdit>true</allowEdit>"
              "<object>Lead</object></objectPermissions><userPermissions><enabled>true</enabled><name>EditEvent</name>"
              "</userPermissions>")  # fmt: skip
    files[path] = files[path].replace("<label>", rights + "<label>")
    assert sf.deploy(files)["success"]
    sf.assign()
    told = sf.rows(
        "SELECT SobjectType, PermissionsRead, PermissionsDelete FROM ObjectPermissions "
        "WHERE Parent.Name = 'Instep_Connector'"
    )
    assert [(row["SobjectType"], row["PermissionsRead"], row["PermissionsDelete"]) for row in told] == [
        ("Lead", True, False)
    ]
    granted = sf.rows(
        "SELECT Field FROM FieldPermissions WHERE PermissionsEdit = true AND SobjectType = 'Lead'"
    )
    assert [row["Field"] for row in granted] == ["Lead.Instep_Contact_Id__c"]
    files[path] = files[path].replace("<allowRead>true", "<allowRead>false")
    assert (
        "depends on permission(s): Read Lead"
        in sf.deploy(files)["details"]["componentFailures"][0]["problem"]
    )
    bare(sf)
    sf.create("Lead", **LEAD)
    sf.create("Event", **TIMES, Instep_Booking_Id__c="B-1")


def test_what_is_withheld_is_withheld_from_everybody(sf: Client) -> None:
    sf.fake("withhold", {"object": "Case", "rights": ["create", "edit"]})
    assert sf.refusal("POST", "/sobjects/Case", {})[3] == "entity type cannot be inserted: Case"
    sf.fake("withhold", {"object": "Case", "rights": []})
    sf.create("Case")


# -- the edition, approvals, introspection ------------------------------------------------------------


@pytest.mark.parametrize("why", ["edition", "user"])
def test_without_the_api_every_call_is_refused_and_none_counts(sf: Client, why: str) -> None:
    if why == "edition":
        sf.fake("organization", {"edition": "Professional Edition", "api": False})
    else:
        sf.fake("settings", {"permissions": {"PermissionsApiEnabled": False}})
    before = sf.org.settings.apiUsed
    assert sf.refusal("GET", "/limits") == (
        403, "API_DISABLED_FOR_ORG", None, "The REST API is not enabled for this Organization.",
    )  # fmt: skip
    assert sf.org.settings.apiUsed == before
    assert sf.token(grant_type="client_credentials").status_code == 200


def test_the_org_says_whether_it_is_a_sandbox(sf: Client) -> None:
    sf.fake("organization", {"sandbox": True, "edition": "Enterprise Edition"})
    [row] = sf.rows("SELECT IsSandbox, OrganizationType FROM Organization")
    assert (row["IsSandbox"], row["OrganizationType"]) == (True, "Enterprise Edition")


def test_the_sixth_approval_silently_ends_the_first(sf: Client) -> None:
    tokens = [approve(sf)["refresh_token"] for _ in range(6)]
    answers = [refresh(sf, token) for token in tokens]
    assert [answer.status_code for answer in answers] == [400, 200, 200, 200, 200, 200]
    assert answers[0].json() == {
        "error": "invalid_grant",
        "error_description": "expired access/refresh token",
    }


def test_approvals_given_elsewhere_end_it_too(sf: Client) -> None:
    token = approve(sf)["refresh_token"]
    sf.fake("approvals", {"count": 4})
    assert refresh(sf, token).status_code == 200
    sf.fake("approvals", {"count": 1})
    assert refresh(sf, token).status_code == 400


def test_introspection_tells_what_a_token_is_worth(sf: Client) -> None:
    def told(token: str) -> Any:
        form = {"token": token, "client_id": sf.org.client_id, "client_secret": sf.org.client_secret}
        return sf.http.post("/services/oauth2/introspect", data=form).json()

    answer = approve(sf)
    access, kept = told(answer["access_token"]), told(answer["refresh_token"])
    assert (access["active"], access["token_type"], access["username"]) == (True, "access_token", USER)
    assert access["exp"] > 0
    assert (kept["active"], kept["token_type"], kept["scope"]) == (
        True,
        "refresh_token",
        "api refresh_token id",
    )
    sf.http.post("/services/oauth2/revoke", data={"token": answer["refresh_token"]})
    assert told(answer["refresh_token"]) == told(answer["access_token"]) == told("x") == {"active": False}


# -- JWT bearer ---------------------------------------------------------------------------------------

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = (
    KEY.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)


def assertion(sf: Client, key: rsa.RSAPrivateKey = KEY, **changed: Any) -> str:
    claims = {"iss": sf.org.client_id, "sub": USER, "aud": "https://login.salesforce.com",
              "exp": int(sf.org.now().timestamp()) + 180, **changed}  # fmt: skip
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "RS256"}, claims)
    ]
    signed = key.sign(".".join(parts).encode(), padding.PKCS1v15(), hashes.SHA256())
    return ".".join([*parts, base64.urlsafe_b64encode(signed).rstrip(b"=").decode()])


def jwt(sf: Client, token: str) -> httpx2.Response:
    return sf.http.post("/services/oauth2/token", data={"grant_type": JWT, "assertion": token})


def test_an_assertion_signs_a_pre_authorised_user_in(sf: Client) -> None:
    sf.fake("settings", {"jwtCertificate": PUBLIC, "preAuthorised": [USER]})
    answer = jwt(sf, assertion(sf))
    assert answer.status_code == 200, answer.text
    assert "refresh_token" not in answer.json()
    assert status(sf, answer.json()["access_token"]) == 200


def test_an_assertion_for_a_user_who_has_approved_the_app(sf: Client) -> None:
    sf.fake("settings", {"jwtCertificate": PUBLIC})
    refused = jwt(sf, assertion(sf)).json()
    assert refused == {"error": "invalid_grant", "error_description": "user hasn't approved this consumer"}
    approve(sf)
    assert jwt(sf, assertion(sf)).status_code == 200


@pytest.mark.parametrize(
    ("changed", "error", "description"),
    [
        ({"iss": "other"}, "invalid_client_id", "client identifier invalid"),
        ({"aud": "https://example.com"}, "invalid_grant", "audience is invalid"),
        ({"exp": 1}, "invalid_grant", "expired authorization code"),
        ({"exp": 4_000_000_000}, "invalid_grant", "expired authorization code"),
        ({"sub": "nobody@acme.example"}, "invalid_grant", "user hasn't approved this consumer"),
        (
            {"sub": "greta.lindqvist@acme.example"},
            "invalid_app_access",
            "user is not admin approved to access this app",
        ),
        ({"sub": "former.colleague@acme.example"}, "inactive_user", "user is inactive"),
    ],
)
def test_an_assertion_is_refused_for_what_it_says(
    sf: Client, changed: dict[str, Any], error: str, description: str
) -> None:
    sf.fake("settings", {"jwtCertificate": PUBLIC, "preAuthorised": [USER]})
    answer = jwt(sf, assertion(sf, **changed))
    assert (answer.status_code, answer.json()) == (400, {"error": error, "error_description": description})


def test_an_assertion_that_another_key_signed_is_refused(sf: Client) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    wrong = {"error": "invalid_grant", "error_description": "invalid assertion"}
    assert jwt(sf, assertion(sf)).json() == wrong
    sf.fake("settings", {"jwtCertificate": PUBLIC, "preAuthorised": [USER]})
    for token in (assertion(sf, other), "x", "a.b.c", assertion(sf)[:-4]):
        assert jwt(sf, token).json() == wrong


# -- tooling ------------------------------------------------------------------------------------------


def tooling(sf: Client, soql: str) -> Any:
    return sf.http.get("/services/data/v68.0/tooling/query", params={"q": soql}).json()


def test_tooling_reads_objects_fields_and_rules(sf: Client) -> None:
    sf.install()
    for name in ("One", "Two"):
        sf.fake(
            "validation-rules", {"object": "Lead", "name": name, "formula": "ISBLANK(Phone)", "message": name}
        )
    [entity] = tooling(
        sf, "SELECT QualifiedApiName, KeyPrefix FROM EntityDefinition WHERE QualifiedApiName = 'Lead'"
    )["records"]
    assert entity["KeyPrefix"] == "00Q"
    found = tooling(
        sf,
        "SELECT QualifiedApiName, DataType FROM FieldDefinition WHERE EntityDefinitionId = 'Lead' "
        "AND QualifiedApiName IN ('Email', 'Company')",
    )
    assert {r["QualifiedApiName"]: r["DataType"] for r in found["records"]} == {
        "Email": "Email",
        "Company": "Text(255)",
    }
    custom = tooling(sf, "SELECT FullName FROM CustomField WHERE DeveloperName = 'Instep_Booking_Id'")[
        "records"
    ]
    assert [row["FullName"] for row in custom] == ["Activity.Instep_Booking_Id__c"]
    rules = tooling(
        sf,
        "SELECT Id, ValidationName FROM ValidationRule WHERE EntityDefinitionId = 'Lead' AND Active = true",
    )
    assert rules["totalSize"] == 2
    both = tooling(sf, "SELECT Metadata FROM ValidationRule")
    assert "no more than one row" in both[0]["message"]
    one = tooling(sf, f"SELECT Metadata FROM ValidationRule WHERE Id = '{rules['records'][0]['Id']}'")[
        "records"
    ][0]
    assert one["Metadata"]["errorConditionFormula"] == "ISBLANK(Phone)"


def test_tooling_objects_are_not_in_the_data_api_nor_the_other_way(sf: Client) -> None:
    assert sf.query("SELECT Id FROM ValidationRule").json()[0]["errorCode"] == "INVALID_TYPE"
    assert tooling(sf, "SELECT Id FROM Lead")[0]["errorCode"] == "INVALID_TYPE"
    assert sf.rows("SELECT QualifiedApiName FROM EntityDefinition WHERE QualifiedApiName = 'Case'")
    bare(sf)
    assert tooling(sf, "SELECT Id FROM ValidationRule")[0]["errorCode"] == "INSUFFICIENT_ACCESS"


# -- TLS ----------------------------------------------------------------------------------------------


def test_simple_salesforce_signs_in_over_tls(tmp_path: Path) -> None:
    """A client that speaks https only, unpatched: it trusts the certificate that the stand-in has made."""
    pair = certificates.make(tmp_path)
    running = serve_in_thread(Org(), tls=pair)
    try:
        session = requests.Session()
        session.verify, session.trust_env = str(pair[0]), False
        host = running.base_url.removeprefix("https://")
        token = session.post(running.base_url + "/services/oauth2/token", data={
            "grant_type": "client_credentials", "client_id": running.org.client_id,
            "client_secret": running.org.client_secret,
        }, timeout=10).json()  # fmt: skip
        assert token["instance_url"] == running.base_url
        client = Salesforce(instance=host, session_id=token["access_token"], session=session, version="68.0")
        made = client.Lead.create(LEAD)
        assert client.Lead.get(made["id"])["Company"] == "Navy"
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(running.base_url + "/services/data/", timeout=10)
    finally:
        running.stop()


def test_the_command_serves_https_when_asked(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "instep_standins.salesforce", "--tls"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told["base_url"].startswith("https://127.0.0.1:")
        answer = requests.get(told["base_url"] + "/services/data/", verify=told["certificate"], timeout=10)
        assert answer.json()[-1]["version"] == "68.0"
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert process.returncode == 0


def test_the_setup_outlives_a_removal_of_all_records(sf: Client) -> None:
    bare(sf, {"PermissionsViewSetup": True})
    sf.fake("permission-sets", {"name": "Leads", "objects": {"Lead": ["read"]}})
    sf.fake("user", {"username": USER, "permissionSets": ["Leads"]})
    sf.fake("organization", {"sandbox": True})
    sf.fake("features", {"personAccounts": True})
    before = sf.fake("setup", method="GET")
    sf.fake("reset", {"keepMetadata": True})
    assert sf.fake("setup", method="GET") == before
    assert names(sf) & {"Lead", "Contact", "Account", "Case"} == {"Lead"}
    assert sf.rows("SELECT IsSandbox FROM Organization")[0]["IsSandbox"] is True
    assert sf.rows("SELECT DeveloperName FROM RecordType WHERE IsPersonType = true")
    sf.fake("reset")
    assert {"Lead", "Contact", "Account", "Case"} <= names(sf)
    assert sf.query("SELECT IsPersonType FROM RecordType").status_code == 400


def test_permission_sets_are_for_those_who_view_the_setup(sf: Client) -> None:
    bare(sf)
    assert not names(sf) & {"PermissionSet", "PermissionSetAssignment", "FieldPermissions"}
    assert sf.query("SELECT Id FROM PermissionSetAssignment").json()[0]["errorCode"] == "INVALID_TYPE"
    bare(sf, {"PermissionsViewSetup": True})
    assert sf.rows("SELECT Id, PermissionSet.Name FROM PermissionSetAssignment") == []


def test_a_hidden_objects_record_in_a_list_refuses_its_row_only(sf: Client) -> None:
    lead, case = sf.create("Lead", **LEAD), sf.create("Case")
    sf.fake("withhold", {"object": "Case", "rights": ["read", "create", "edit", "delete"]})
    rows = sf.call("DELETE", f"/composite/sobjects?ids={lead},{case}").json()
    assert [row["success"] for row in rows] == [True, False]
    assert rows[1]["errors"][0]["statusCode"] == "INVALID_TYPE"
