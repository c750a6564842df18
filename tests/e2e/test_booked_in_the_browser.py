"""A meeting's whole life in browsers: a guest books, the host's side acts, and the org's own page shows each at once.

On `instep demo` as a newcomer starts it: its own PostgreSQL, worker, stand-in, everything. The order of what is
seen is asserted, and a bound that a busy machine keeps; the seconds that were measured are printed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from .conftest import Site
from .guest import book, org_list, org_row

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

GUEST, EMAIL = "Aurora Montenegro", "aurora@montenegro.example"
#: seconds; the product's own promise is 2, on a machine that has nothing else to do
BOUND = 20.0


class Watch:
    """Measures how long after an act others show what it did."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def until(self, what: str, seen: Locator, since: float) -> None:
        """Wait until it is seen; the seconds are kept to be printed."""
        from playwright.sync_api import expect

        expect(seen).to_be_visible(timeout=BOUND * 1000)
        self.told.append(f"{what}: {time.monotonic() - since:.1f} s")


def act(page: Page, word: str, button: str, fill: Callable[[Page], None] | None = None) -> float:
    """Do an act of the host's side on the booking that is open; when it was confirmed."""
    booking = page.url
    page.locator(".acts").get_by_role("link", name=word, exact=True).click()
    if fill:
        fill(page)
    page.get_by_label("Reason").fill(f"Because: {word}")
    page.get_by_role("button", name=button, exact=True).click()
    page.wait_for_url(booking)
    page.get_by_role("status").first.wait_for()
    return time.monotonic()


def other_host(page: Page) -> None:
    page.locator("input[name=host]:not([disabled])").first.check()


def yesterday(page: Page) -> None:
    page.get_by_label("Another time").check()
    page.get_by_label("Date").fill((datetime.now(UTC).date() - timedelta(days=1)).isoformat())
    page.get_by_label(re.compile("^Time")).fill("03:15")


def first_time(page: Page) -> None:
    page.locator(".slots input[name=start]").last.check()


def test_meeting_lives_in_the_browser_and_the_org_follows(
    open_window: Callable[..., BrowserContext], demo: Site
) -> None:
    from playwright.sync_api import expect

    watch = Watch()
    events, leads = open_window().new_page(), open_window().new_page()
    org_list(events, demo.org, "Events")
    org_list(leads, demo.org, "Leads")
    event, lead = org_row(events, GUEST), org_row(leads, GUEST)
    expect(org_row(leads, "Email")).to_be_visible()
    assert event.count() == lead.count() == 0

    guest = open_window(base_url=demo.url).new_page()
    book(guest, GUEST, EMAIL)
    booked = time.monotonic()
    watch.until("the Event of the booking", event, booked)
    watch.until("its Lead", lead, booked)
    expect(lead).to_contain_text(EMAIL)

    host = open_window(base_url=demo.url).new_page()
    demo.sign_in(host)
    host.goto("/bookings")
    host.get_by_role("row", name=GUEST).get_by_role("link", name=GUEST).click()
    expect(host.get_by_role("heading", level=1)).to_be_visible()
    host.evaluate("window.stayed = true")
    # a second look at the booking, which nobody touches: it has to follow by itself
    other = host.context.new_page()
    other.goto(host.url)

    def follows(what: str, status: str, since: float) -> None:
        """The org's page and the booking's page that nobody touches show it, and the CRM is in step again."""
        watch.until(f"{what}, in the org", event.filter(has_text=re.compile(status, re.I)), since)
        shown = other.locator("header.head").filter(has_text=re.compile(status, re.I))
        watch.until(f"{what}, on the booking's page", shown, since)

    other.evaluate("window.stayed = true")
    follows("reschedule", "Resched", act(host, "Reschedule", "Reschedule", first_time))
    since = act(host, "Reassign", "Reassign", other_host)
    watch.until("reassign, in the org", event.filter(has_text=re.compile("Reassigned")), since)
    # its end has passed: the timer completes it, and who acts on what was before is asked to look again
    follows("its completion", "Completed", act(host, "Reschedule", "Reschedule", yesterday))
    follows("no-show", "No.show", act(host, "Mark No-show", "Mark No-show"))
    follows("its undoing", "Resched|Completed", act(host, "Undo No-show", "Undo No-show"))
    follows("cancel", "Cancel", act(host, "Cancel", "Cancel the booking"))
    assert other.evaluate("window.stayed"), "the booking's page was loaded anew"
    assert events.get_by_role("row").filter(has_text=GUEST).count() == 1, "one Event for the whole life"

    # the latest five of them
    expect(other.locator(".receipts li").nth(4)).to_be_visible(timeout=BOUND * 1000)
    other.locator(".receipts a").first.click()
    expect(other.get_by_role("heading", name="Receipt", exact=True)).to_be_visible()
    other.get_by_text("Request ids").click()
    expect(other.locator("ul.ids code").first).to_be_visible()
    assert other.locator("ul.ids code").first.inner_text().strip()
    print("\n" + "\n".join(watch.told))


def test_guest_reschedules_and_cancels_by_the_link_and_the_org_follows(
    open_window: Callable[..., BrowserContext], demo: Site
) -> None:
    from playwright.sync_api import expect

    name, watch = "Benedita Link", Watch()
    events = open_window().new_page()
    org_list(events, demo.org, "Events")
    event = org_row(events, name)
    guest = open_window(base_url=demo.url).new_page()
    manage = book(guest, name, "benedita@link.example", day=2)
    watch.until("the Event of the booking", event, time.monotonic())

    guest.get_by_role("link", name="Pick another time").click()
    guest.locator(".times li a").last.click()
    guest.get_by_label("Reason").fill("A train")
    guest.get_by_role("button", name=re.compile("^Take ")).click()
    guest.wait_for_url(manage)
    expect(guest.get_by_role("heading", level=1)).to_have_text("Your new time is confirmed")
    watch.until(
        "the guest's reschedule", event.filter(has_text=re.compile("Resched", re.I)), time.monotonic()
    )

    guest.get_by_role("link", name="Cancel the meeting").click()
    guest.get_by_label("Reason").fill("Ill")
    guest.get_by_role("button", name="Cancel the meeting").click()
    guest.wait_for_url(manage)
    expect(guest.get_by_role("heading", level=1)).to_have_text("This meeting is canceled")
    watch.until("the guest's cancel", event.filter(has_text=re.compile("Cancel", re.I)), time.monotonic())
    assert events.get_by_role("row").filter(has_text=name).count() == 1
    print("\n" + "\n".join(watch.told))
