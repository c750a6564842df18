"""The pages in a real browser, alive: what happens elsewhere shows by itself, and nobody's focus or typing is lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from oncehub_events import form, line

from .conftest import Site, until

if TYPE_CHECKING:
    from playwright.sync_api import Page, Response

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

#: pages that refresh themselves, by whether an event that arrives changes what they show
LIVE_PAGES = {
    "/dashboard": True,
    "/bookings": True,
    "/bookings/{known}": True,
    "/contacts": True,
    "/contacts/{person}": True,
    "/sync-log": True,
    "/integrations": False,
    "/integrations/{connection}": False,
}
#: what can have the focus in the part that is exchanged; the second, where there are several
_FOCUS = """() => {
  const all = [...document.querySelectorAll("#live :is(a[href], button)")].filter((one) => one.checkVisibility());
  window.kept = all[Math.min(1, all.length - 1)];
  window.kept.focus();
  return [window.kept.id, document.getElementById("live").innerText];
}"""
_FIA = form(name="Fia Focus", email="fia@focus.example")
_STILL = "() => [document.activeElement?.id, document.activeElement === window.kept, window.kept.isConnected]"


def _ahead(days: int) -> str:
    """A start so late that the booking is on the first page of the list, as OnceHub writes it."""
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT09:00:00.000Z")


def test_newcomer_finds_a_booking_and_reads_its_receipt(admin: Callable[..., Page], site: Site) -> None:
    from playwright.sync_api import expect

    person = form(name="Noa Newcomer", email="noa@newcomer.example")
    site.ingest(line("EVNT-NOA", id="BKNG-NOA", starting_time=_ahead(80), form_submission=person).decode())
    page = admin()
    page.goto("/bookings")
    expect(page.get_by_text("Time Europe/Lisbon")).to_be_visible()
    page.get_by_label("Search").fill("noa newcomer")
    page.get_by_role("button", name="Show").click()
    row = page.get_by_role("row", name="Noa Newcomer").first
    row.get_by_role("link", name=re.compile("Salesforce:? *In step")).click()
    expect(page.get_by_role("heading", name="Receipt", exact=True)).to_be_visible()
    lead = page.get_by_role("article").filter(has_text="Lead").first
    expect(lead).to_contain_text("created")
    expect(lead.get_by_role("row", name="Last Name")).to_contain_text("mapping: Last name")
    expect(page.get_by_text(re.compile(r"^\s*\d+ API calls?"))).to_be_visible()
    page.get_by_role("link", name="Plan").click()
    expect(page.get_by_text("Nothing: the CRM is in step.")).to_be_visible()


def test_new_booking_appears_by_itself_and_typing_is_not_disturbed(
    admin: Callable[..., Page], site: Site
) -> None:
    from playwright.sync_api import expect

    page = admin()
    page.goto("/bookings")
    page.get_by_label("Search").press_sequentially("half a wo")
    person = form(name="Zoë Live", email="zoe@live.example")
    site.ingest(line("EVNT-LIVE", id="BKNG-LIVE", starting_time=_ahead(90), form_submission=person).decode())
    expect(page.get_by_role("link", name="Zoë Live")).to_be_visible(timeout=45_000)
    assert page.get_by_label("Search").input_value() == "half a wo"
    assert page.evaluate("document.activeElement.name") == "search"


def _known(page: Page, site: Site) -> tuple[str, str]:
    """A booking that the test may change, and its contact: the last parts of their addresses."""
    site.ingest(line("EVNT-F1", id="BKNG-FOCUS", starting_time=_ahead(90), form_submission=_FIA).decode())
    page.goto("/bookings?search=fia@focus.example")
    page.locator(".bookings .guest a").click()
    page.wait_for_url("**/bookings/*")
    contact = page.locator("#to-contact").get_attribute("href") or ""
    return page.url.rpartition("/")[2], contact.rpartition("/")[2]


def test_focus_survives_what_is_exchanged_on_every_live_page(admin: Callable[..., Page], site: Site) -> None:
    """Two polls, one of them with other rows: the focus is on the very same element; nothing was loaded anew."""
    first = admin()
    known, person = _known(first, site)
    window = first.context
    pages: dict[str, Page] = {}
    polls: dict[str, int] = {}
    focused: dict[str, tuple[str, str]] = {}
    for path in LIVE_PAGES:
        page = pages[path] = window.new_page()
        page.goto(path.format(known=known, person=person, **site.facts))
        # while it catches up it exchanges more than it will
        page.locator("#catching-up").wait_for(state="detached")
        focused[path] = tuple(page.evaluate(_FOCUS))
    moved = line(
        "EVNT-F2", "rescheduled", 60, id="BKNG-FOCUS", starting_time=_ahead(91), form_submission=_FIA
    )
    further = line("EVNT-F3", id="BKNG-FOCUS-2", starting_time=_ahead(92), form_submission=_FIA)
    another = form(name="Gil Focus", email="gil@focus.example")
    newcomer = line("EVNT-F4", id="BKNG-FOCUS-3", starting_time=_ahead(93), form_submission=another)
    site.ingest(b"\n".join([moved, further, newcomer]).decode())

    def count(path: str) -> Callable[[Response], None]:
        def counted(answer: Response) -> None:
            polls[path] = polls.get(path, 0) + (answer.request.headers.get("hx-request") == "true")

        return counted

    for path, page in pages.items():
        page.on("response", count(path))

    def twice() -> bool:
        first.wait_for_timeout(300)
        return all(polls.get(path, 0) >= 2 for path in LIVE_PAGES)

    until(twice, 60)
    lost, same = {}, []
    for path, page in pages.items():
        before_id, before = focused[path]
        now_id, is_kept, is_there = page.evaluate(_STILL)
        if not (before_id and now_id == before_id and is_kept and is_there):
            lost[path] = f"{before_id!r} → {now_id!r}"
        if LIVE_PAGES[path] and page.locator("#live").inner_text() == before:
            same.append(path)
    assert lost == {}
    assert same == [], "nothing was exchanged there: the test has tested nothing"


def test_page_that_refreshes_itself_goes_to_the_sign_in_when_the_session_ends(
    admin: Callable[..., Page],
) -> None:
    page = admin()
    page.goto("/bookings")
    page.context.clear_cookies(name="sessionid")
    page.wait_for_url("**/signin?next=/bookings**")
