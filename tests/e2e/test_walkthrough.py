"""The walk through `docs/walkthrough.md`, step by step: from Connect to a booking that is mapped, ruled, synced.

Its pictures are taken on the way: `INSTEP_WALK_PICTURES=docs/images .venv/bin/pytest tests/e2e/test_walkthrough.py`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .conftest import Site
from .guest import book, org_list, org_row
from .test_connecting import CONNECTION, fill_in

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

GUEST, EMAIL = "Walburga Steiner", "walburga@steiner.example"
#: milliseconds; the product's own promise is two seconds, on a machine that has nothing else to do
BOUND = 30_000


def test_from_connect_to_a_booking_in_the_org(open_window: Callable[..., BrowserContext], demo: Site) -> None:
    from playwright.sync_api import expect

    window = open_window(base_url=demo.url, reduced_motion="reduce")
    page = window.new_page()
    demo.sign_in(page)

    # 1 connect
    fill_in(page, demo)
    picture(page, "connect")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open the sign-in").click()
    with opened.value.expect_event("close"):
        opened.value.get_by_role("button", name="Allow").click()
    page.wait_for_url(CONNECTION)
    expect(page.get_by_text("Salesforce is connected.")).to_be_visible()
    connection = page.url

    # 2 fields and rights are there
    expect(page.get_by_role("link", name=re.compile("Installation"))).to_contain_text("done")
    picture(page, "connection")

    # 3 map a field more
    page.get_by_role("link", name="Configure field mapping").click()
    page.locator("nav.tabs").get_by_role("link", name=re.compile("^Contacts")).click()
    before = page.locator("table.rows tbody tr").count()
    page.get_by_role("button", name=re.compile("^Suggest")).click()
    expect(page.locator("table.rows tbody tr").nth(before)).to_be_visible()
    picture(page, "mapping")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("The mapping of Contacts is saved")

    # 4 nothing required is open
    page.get_by_role("link", name="Field validation").click()
    expect(page.get_by_text("Every required field has something that fills it.")).to_be_visible()

    # 5 rules: Cases for one calendar
    page.goto(connection)
    page.get_by_role("link", name="Configure creation rules").click()
    page.get_by_label("Product demo", exact=True).check()
    picture(page, "rules")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("The creation rules are saved")).to_be_visible()
    expect(page.get_by_label("Product demo", exact=True)).to_be_checked()

    # 6 preview: nothing is written
    page.goto("/test-plan")
    page.get_by_label("Calendar").select_option(label="Product demo")
    page.get_by_label("Name").fill(GUEST)
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_role("button", name="Show the plan").click()
    for name in ("Contact", "Case", "Event"):
        expect(page.locator("article.record").filter(has_text=name).first).to_be_visible()
    picture(page, "plan")
    org = open_window().new_page()
    org_list(org, demo.org, "Cases")
    assert org_row(org, EMAIL).count() == 0

    # 7 book, and look
    guest = open_window(base_url=demo.url).new_page()
    book(guest, GUEST, EMAIL)
    org_list(org, demo.org, "Contacts")
    expect(org_row(org, GUEST)).to_be_visible(timeout=BOUND)
    org_list(org, demo.org, "Events")
    expect(org_row(org, GUEST)).to_be_visible(timeout=BOUND)
    picture(org, "org")
    page.goto("/bookings")
    page.get_by_role("row", name=GUEST).get_by_role("link", name=GUEST).click()
    expect(page.locator(".receipts li").first).to_be_visible(timeout=BOUND)
    page.locator(".receipts a").first.click()
    for name in ("Contact", "Case", "Event"):
        expect(page.locator("article.record").filter(has_text=name).first).to_contain_text("created")
    picture(page, "receipt")


def picture(page: Page, name: str) -> None:
    """Take a picture for the walk, where somebody wants them."""
    folder = os.environ.get("INSTEP_WALK_PICTURES")
    if folder:
        page.set_viewport_size({"width": 1120, "height": 760})
        page.screenshot(path=Path(folder) / f"walk-{name}.png")
