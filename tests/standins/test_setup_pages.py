"""The Setup pages: what an admin changes by hand holds for every app, all of it without a script."""

from __future__ import annotations

import re
from html import escape

import httpx2
import pytest

from instep_standins.inputs import several
from instep_standins.salesforce import Org, create_app
from standins.sf import Client
from standins.test_page import do, words

PAGES = ("/setup/org", "/setup/record-types", "/setup/rules", "/setup/rights")
LEAD = {"LastName": "Hopper", "Company": "Navy"}


@pytest.fixture
def sf(org: Org) -> Client:
    """A signed-in client without a socket."""
    http = httpx2.Client(transport=httpx2.WSGITransport(app=create_app(org)), base_url="http://127.0.0.1")
    client = Client(http, org)
    client.sign_in()
    return client


def refused(sf: Client, path: str, **form: str) -> str:
    """A form that is not taken: the page says why, keeps what was typed and stands open."""
    answer = sf.http.post(path, data=form)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert "<details open" in answer.text
    for value in form.values():
        assert escape(value) in answer.text or escape(value, quote=False) in answer.text
    return words(answer)


@pytest.mark.parametrize("path", PAGES)
def test_page_has_what_is_there_and_nothing_inline(sf: Client, path: str) -> None:
    page = sf.http.get(path)
    assert page.status_code == 200
    assert not re.search(r"<style|style=|<script(?! src=\"/assets/)| on\w+=", page.text)
    ids = re.findall(r' id="([^"]+)"', page.text)
    assert sorted(ids) == sorted(set(ids))
    assert 'aria-current="page"' in page.text.partition('class="tabs"')[2].partition("</nav>")[0]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Warm, Hot", ["Warm", "Hot"]),
        ("Warm\r\nHot\r\n\r\n", ["Warm", "Hot"]),
        ("1-10, Porto\n11-50, Porto", ["1-10, Porto", "11-50, Porto"]),
        ("Warm,\n", ["Warm"]),
        ("", []),
    ],
)
def test_several_values_are_typed_on_lines_or_with_commas(typed: str, kept: list[str]) -> None:
    assert several(typed) == kept


def test_a_picklists_values_are_typed_on_lines(sf: Client) -> None:
    """As people paste them; a text of one line would run them together."""
    path = "/setup/objects/Lead"
    assert re.search(r'<textarea name="values"', sf.http.get(path).text)
    do(sf, path, act="field", kind="Picklist", label="Mood", values="Good\r\nBad", required="", seen="yes")
    described = {f["name"]: f for f in sf.call("GET", "/sobjects/Lead/describe").json()["fields"]}
    assert [one["value"] for one in described["Mood__c"]["picklistValues"]] == ["Good", "Bad"]


def test_the_org_is_made_another_kind(sf: Client) -> None:
    do(sf, "/setup/org", act="rename", name="Umbrella", edition="Enterprise Edition")
    do(sf, "/setup/org", act="sandbox", to="yes")
    [row] = sf.rows("SELECT Name, OrganizationType, IsSandbox FROM Organization")
    assert (row["Name"], row["OrganizationType"], row["IsSandbox"]) == (
        "Umbrella",
        "Enterprise Edition",
        True,
    )
    do(sf, "/setup/org", act="feature", name="personAccounts", to="yes")
    assert "PersonEmail" in {f["name"] for f in sf.call("GET", "/sobjects/Account/describe").json()["fields"]}
    do(sf, "/setup/org", act="jwt", jwtCertificate="-----BEGIN", preAuthorised="a@b.example, c@d.example")
    assert sf.org.settings.preAuthorised == ["a@b.example", "c@d.example"]
    do(sf, "/setup/org", act="setting", name="apiEnabled", to="")
    assert sf.call("GET", "/limits").status_code == 403


def test_record_types_are_added_switched_and_removed(sf: Client) -> None:
    path = "/setup/record-types"
    do(sf, path, act="process", object="Lead", name="Short", values="Working - Contacted, Closed - Converted")
    process = sf.fake("processes", method="GET")[0]["Id"]
    do(
        sf,
        path,
        act="add",
        object="Lead",
        label="Partner lead",
        process=process,
        field="Rating",
        values="Warm, Hot",
    )
    [made] = sf.fake("record-types", method="GET")
    assert (made["DeveloperName"], made["BusinessProcessId"]) == ("Partner_lead", process)
    do(sf, path, act="default", id=made["Id"], to="yes")
    lead = sf.get("Lead", sf.create("Lead", **LEAD))
    assert (lead["RecordTypeId"], lead["Status"], lead["Rating"]) == (
        made["Id"],
        "Working - Contacted",
        "Warm",
    )
    do(sf, path, act="available", id=made["Id"], to="")
    assert (
        sf.refusal("POST", "/sobjects/Lead", {**LEAD, "RecordTypeId": made["Id"]})[1]
        == "INVALID_CROSS_REFERENCE_KEY"
    )
    do(sf, path, act="available", id=made["Id"], to="yes")
    do(sf, path, act="default", id=made["Id"], to="")
    do(
        sf,
        path,
        act="one",
        user="integration@acme.example",
        recordType=made["Id"],
        available="yes",
        default="yes",
    )
    assert "Integration User Lead: Partner lead : new records" in words(sf.http.get(path))
    assert sf.get("Lead", sf.create("Lead", **LEAD))["RecordTypeId"] == made["Id"]
    do(sf, path, act="one", user="integration@acme.example", recordType=made["Id"], available="", default="")
    assert sf.get("Lead", sf.create("Lead", **LEAD))["RecordTypeId"] is None
    do(sf, path, act="active", id=made["Id"], to="")
    [kept] = sf.fake("record-types", method="GET")
    assert (kept["IsActive"], kept["Name"], kept["BusinessProcessId"]) == (False, "Partner lead", process)
    do(sf, path, act="remove", id=made["Id"])
    assert sf.fake("record-types", method="GET") == []
    assert "has no value" in refused(sf, path, act="process", object="Case", name="Odd", values="Purple")
    assert "neither" in refused(sf, path, act="add", object="Lead", label="Odd", field="Rating", values="")


def test_rules_are_added_switched_and_removed(sf: Client) -> None:
    path = "/setup/rules"
    do(sf, path, act="queue", name="Web leads", objects="Lead")
    queue = sf.rows("SELECT Id FROM Group WHERE Type = 'Queue'")[0]["Id"]
    do(sf, path, act="assignment", object="Lead", name="Standard", when='LastName = "Web"', owner=queue)
    do(
        sf,
        path,
        act="validation",
        object="Lead",
        name="Title",
        formula="ISBLANK(Title)",
        message="A title.",
        field="Title",
    )
    do(sf, path, act="duplicate", object="Lead", label="Same mail", target="Lead", fields="Email", create="block",
       update="allow", message="Known.")  # fmt: skip
    assert sf.refusal("POST", "/sobjects/Lead", LEAD)[2:] == (["Title"], "A title.")
    web = sf.create("Lead", LastName="Web", Company="x", Title="y", Email="a@b.example")
    assert sf.get("Lead", web)["OwnerId"] == queue
    again = {**LEAD, "Title": "y", "Email": "a@b.example"}
    assert sf.refusal("POST", "/sobjects/Lead", again)[1] == "DUPLICATES_DETECTED"
    for kind, order in (
        ("assignment", "assignment-rules"),
        ("validation", "validation-rules"),
        ("duplicate", "duplicate-rules"),
    ):
        [rule] = sf.fake(order, method="GET")
        do(sf, path, act="switch", kind=kind, id=rule["Id"], to="")
        assert len(sf.fake(order, method="GET")) == 1
    mine = sf.get("Lead", sf.create("Lead", LastName="Web", Company="x", Email="a@b.example"))
    assert mine["OwnerId"] != queue
    [rule] = sf.fake("duplicate-rules", method="GET")
    do(sf, path, act="switch", kind="duplicate", id=rule["Id"], to="yes")
    told = sf.refusal("POST", "/sobjects/Lead", {**LEAD, "Email": "a@b.example"})
    assert told[1:] == ("DUPLICATES_DETECTED", None, "Known.")
    do(sf, path, act="remove", kind="duplicate", id=rule["Id"])
    do(sf, path, act="remove", kind="queue", id=queue)
    sf.create("Lead", **LEAD, Email="a@b.example")
    assert "Check the spelling" in refused(
        sf, path, act="validation", object="Lead", name="Odd", formula="ISBLANK(Titel)", message="<b>x"
    )


def test_rights_are_given_and_withheld(sf: Client) -> None:
    path = "/setup/rights"
    do(sf, path, act="add-profile", name="API only", gives="limited")
    do(
        sf,
        path,
        act="permission",
        kind="profile",
        name="API only",
        permission="PermissionsApiEnabled",
        to="yes",
    )
    do(sf, path, act="profile", username="integration@acme.example", profile="API only")
    assert sf.call("GET", "/sobjects/Lead/describe").status_code == 404
    do(sf, path, act="objects", kind="profile", name="API only", **{"o-Lead": "read,create"})
    sf.create("Lead", **LEAD)
    do(sf, path, act="add-set", name="Cases", label="Cases")
    do(sf, path, act="grant", name="Cases", field="Case.Subject", right="edit")
    do(sf, path, act="grant", name="Cases", field="Case.Origin", right="read")
    do(sf, path, act="grant", name="Cases", field="Case.Origin", right="")
    assert "There is no field" in refused(
        sf, path, act="grant", name="Cases", field="Case.Nothing", right="edit"
    )
    do(sf, path, act="objects", kind="set", name="Cases", **{"o-Case": "read,create"})
    assert sf.org.access.grants["Cases"] == {"Case.Subject": [True, True]}
    sf.fake("user", {"username": "integration@acme.example", "permissionSets": ["Cases"]})
    sf.create("Case", Subject="x")
    do(sf, path, act="withhold", object="Case", right="create", to="")
    assert sf.refusal("POST", "/sobjects/Case", {})[3] == "entity type cannot be inserted: Case"
    do(sf, path, act="withhold", object="Case", right="create", to="yes")
    sf.create("Case")
    assert "API only" in words(sf.http.get(path))


def test_what_people_typed_stays_text(sf: Client) -> None:
    evil = "<img src=x onerror=alert(1)>"
    sf.fake("record-types", {"object": "Lead", "label": evil, "name": "Evil"})
    sf.fake("queues", {"name": evil, "objects": ["Lead"]})
    sf.fake(
        "validation-rules", {"object": "Lead", "name": evil, "formula": f'"{evil}" = "x"', "message": evil}
    )
    sf.fake("duplicate-rules", {"object": "Lead", "label": evil, "message": evil})
    sf.fake("profiles", {"name": evil})
    sf.fake("permission-sets", {"name": "Evil", "label": evil})
    for path in PAGES:
        assert "<img" not in sf.http.get(path).text


def test_a_field_is_encrypted_and_searched_again(sf: Client) -> None:
    path = "/setup/objects/Lead/Email"
    do(sf, path, act="change", rights="restore", length="80", encrypted="yes")
    assert (
        sf.query("SELECT Id FROM Lead WHERE Email = 'a@b.example'").json()[0]["errorCode"] == "INVALID_FIELD"
    )
    do(sf, path, act="change", rights="restore", length="80")
    assert sf.rows("SELECT Id FROM Lead WHERE Email = 'a@b.example'") == []
