"""The page that shows the org's records: what it serves, and that a browser sees records appear."""

from __future__ import annotations

import shutil

import pytest

from standins.sf import Client

LEAD = {"LastName": "<img src=x onerror=alert(1)>", "Company": "شركة"}
EVENT = {"Subject": "Demo", "StartDateTime": "2026-10-05T08:00:00Z", "DurationInMinutes": 30}


def test_page_and_assets_come_from_the_stand_in_alone(sf: Client) -> None:
    page = sf.http.get("/")
    assert page.headers["content-type"] == "text/html;charset=UTF-8"
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    for path, kind in (("/assets/page.js", "text/javascript"), ("/assets/page.css", "text/css")):
        answer = sf.http.get(path)
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, kind)
        assert path in page.text
        assert "http" not in answer.text
    assert sf.http.get("/assets/../org.py").status_code == 404
    assert sf.http.get("/assets/%2e%2e%2forg.py").status_code == 404


def test_data_is_sent_only_when_something_happened(sf: Client) -> None:
    first = sf.http.get("/records.json").json()
    assert [o["total"] for o in first["objects"]] == [0] * 5
    assert sf.http.get("/records.json", params={"seen": first["version"]}).status_code == 204
    lead = sf.create("Lead", **LEAD)
    event = sf.create("Event", **EVENT, WhoId=lead)
    told = sf.http.get("/records.json", params={"seen": first["version"]}).json()
    lists = {o["name"]: o for o in told["objects"]}
    assert [c["label"] for c in lists["Event"]["columns"]] == [
        "Subject", "Start Date Time", "End Date Time", "Name", "Assigned To",
    ]  # fmt: skip
    [row] = lists["Event"]["rows"]
    assert (row[0], row[-2:]) == (event, [LEAD["LastName"], "Integration User"])
    assert told["calls"][0]["summary"] == ["create Event"]


def test_looking_at_the_page_is_no_call(sf: Client) -> None:
    before = sf.fake("calls", method="GET")
    for path in ("/", "/records.json", "/assets/page.js", "/favicon.ico"):
        sf.http.get(path)
    assert sf.fake("calls", method="GET") == before


def test_record_shows_every_filled_field(sf: Client) -> None:
    lead = sf.create("Lead", **LEAD)
    told = sf.http.get("/record.json", params={"id": lead}).json()
    fields = {field["label"]: field["shown"] for field in told["fields"]}
    assert (fields["Company"], fields["Owner ID"]) == ("شركة", "Integration User")
    assert "Deleted" not in fields
    assert sf.http.get("/record.json", params={"id": "00QHs0000000099AAA"}).status_code == 404


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 1200])
def test_browser_sees_records_appear_without_reload(sf: Client, width: int) -> None:
    """Markup in a name stays text, the detail opens and closes by keyboard, nothing overflows, no script fails."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import expect, sync_playwright

    failures: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on("console", lambda message: failures.append(message.text) if message.type == "error" else None)
        page.goto(str(sf.http.base_url))
        expect(page.get_by_text("No events yet")).to_be_visible()
        lead = sf.create("Lead", **LEAD)
        sf.create("Event", **EVENT, WhoId=lead)
        button = page.get_by_role("button", name=LEAD["LastName"])
        expect(button).to_be_visible()
        expect(page.get_by_role("button", name="Demo")).to_be_visible()
        button.focus()
        page.keyboard.press("Enter")
        detail = page.get_by_role("dialog", name=LEAD["LastName"])
        expect(detail).to_contain_text("Integration User")
        page.keyboard.press("Escape")
        expect(detail).to_be_hidden()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        browser.close()
    assert failures == []
