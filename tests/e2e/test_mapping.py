"""Field mapping in a browser: by keyboard with searchable drop-downs and a live preview, and without any script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import Site
from .looks import axe

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Dialog, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ROWS = "#rows tbody tr"
OPEN = ".combo-list:not([hidden]) [role=option]"


@pytest.fixture
def tab(
    open_window: Callable[..., BrowserContext], signed_in: Any, site: Site, request: pytest.FixtureRequest
) -> Iterator[Page]:
    """The tab of Contacts; what the test saved there is taken back."""
    script = getattr(request, "param", True)
    window = open_window(base_url=site.url, storage_state=signed_in, java_script_enabled=script)
    page = window.new_page()
    page.goto(f"/integrations/{site.facts['connection']}/mapping/contacts")
    usual = page.locator(ROWS).count()
    yield page
    page.goto(f"/integrations/{site.facts['connection']}/mapping/contacts")
    while page.locator(ROWS).count() > usual:
        page.locator(f"{ROWS}:last-child .remove button").click()
        page.get_by_text("The row is gone from the form").wait_for()
    page.locator("#save").click()
    page.get_by_text("The mapping of Contacts is saved").wait_for()


def test_a_row_is_made_by_keyboard_tried_and_saved(tab: Page) -> None:
    n = tab.locator(ROWS).count()
    tab.locator(f"#would-{n - 1}:not(:has-text('…'))").wait_for()
    tab.locator("#add").press("Enter")
    field, source = tab.locator(f"#r{n}-field-search"), tab.locator(f"#r{n}-source-search")
    field.press("ArrowDown")
    field.press_sequentially("departm")
    assert axe(tab) == []
    tab.get_by_role("option", name="Department (Department)").wait_for()
    field.press("Enter")
    assert field.input_value() == "Department (Department)"
    source.press_sequentially("a static value")
    source.press("Enter")
    fixed = tab.locator(f"#r{n}-static")
    assert fixed.is_visible()
    fixed.press_sequentially("Sales")
    fixed.press("Tab")
    tab.locator(f"#would-{n}").get_by_text("Sales").wait_for()
    assert tab.locator("#saved").inner_text() == "Not saved yet"
    fixed.press("Enter")
    tab.get_by_text("The mapping of Contacts is saved").wait_for()
    assert tab.locator(ROWS).count() == n + 1
    assert "Saved" in tab.locator("#saved").inner_text()


def test_the_lists_offer_what_fits_and_escape_leaves_them(tab: Page) -> None:
    email = next(n for n in range(10) if tab.locator(f"#r{n}-field-search").input_value() == "Email (Email)")
    box = tab.locator(f"#r{email}-field-search")
    box.fill("birth")
    assert tab.locator(OPEN).all_inner_texts() == ["Nothing fits “birth”"]
    box.press("Escape")
    assert box.input_value() == "Email (Email)"
    assert tab.locator(OPEN).count() == 0
    source = tab.locator(f"#r{email}-source-search")
    source.fill("duration")
    assert tab.locator(OPEN).all_inner_texts() == ["Nothing fits “duration”"]


def test_whoever_leaves_unsaved_rows_is_asked_and_nobody_else(tab: Page) -> None:
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    tab.on("dialog", stay)
    # what is typed to search a list is no change
    tab.locator("#r0-source-search").press_sequentially("zz")
    tab.locator("#r0-source-search").press("Escape")
    tab.locator(".tabs a[href*=events]").click()
    tab.wait_for_url("**/mapping/events*")
    tab.go_back()
    tab.locator("#r0-fallback").press_sequentially("Guest")
    tab.locator("#r0-fallback").press("Tab")
    assert tab.locator("#saved").inner_text() == "Not saved yet"
    with tab.expect_event("dialog"):
        tab.locator(".tabs a[href*=events]").click(no_wait_after=True)
    assert tab.locator("#r0-fallback").input_value() == "Guest"
    tab.locator("#r0-fallback").fill("")
    tab.locator("#continue").click()
    tab.wait_for_url("**/rules")
    assert asked == ["beforeunload"]
    tab.remove_listener("dialog", stay)


@pytest.mark.parametrize("tab", [False], indirect=True, ids=["without script"])
def test_a_row_is_made_tried_and_saved_without_any_script(tab: Page) -> None:
    n = tab.locator(ROWS).count()
    tab.locator("#add").click()
    tab.locator(f"select[name=r{n}-source]").select_option("contact.job_title")
    tab.locator(f"select[name=r{n}-field]").select_option("Birthdate")
    tab.locator(f"input[name=r{n}-fallback]").fill("soon")
    tab.locator("#save").click()
    tab.locator("#wrong").wait_for()
    tab.locator(f"#row-{n}").get_by_text("is not a date").wait_for()
    tab.locator(f"select[name=r{n}-field]").select_option("Birthdate")
    tab.locator(f"input[name=r{n}-fallback]").fill("1990-01-31")
    tab.locator("#preview").click()
    tab.locator(f"#would-{n}").get_by_text("1990-01-31").wait_for()
    tab.locator("#save").click()
    tab.get_by_text("The mapping of Contacts is saved").wait_for()
    assert tab.locator(ROWS).count() == n + 1
