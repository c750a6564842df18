"""The portal's own pages: what they show, what a person can do there, and that they carry nothing inline."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx2
import pytest

from instep_standins.hubspot.console.presets import PRESETS
from standins.hubspot.hs import STARTS, Client, V

PATHS = (
    "/",
    "/o/contacts",
    "/o/meetings",
    "/o/companies",
    "/o/tickets",
    "/o/deals",
    "/calls",
    "/setup",
    "/faults",
)


def words(answer: httpx2.Response) -> str:
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", answer.text)).split())


def post(hs: Client, path: str, **form: str) -> httpx2.Response:
    return hs.http.post(path, data=form)


@pytest.mark.parametrize("path", PATHS)
def test_page_says_what_it_is_and_carries_nothing_inline(hs: Client, path: str) -> None:
    hs.meeting(hs.contact("<b>@guest.example".replace("<b>", "b"), firstname="<b>Mina</b>"))
    hs.install()
    page = hs.http.get(path)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html;charset=UTF-8")
    assert "HubSpot stand-in" in page.text
    assert "<b>Mina" not in page.text
    assert not re.search(
        r"<style|style=|<script(?! src=\"/assets/)| on\w+=", re.sub("&lt;.*?&gt;", "", page.text)
    )
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]


def test_a_contact_has_its_timeline(hs: Client) -> None:
    owner = hs.call("GET", f"/crm/owners/{V}", email="amara.okafor@host.example").json()["results"][0]["id"]
    guest = hs.contact(firstname="Mina", lastname="Sol", phone="+4520304050")
    held = hs.meeting(
        guest, hs_meeting_title="Introduction", hs_meeting_outcome="NO_SHOW", hubspot_owner_id=owner,
        hs_meeting_start_time=STARTS, hs_meeting_end_time="2026-10-05T08:30:00Z",
        hs_meeting_body="<p>Hello <b>there</b>, Guests &amp; Sons</p>",
    )  # fmt: skip
    told = words(hs.http.get(f"/r/contacts/{guest}"))
    for part in ("Mina Sol", "+4520304050", "Introduction", "No show", "Host: Amara Okafor", "Hello there",
                 "5 Oct 2026, 08:00 UTC · 30 min"):  # fmt: skip
        assert part in told, part
    assert "Guests &amp;amp; Sons" not in hs.http.get(f"/r/contacts/{guest}").text
    assert "Mina Sol" in words(hs.http.get(f"/r/meetings/{held}"))
    answer = hs.http.get(f"/contacts/1/record/0-1/{guest}")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/r/contacts/{guest}")
    assert hs.http.get("/r/contacts/424242").status_code == 404


def test_a_page_is_written_again_only_when_something_happened(hs: Client) -> None:
    seen = hs.http.get("/").headers["ETag"]
    assert hs.http.get("/", headers={"If-None-Match": seen}).status_code == 304
    hs.contact()
    assert hs.http.get("/", headers={"If-None-Match": seen}).status_code == 200
    assert len(hs.fake("journal", method="GET")) == 1


def test_lists_are_searched_and_have_the_latest_first(hs: Client, clock: Any) -> None:
    for name in ("Ada", "Bea", "Cleo"):
        clock.now += 1
        hs.contact(f"{name.lower()}@guest.example", firstname=name)
    told = words(hs.http.get("/o/contacts"))
    assert told.index("Cleo") < told.index("Ada")
    found = words(hs.http.get("/o/contacts?q=BEA"))
    assert "1 of 3 contacts" in found
    assert "Ada" not in found


def test_a_person_changes_merges_and_deletes(hs: Client) -> None:
    guest, other = hs.contact(), hs.contact("other@guest.example")
    held = hs.meeting(other)
    path = f"/r/meetings/{held}"
    assert post(hs, path, act="change", name="hs_meeting_outcome", value="COMPLETED").status_code == 303
    assert hs.get("meetings", held, "hs_meeting_outcome")["properties"]["hs_meeting_outcome"] == "COMPLETED"
    refused = post(hs, path, act="change", name="hs_meeting_outcome", value="FINE")
    assert refused.status_code == 400
    assert "FINE was not one of the allowed options" in words(refused)
    merged = post(hs, f"/r/contacts/{guest}", act="merge", other=other).headers["Location"]
    assert "Merged record IDs" in words(hs.http.get(merged))
    assert post(hs, merged, act="delete").status_code == 303
    assert "It is deleted" in words(hs.http.get(merged))
    assert hs.objects("GET", f"contacts/{guest}").status_code == 404


def test_setup_switches_what_holds_for_apps(hs: Client) -> None:
    post(hs, "/setup", act="setting", name="autoCompany", to="yes")
    hs.contact("a@acme.example", phone="1")
    assert len(hs.stored("companies")) == 1
    assert post(hs, "/setup", act="required", object="contacts", names="phone, jobtitle").status_code == 303
    assert hs.refusal("POST", "contacts", {"properties": {"lastname": "L"}})[0] == 400
    refused = post(hs, "/setup", act="required", object="contacts", names="nope")
    assert (refused.status_code, "have no property “nope”" in words(refused)) == (400, True)
    post(hs, "/setup", act="owner", email="nuno.reis@host.example", to="")
    assert hs.call("GET", f"/crm/owners/{V}", email="nuno.reis@host.example").json()["results"] == []
    post(hs, "/setup", act="new-owner", email="new@host.example", firstName="New", lastName="Host")
    assert len(hs.call("GET", f"/crm/owners/{V}", email="new@host.example").json()["results"]) == 1
    post(hs, "/setup", act="level", level="none")
    assert hs.fake("settings", method="GET")["meetingIds"] == "none"
    post(hs, "/setup", act="scopes", scopes="oauth\ncrm.objects.contacts.read")
    assert hs.call("GET", f"/crm/owners/{V}").status_code == 403
    assert post(hs, "/setup", act="scopes", scopes="oauth nope").status_code == 400
    post(hs, "/setup", act="pace", burst="7", daily="8", searchLag="0")
    assert hs.fake("settings", method="GET")["burst"] == 7
    assert post(hs, "/setup", act="pace", burst="x", daily="8", searchLag="0").status_code == 400
    assert post(hs, "/setup", act="reset", keep="yes").headers["Location"] == "/setup?empty=1"
    assert hs.stored("companies") == []
    assert post(hs, "/setup", act="nope").status_code == 400


@pytest.mark.parametrize("key", list(PRESETS))
def test_every_fault_button_does_something_and_is_cleared(hs: Client, key: str) -> None:
    typed = {one.name: one.value for one in PRESETS[key].inputs}
    before = (hs.fake("faults", method="GET")["faults"], hs.fake("settings", method="GET"))
    answer = post(hs, "/faults", act=key, **typed)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/faults?did={key}")
    after = (hs.fake("faults", method="GET")["faults"], hs.fake("settings", method="GET"))
    assert before != after or key == "expire"
    post(hs, "/faults", act="clear", id="all")
    assert "Nothing is wrong with this portal" in words(hs.http.get("/faults"))


def test_other_sites_may_not_order_anything(hs: Client) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert hs.http.post("/faults", data={"act": "down"}, headers=headers).status_code == 403
        assert hs.http.post("/__fake__/reset", json={}, headers=headers).status_code == 403
    assert hs.http.get("/assets/../portal.py").status_code == 404


def test_the_page_that_connects_an_app(hs: Client) -> None:
    asked = {"client_id": hs.portal.client_id, "redirect_uri": "http://localhost:9/back", "state": "s",
             "scope": "crm.objects.contacts.read"}  # fmt: skip
    shown = hs.http.get("/oauth/authorize", params=asked)
    assert "crm.objects.contacts.read" in words(shown)
    yes = post(hs, "/oauth/authorize", decision="yes", **asked)
    assert re.fullmatch(r"http://localhost:9/back\?code=[\w-]+&state=s", yes.headers["Location"])
    no = post(hs, "/oauth/authorize", decision="no", **asked)
    assert "error=access_denied" in no.headers["Location"]
    for change in ({"client_id": "x"}, {"scope": "nope"}, {"redirect_uri": "http://evil.example/"}):
        assert hs.http.get("/oauth/authorize", params={**asked, **change}).status_code == 400
    hs.fake("settings", {"appScopes": ["crm.objects.contacts.write"]})
    assert "do not match" in words(hs.http.get("/oauth/authorize", params=asked))


def test_whatever_an_order_stored_is_shown(hs: Client) -> None:
    odd = {
        "hs_meeting_outcome": "ODD",
        "hs_timestamp": "never",
        "hubspot_owner_id": "1",
        "hs_attendee_owner_ids": "1;2",
    }
    held = hs.fake("records", {"object": "meetings", "properties": {**odd, "hs_timestamp": STARTS}})
    hs.fake(
        "records",
        {"object": "meetings", "id": held["id"], "properties": {"hs_meeting_title": "🦊 عربى"}},
        "PATCH",
    )
    assert "🦊 عربى" in words(hs.http.get(f"/r/meetings/{held['id']}"))
    assert hs.http.get("/").status_code == 200
