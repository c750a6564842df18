"""The org's pages in a browser: news appears and flashes, faults are armed, all of it is there without a script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from standins.conftest import LONG
from standins.sf import Client

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
LEAD = {"LastName": "<img src=x onerror=alert(1)>", "Company": "Navy"}
EVENT = {"Subject": "Demo", "StartDateTime": "2026-10-05T08:00:00Z", "DurationInMinutes": 30}
AXE = Path(__file__).parent.parent / "e2e" / "vendor" / "axe-4.14.1.min.js"
RULES = '{"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}'
LONG_NAME = "Wolfeschlegelsteinhausenbergerdorff" * 2


@pytest.fixture
def windows(browser: Any, sf: Client) -> Iterator[Any]:
    """Opens windows on the org; a script that fails, or that the policy stops, fails the test."""
    failures: list[str] = []
    opened = []

    def begin(width: int = 1280, **options: Any) -> Any:
        window = browser.new_context(
            base_url=str(sf.http.base_url), viewport={"width": width, "height": 800}, timezone_id="Asia/Tokyo",
            locale="en-GB", **options,
        )  # fmt: skip
        opened.append(window)
        page = window.new_page()
        page.set_default_timeout(LONG)
        page.set_default_navigation_timeout(2 * LONG)
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on("console", lambda one: failures.append(one.text) if one.type == "error" else None)
        return page

    yield begin
    for window in opened:
        window.close()
    assert failures == []


def test_news_appears_flashes_is_said_and_leads_to_the_record_and_its_history(
    sf: Client, windows: Any
) -> None:
    from playwright.sync_api import expect

    expect.set_options(timeout=LONG)
    page = windows()
    page.goto("/")
    expect(page.get_by_text("No events yet")).to_be_visible()
    expect(page.locator("#zone")).to_have_text("Times in Asia/Tokyo")
    lead = sf.create("Lead", **LEAD)
    sf.create("Event", **EVENT, WhoId=lead)
    row = page.locator("#l-Lead tbody tr")
    expect(row).to_have_class("fresh")
    expect(page.locator("#news")).to_contain_text("New:")
    expect(page.locator("#l-Event time").first).to_have_text("5 Oct 2026, 17:00")
    expect(row).not_to_have_class("fresh")
    link = row.get_by_role("link", name=LEAD["LastName"])
    link.focus()
    sf.call("PATCH", f"/sobjects/Lead/{lead}", {"Company": "Compilers"})
    changed = row.locator("td.fresh")
    expect(changed).to_have_text(["Compilers"])
    expect(page.locator("#news")).to_have_text("1 changed")
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(LEAD["LastName"])
    expect(page.locator("#past li li")).to_contain_text("Navy")


def test_a_fault_is_armed_and_cleared_by_its_buttons(sf: Client, windows: Any) -> None:
    from playwright.sync_api import expect

    page = windows()
    page.goto("/faults")
    page.get_by_role("button", name="Take it down").click()
    expect(page.locator("#active")).to_contain_text("Down: 503")
    assert sf.call("GET", "/limits").status_code == 503
    expect(page.locator("#active")).to_contain_text("met once")
    page.get_by_role("button", name="Clear: Down").click()
    expect(page.locator("#active")).to_contain_text("Nothing is wrong")
    assert sf.call("GET", "/limits").status_code == 200


def test_all_is_readable_and_works_without_a_script(sf: Client, windows: Any) -> None:
    lead = sf.create("Lead", **LEAD)
    page = windows(java_script_enabled=False)
    page.goto("/o/Lead?q=navy")
    page.get_by_role("link", name=LEAD["LastName"]).click()
    assert page.locator("h1").inner_text() == LEAD["LastName"]
    page.locator("summary", has_text="Delete").click()
    page.get_by_role("button", name="Delete this lead").click()
    assert "recycle bin" in page.locator("#gone").inner_text()
    assert sf.call("GET", f"/sobjects/Lead/{lead}").status_code == 404


def _set_up(sf: Client) -> None:
    """Something of everything that the Setup pages show."""
    sf.fake("processes", {"object": "Lead", "name": "Short", "values": ["Working - Contacted"]})
    sf.fake(
        "record-types",
        {"object": "Lead", "label": LONG_NAME, "process": "Short", "values": {"Rating": ["Hot"]}},
    )
    sf.fake("queues", {"name": "Web leads", "objects": ["Lead", "Case"]})
    sf.fake(
        "assignment-rules",
        {"object": "Lead", "name": "Standard", "entries": [{"owner": "Web leads"}], "active": False},
    )
    sf.fake(
        "validation-rules",
        {"object": "Case", "name": LONG_NAME, "formula": "ISBLANK(Subject)", "message": LONG_NAME},
    )
    sf.fake("duplicate-rules", {"object": "Contact", "label": "Standard Contact Duplicate Rule"})
    sf.fake("profiles", {"name": "API only", "objects": {"Lead": ["read"]}})
    sf.fake("permission-sets", {"name": "More", "label": "More"})


@pytest.mark.parametrize(
    "path",
    [
        "/", "/o/Lead", "/r/{lead}", "/calls", "/setup", "/setup/org", "/setup/record-types", "/setup/rules",
        "/setup/rights", "/setup/objects/Lead", "/setup/objects/Lead/Title",
        "/setup/objects/Lead/Rating", "/faults",
    ],
)  # fmt: skip
def test_page_is_accessible_and_fits(sf: Client, windows: Any, path: str) -> None:
    lead = sf.create("Lead", **{**LEAD, "LastName": LONG_NAME})
    sf.create("Event", **EVENT, WhoId=lead)
    _set_up(sf)
    sf.fake("faults", {"kind": "row", "match": {"object": "Lead"}})
    page = windows()
    page.goto(path.format(lead=lead))
    for closed in page.locator("details > summary").all():
        closed.click()
    # The page's policy lets no foreign script in; the debugger's line is not bound by it.
    page.context.new_cdp_session(page).send("Runtime.evaluate", {"expression": AXE.read_text()})
    for width, scheme in ((1280, "light"), (320, "dark")):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate(f"axe.run({RULES})")["violations"]
        assert [(width, v["id"], v["nodes"][0]["html"]) for v in found] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
