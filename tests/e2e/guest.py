"""What a guest does on the booking page, and what everybody sees in the org's own page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

CONFIRMED = "Your booking is confirmed"


def choose_a_time(page: Page, calendar: str, day: int = 1) -> None:
    """Open a calendar and take the first time of one of its free days, counted from 0; the form is open then."""
    page.goto(f"/b/{calendar}?tz=Europe/Lisbon&clock=24")
    days = page.locator(".month a.day")
    if days.count() <= day:
        # late in a month
        page.locator("a#month-after").click()
        page.wait_for_url("**month=**")
    chosen = days.nth(day).get_attribute("id")
    days.nth(day).click()
    page.locator(f"#{chosen}[aria-current=date]").wait_for()
    page.locator(".times li a").first.click()
    page.wait_for_url("**/details?**")


def fill_in(page: Page, name: str, email: str) -> None:
    """Say who one is, on the form of the demo's calendar."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Company").fill("Guests & Sons")


def book(page: Page, name: str, email: str, day: int = 1) -> str:
    """Book a product demo; the address of the guest's own page of it."""
    choose_a_time(page, "product-demo", day)
    fill_in(page, name, email)
    page.get_by_role("button", name=re.compile("^Book ")).click()
    page.wait_for_url("**/m/**")
    page.get_by_role("heading", name=CONFIRMED).wait_for()
    return page.url


def org_list(page: Page, org: str, objects: str) -> None:
    """Open the org's page at its list of objects, by what is written there: `objects` is `Events`, `Leads`, …"""
    page.goto(org)
    page.get_by_role("navigation").get_by_role("link", name=re.compile(f"^{objects}")).first.click()


def org_row(page: Page, words: str) -> Locator:
    """The row of the org's list that has these words."""
    return page.get_by_role("row").filter(has_text=words).first
