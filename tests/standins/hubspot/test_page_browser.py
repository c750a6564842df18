"""The portal's pages in a browser: a meeting appears on its contact's timeline; nothing is too wide or out of reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from standins.conftest import LONG
from standins.hubspot.hs import STARTS, Client

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
AXE = Path(__file__).parents[2] / "e2e" / "vendor" / "axe-4.14.1.min.js"


@pytest.fixture
def windows(browser: Any, hs: Client) -> Iterator[Any]:
    """Opens windows on the portal; a script that fails, or that the policy stops, fails the test."""
    failures: list[str] = []
    opened = []

    def begin(width: int = 1280, **options: Any) -> Any:
        window = browser.new_context(
            base_url=str(hs.http.base_url), viewport={"width": width, "height": 800}, timezone_id="Asia/Tokyo",
            locale="en-GB", **options,
        )  # fmt: skip
        opened.append(window)
        page = window.new_page()
        page.set_default_timeout(LONG)
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on("console", lambda one: failures.append(one.text) if one.type == "error" else None)
        return page

    yield begin
    for window in opened:
        window.close()
    assert failures == []


def test_a_meeting_appears_on_the_timeline_and_changes_there(hs: Client, windows: Any) -> None:
    from playwright.sync_api import expect

    expect.set_options(timeout=LONG)
    guest = hs.contact(firstname="<img src=x onerror=alert(1)>")
    page = windows()
    page.goto(f"/r/contacts/{guest}")
    expect(page.get_by_text("No meetings yet")).to_be_visible()
    held = hs.meeting(guest, hs_meeting_outcome="SCHEDULED", hs_meeting_start_time=STARTS)
    card = page.locator("#timeline .event")
    expect(card.get_by_text("Scheduled")).to_be_visible()
    expect(card.locator("time")).to_have_text("5 Oct 2026, 17:00")
    hs.objects("PATCH", f"meetings/{held}", {"properties": {"hs_meeting_outcome": "NO_SHOW"}})
    expect(card.get_by_text("No show")).to_be_visible()
    card.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Intro")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_narrow_pages_are_not_too_wide_and_axe_finds_nothing(hs: Client, windows: Any, scheme: str) -> None:
    guest = hs.contact(f"{'long' * 12}@guest.example", firstname="Wolfeschlegelsteinhausenbergerdorff" * 2)
    hs.meeting(guest, hs_meeting_location="https://meet.example/" + "x" * 80, hs_meeting_outcome="CANCELED")
    hs.arm("status", {"path": "^/crm/nothing"}, status=500, times=None)
    page = windows(320, color_scheme=scheme, bypass_csp=True)
    asked = (
        f"client_id={hs.portal.client_id}&redirect_uri=http://localhost:9/x&scope=crm.objects.contacts.read"
    )
    for path in (
        "/",
        "/o/meetings",
        f"/r/contacts/{guest}",
        "/calls",
        "/setup",
        "/faults",
        f"/oauth/authorize?{asked}",
    ):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        page.evaluate(AXE.read_text())
        found = page.evaluate("axe.run()")["violations"]
        assert [(path, one["id"], one["nodes"][0]["html"]) for one in found] == []
