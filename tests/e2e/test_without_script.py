"""JavaScript off: what the host's side does works all the same. For guests: tests/guest/test_no_javascript.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from oncehub_events import form, line

from .conftest import Site, until
from .guest import book

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def leads(site: Site, email: str) -> list[dict[str, object]]:
    return [
        row for row in site.order("records?object=Lead", method="GET")["Lead"] if row.get("Email") == email
    ]


def test_admin_signs_in_and_cancels_a_booking(open_window: Callable[..., BrowserContext], site: Site) -> None:
    window = open_window(base_url=site.url, java_script_enabled=False)
    page = window.new_page()
    book(page, "Sem Scripto", "sem@guest.example", day=5)
    site.sign_in(page)
    page.goto("/bookings?search=Sem+Scripto")
    page.locator(".bookings .guest a").click()
    page.locator("#act-cancel").click()
    page.get_by_label("Reason").fill("No script")
    page.get_by_role("button", name="Cancel the booking").click()
    page.wait_for_url("**/bookings/*")
    assert "Canceled" in page.locator("header.head").inner_text()
    assert "No script" in page.locator(".timeline").inner_text()


def test_admin_edits_a_contacts_email_and_the_org_has_it(admin: Callable[..., Page], site: Site) -> None:
    page = admin(java_script_enabled=False)
    before, after = "email-before@guest.example", "email-after@guest.example"
    person = form(name="Mudança Correia", email=before)
    site.ingest(line("EVNT-EMAIL", id="BKNG-EMAIL", form_submission=person).decode())
    until(lambda: leads(site, before))
    page.goto(f"/contacts?search={before}")
    page.get_by_role("link", name="Mudança Correia").click()
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("E-mail").fill("not an address")
    page.get_by_role("button", name="Save").click()
    assert page.get_by_label("E-mail").input_value() == "not an address"
    page.get_by_label("E-mail").fill(after)
    page.get_by_role("button", name="Save").click()
    assert after in page.locator(".facts").first.inner_text()
    until(lambda: leads(site, after))
    assert leads(site, before) == []


def test_admin_retries_a_group_of_problems(admin: Callable[..., Page], site: Site) -> None:
    page = admin(java_script_enabled=False)
    email = "retried@guest.example"
    refusal = {
        "kind": "row",
        "times": None,
        "errorCode": "FIELD_FILTER_VALIDATION_EXCEPTION",
        "message": "Retried people are filtered out.",
        "match": {"object": "Lead", "contains": email},
    }
    armed = site.order("faults", refusal)
    person = form(name="Retried Person", email=email)
    site.ingest(line("EVNT-RETRIED", id="BKNG-RETRIED", form_submission=person).decode())
    page.goto("/sync-log")
    group = page.get_by_role("article", name="FIELD_FILTER_VALIDATION_EXCEPTION")

    def shown() -> bool:
        page.reload()
        return group.count() == 1

    until(shown)
    assert "Retried people are filtered out." in group.inner_text()
    site.order("faults", {"id": armed["id"]}, "DELETE")
    group.get_by_role("button", name="Retry").click()
    until(lambda: leads(site, email))

    def gone() -> bool:
        page.reload()
        return group.count() == 0

    until(gone)
