"""The org's pages as they are served: complete without JavaScript, and closed to other sites."""

from __future__ import annotations

import re
import sqlite3
from html import unescape
from pathlib import Path

import httpx2
import pytest

from instep_standins.salesforce import Org, create_app
from instep_standins.salesforce.console.presets import PRESETS
from standins.conftest import Clock
from standins.sf import Client

LEAD = {"LastName": "<img src=x onerror=alert(1)>", "Company": "شركة"}
EVENT = {"Subject": "Demo", "StartDateTime": "2026-10-05T08:00:00Z", "DurationInMinutes": 30}
STORED = {"OwnerId": "nobody", "StartDateTime": "soon", "IsPrivate": "yes", "Subject": 7, "WhoId": 5}


@pytest.fixture
def sf(org: Org) -> Client:
    """A signed-in client without a socket."""
    http = httpx2.Client(transport=httpx2.WSGITransport(app=create_app(org)), base_url="http://127.0.0.1")
    client = Client(http, org)
    client.sign_in()
    return client


def words(answer: httpx2.Response) -> str:
    """What a reader reads: the main part without its tags."""
    main = answer.text.partition("<main")[2]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main)))


def do(sf: Client, path: str, **form: str) -> httpx2.Response:
    """Post a page's form and go where it leads."""
    answer = sf.http.post(path, data=form)
    assert answer.status_code == 303, words(answer)
    return sf.http.get(answer.headers["location"])


def test_page_says_what_it_is_and_carries_nothing_inline(sf: Client) -> None:
    sf.create("Event", **EVENT, WhoId=sf.create("Lead", **LEAD))
    for path in (
        "/",
        "/o/Lead",
        "/calls",
        "/setup",
        "/setup/objects/Lead",
        "/setup/objects/Lead/Email",
        "/faults",
    ):
        page = sf.http.get(path)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html;charset=UTF-8"), path
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
        assert "Salesforce stand-in</b> – made up, on this machine" in page.text
        assert "of 15,000 API calls used" in page.text
        assert "<img" not in page.text
        assert not re.search(
            r"<style|style=|<script(?! src=\"/assets/)| on\w+=", re.sub("&lt;.*?&gt;", "", page.text)
        )


def test_assets_come_from_the_stand_in_alone(sf: Client) -> None:
    for path, kind in (("/assets/page.js", "text/javascript"), ("/assets/page.css", "text/css")):
        answer = sf.http.get(path)
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, kind)
        assert "http" not in answer.text
    assert sf.http.get("/assets/../org.py").status_code == 404
    assert sf.http.get("/assets/%2e%2e%2forg.py").status_code == 404


def test_a_page_is_written_again_only_when_something_happened(sf: Client) -> None:
    first = sf.http.get("/").headers["ETag"]
    assert sf.http.get("/", headers={"If-None-Match": first}).status_code == 304
    sf.create("Lead", **LEAD)
    second = sf.http.get("/", headers={"If-None-Match": first})
    assert second.status_code == 200
    sf.fake("faults", {"kind": "latency", "ms": 1})
    assert sf.http.get("/", headers={"If-None-Match": second.headers["ETag"]}).status_code == 200


def test_looking_is_no_call(sf: Client) -> None:
    before = sf.fake("calls", method="GET")
    for path in ("/", "/o/Event", "/calls", "/faults", "/assets/page.js", "/favicon.ico", "/r/unknown"):
        sf.http.get(path)
    assert sf.fake("calls", method="GET") == before


def test_list_has_the_newest_first_and_is_searched_by_what_it_shows(sf: Client) -> None:
    for number in range(60):
        sf.create("Lead", LastName=f"Guest{number:02}", Company="Acme" if number else "Umbrella")
    shown = re.findall(r"Guest\d\d", words(sf.http.get("/o/Lead")))
    assert (shown[0], len(shown)) == ("Guest59", 50)
    assert re.findall(r"Guest\d\d", words(sf.http.get("/o/Lead", params={"page": "2"})))[-1] == "Guest00"
    assert re.findall(r"Guest\d\d", words(sf.http.get("/o/Lead", params={"q": "umbr"}))) == ["Guest00"]
    assert (
        len(re.findall(r"Guest\d\d", words(sf.http.get("/o/Lead", params={"q": "integration user"})))) == 50
    )
    assert "Nothing has “zzz” in it" in words(sf.http.get("/o/Lead", params={"q": "zzz"}))


def test_record_has_its_fields_its_person_and_its_events(sf: Client) -> None:
    lead = sf.create("Lead", **LEAD)
    event = sf.create("Event", **EVENT, WhoId=lead)
    page = sf.http.get(f"/r/{lead}")
    told = words(page)
    assert "Company Company شركة" in told
    assert "Last Name LastName <img" in told
    assert f'href="/r/{event}"' in page.text
    assert "Deleted" not in told
    back = sf.http.get(f"/r/{event}")
    assert f'href="/r/{lead}"' in back.text
    assert "5 Oct 2026, 08:00 UTC" in words(back)


def test_record_is_found_as_the_real_org_links_it(sf: Client) -> None:
    lead = sf.create("Lead", **LEAD)
    for path in (f"/lightning/r/Lead/{lead}/view", f"/lightning/r/{lead[:15]}/view"):
        assert sf.http.get(path).headers["location"] == f"/r/{lead}"
    missing = sf.http.get("/lightning/r/Lead/00QHs0000000099AAA/view")
    assert (missing.status_code, "No record has the id" in missing.text) == (404, True)


def test_history_says_what_changed_when_and_by_which_call(sf: Client, clock: Clock) -> None:
    lead = sf.create("Lead", LastName="Hopper", Company="Navy")
    clock.now += 60
    sf.call("PATCH", f"/sobjects/Lead/{lead}", {"Company": "Compilers"})
    sf.fake("records", {"object": "Lead", "id": lead, "fields": {"Title": "Admiral"}}, method="PATCH")
    by_hand, changed, made = sf.org.history.of(lead)
    assert made.kind == "made"
    assert (changed.call, changed.changes) == ("update Lead", (("Company", "Navy", "Compilers"),))
    assert changed.user_id == sf.org.user("integration@acme.example")["Id"]
    assert by_hand.changes == (("Title", None, "Admiral"),)
    told = words(sf.http.get(f"/r/{lead}")).partition("History")[2]
    assert re.search(r"Changed 21 Sep 2026, 14:14:20 UTC +by hand +PATCH /__fake__/records", told)
    assert re.search(r"14:14:20 UTC Integration User update Lead Company Company Navy → to Compilers", told)
    assert re.search(r"Made 21 Sep 2026, 14:13:20 UTC Integration User create Lead", told)


def test_history_holds_what_was_kept_and_not_what_was_taken_back(sf: Client) -> None:
    lead = sf.create("Lead", LastName="Hopper", Company="Navy")
    for number in range(60):
        sf.call("PATCH", f"/sobjects/Lead/{lead}", {"Company": f"Company {number}"})
    assert sf.call("PATCH", f"/sobjects/Lead/{lead}", {"Company": "", "LastName": None}).status_code == 400
    entries = sf.org.history.of(lead)
    assert len(entries) == 50
    assert entries[0].changes == (("Company", "Company 58", "Company 59"),)


def test_history_outlives_the_process(tmp_path: Path, clock: Clock) -> None:
    org = Org(tmp_path / "org.sqlite", clock=clock)
    with org.transaction():
        lead = org.insert("Lead", {"LastName": "Hopper", "Company": "Navy"})
    with org.transaction():
        org.tables.put("Lead", {**lead, "Company": "Compilers"})
    before = org.history.of(lead["Id"])
    org.close()
    again = Org(tmp_path / "org.sqlite", clock=clock)
    assert again.history.of(lead["Id"]) == before
    assert before[0].changes == (("Company", "Navy", "Compilers"),)
    again.close()


def test_a_file_from_before_records_had_a_history_opens(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "org.sqlite"
    Org(path, clock=clock).close()
    with sqlite3.connect(path) as db:
        db.execute("ALTER TABLE record DROP COLUMN history")
    db.close()
    org = Org(path, clock=clock)
    assert org.user("integration@acme.example")
    org.close()


def test_a_person_changes_deletes_restores_and_converts(sf: Client) -> None:
    lead = sf.create("Lead", **LEAD)
    event = sf.create("Event", **EVENT, WhoId=lead)
    do(sf, f"/r/{lead}", act="change", field="Company", value="Umbrella")
    assert sf.get("Lead", lead)["Company"] == "Umbrella"
    refused = sf.http.post(f"/r/{lead}", data={"act": "change", "field": "Email", "value": "no mail"})
    assert refused.status_code == 400
    assert 'value="no mail"' in refused.text
    assert "invalid email address" in words(refused)
    assert "in the recycle bin" in words(do(sf, f"/r/{lead}", act="delete"))
    assert sf.call("GET", f"/sobjects/Lead/{lead}").status_code == 404
    do(sf, f"/r/{lead}", act="restore")
    do(sf, f"/r/{lead}", act="convert")
    assert sf.get("Lead", lead)["IsConverted"] is True
    assert sf.get("Event", event)["WhoId"].startswith("003")


def test_users_and_permission_sets_are_switched(sf: Client) -> None:
    nuno = sf.org.user("nuno.reis@acme.example")["Id"]
    assert "Nuno Reis is inactive now" in words(do(sf, "/setup", act="user", id=nuno, to=""))
    assert sf.get("User", nuno)["IsActive"] is False
    made = sf.fake("records", {"object": "PermissionSet", "fields": {"Name": "Rights", "Label": "Rights"}})
    do(sf, "/setup", act="assign", set=made["Id"], user=nuno, to="yes")
    assert sf.org.access.assigned_sets(nuno) == ["Rights"]
    do(sf, "/setup", act="assign", set=made["Id"], user=nuno, to="")
    assert sf.org.access.assigned_sets(nuno) == []


def test_a_field_is_required_read_only_shortened_and_open_again(sf: Client) -> None:
    path = "/setup/objects/Lead/Title"
    do(sf, path, act="change", required="yes", rights="restore", length="10")
    assert sf.refusal("POST", "/sobjects/Lead", LEAD)[1] == "REQUIRED_FIELD_MISSING"
    assert sf.refusal("POST", "/sobjects/Lead", {**LEAD, "Title": "x" * 11})[1] == "STRING_TOO_LONG"
    both = sf.http.post(path, data={"act": "change", "required": "yes", "rights": "hidden", "length": "10"})
    assert (both.status_code, "hidden from nobody" in words(both)) == (400, True)
    do(sf, path, act="change", rights="read-only", length="10")
    assert (
        sf.refusal("POST", "/sobjects/Lead", {**LEAD, "Title": "x"})[1] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    )
    do(sf, path, act="change", rights="restore", length="10")
    assert "Lead.Title" not in sf.org.access.overrides
    sf.create("Lead", **LEAD, Title="x")
    assert sf.http.post(path, data={"act": "change", "length": "0"}).status_code == 400


@pytest.mark.parametrize("key", PRESETS)
def test_every_fault_button_does_something_and_is_cleared(sf: Client, key: str) -> None:
    """Armed with what its form proposes; it stands under "Active now" until cleared, or has happened at once."""
    form = {one.name: one.value for one in PRESETS[key].inputs}
    page = words(do(sf, "/faults", act=key, **form))
    if key == "expire":
        assert sf.call("GET", "/limits").status_code == 401
    elif key != "approvals":
        assert "Clear all" in page
        do(sf, "/faults", act="clear", id="all")
    assert "Nothing is wrong with this org" in words(sf.http.get("/faults"))
    sf.sign_in()
    assert sf.call("GET", "/limits").status_code == 200


def test_faults_do_what_their_buttons_say(sf: Client) -> None:
    do(sf, "/faults", act="refused", object="Lead", field="email", contains="bad", times="")
    assert sf.refusal("POST", "/sobjects/Lead", {**LEAD, "Email": "bad@mail.example"})[2] == ["Email"]
    sf.create("Lead", **LEAD, Email="good@mail.example")
    do(sf, "/faults", act="clear", id="1")
    sf.create("Lead", **LEAD, Email="bad@mail.example")
    do(sf, "/faults", act="down", times="1")
    assert sf.call("GET", "/limits").status_code == 503
    assert "spent" in words(sf.http.get("/faults"))
    do(sf, "/faults", act="limit")
    assert sf.call("GET", "/limits").status_code == 403
    refused = sf.http.post("/faults", data={"act": "slow", "seconds": "soon", "times": "1"})
    assert (refused.status_code, 'value="soon"' in refused.text) == (400, True)


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
                                     {"Origin": "http://other.example"}, {"Origin": "null"}])  # fmt: skip
def test_other_sites_order_nothing(sf: Client, headers: dict[str, str]) -> None:
    """A page anywhere can make a browser on this machine send a form here."""
    assert sf.http.post("/faults", data={"act": "limit"}, headers=headers).status_code == 403
    assert sf.http.post("/__fake__/reset", headers=headers).status_code == 403
    assert sf.org.settings.apiUsed == 0
    own = {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1"}
    assert sf.http.post("/faults", data={"act": "limit"}, headers=own).status_code == 303


def test_whatever_an_order_stored_is_shown(sf: Client) -> None:
    """Orders go past all rules; the pages must hold all the same."""
    made = sf.fake("records", {"object": "Event", "fields": STORED})
    for path in ("/", "/o/Event", f"/r/{made['Id']}"):
        page = sf.http.get(path)
        assert page.status_code == 200
        assert "soon" in page.text
