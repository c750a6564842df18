"""The guest's whole way in a real browser: without script, with it by keyboard, and what axe says of every state."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .site import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from instep_process import Template

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

AXE = (Path(__file__).parents[1] / "e2e" / "vendor" / "axe-4.14.1.min.js").read_text()
AXE_RULES = json.dumps({"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})


@pytest.fixture(scope="module")
def site(migrated_template: Template) -> Iterator[str]:
    with served(migrated_template) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"], timeout=240_000)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """A fresh browser in Lisbon; a script that fails fails the test."""
    windows = []
    failures: list[str] = []

    def begin(*, width: int = 1280, **options: object) -> Page:
        options = {"color_scheme": "light", "timezone_id": "Europe/Lisbon", "locale": "en-GB", **options}
        window = browser.new_context(base_url=site, viewport={"width": width, "height": 900}, **options)
        # a machine with much else to do is slow, not broken
        window.set_default_timeout(200_000)
        windows.append(window)
        page = window.new_page()
        page.on("pageerror", lambda error: failures.append(str(error)))
        return page

    yield begin
    for window in windows:
        window.close()
    assert failures == []


@pytest.fixture(scope="module")
def shots() -> Path:
    folder = Path(os.environ.get("INSTEP_TEST_SHOTS") or tempfile.mkdtemp(prefix="instep-shots-", dir="/tmp"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def choose_a_time(page: Page, day: int = 1) -> str:
    """Open the calendar and the first time of a free day; what the time was."""
    page.goto("/b/demo?tz=Europe/Lisbon&clock=24")
    page.locator(".month a.day").nth(day).click()
    page.locator(f".month a.day >> nth={day}").and_(page.locator("[aria-current=date]")).wait_for()
    time = page.locator(".times li a").first
    words = time.inner_text()
    time.click()
    page.wait_for_url("**/details?**")
    return words


def fill_in(page: Page, email: str) -> None:
    page.get_by_label("Name").fill("Ana Sousa")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Company").fill("Sousa Lda.")
    page.get_by_label("I agree to the terms").check()


def test_guest_books_moves_and_cancels_without_script(open_page: Callable[..., Page]) -> None:
    page = open_page(java_script_enabled=False)
    time = choose_a_time(page)
    button = page.get_by_role("button")
    assert button.inner_text().endswith(time)
    page.get_by_label("E-mail").fill("ana@")
    button.click()
    assert "answers need another look" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("E-mail").input_value() == "ana@"
    fill_in(page, "noscript@guest.example")
    page.get_by_role("button").click()
    page.wait_for_url("**/m/**")
    assert page.locator("h1").inner_text() == "Your booking is confirmed"
    booking = page.url
    assert f", {time}" in page.locator(".facts").inner_text()

    page.get_by_role("link", name="Pick another time").click()
    page.locator(".month a.day").nth(2).click()
    page.locator(".times li a").last.click()
    page.get_by_label("Reason").fill("A train")
    page.get_by_role("button", name=re.compile("^Take ")).click()
    page.wait_for_url(booking)
    assert page.locator("h1").inner_text() == "Your new time is confirmed"

    page.get_by_role("link", name="Cancel the meeting").click()
    page.get_by_label("Reason").fill("Ill")
    page.get_by_role("button", name="Cancel the meeting").click()
    page.wait_for_url(booking)
    assert page.locator("h1").inner_text() == "This meeting is canceled"


def test_time_lost_to_somebody_else_is_replaced_with_one_press_without_script(
    open_page: Callable[..., Page],
) -> None:
    page, other = open_page(java_script_enabled=False), open_page(java_script_enabled=False)
    for guest in (page, other):
        choose_a_time(guest, day=3)
    fill_in(other, "first@guest.example")
    other.get_by_role("button").click()
    other.wait_for_url("**/m/**")
    fill_in(page, "second@guest.example")
    page.get_by_role("button").click()
    assert "This time cannot be had" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("Company").input_value() == "Sousa Lda."
    page.get_by_role("button", name="Book the chosen time").click()
    page.wait_for_url("**/m/**")
    assert page.locator("h1").inner_text() == "Your booking is confirmed"


def test_zone_is_searched_without_script(open_page: Callable[..., Page]) -> None:
    page = open_page(java_script_enabled=False)
    page.goto("/b/demo")
    assert "your browser did not say yours" in page.locator(".guess").inner_text()
    page.get_by_role("link", name="change the time zone").click()
    page.get_by_label("City, country or offset").fill("tokyo")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name=re.compile("^Tokyo")).click()
    assert "Asia/Tokyo" in page.locator(".reads").inner_text()
    assert page.locator(".guess").count() == 0


def test_browser_tells_its_zone(open_page: Callable[..., Page]) -> None:
    page = open_page(timezone_id="Asia/Calcutta")
    page.goto("/b/demo")
    page.locator(".reads b", has_text="Asia/Kolkata").wait_for()


def test_month_is_turned_and_days_are_reached_by_keyboard_without_reload(
    open_page: Callable[..., Page],
) -> None:
    page = open_page()
    page.goto("/b/demo?tz=Europe/Lisbon")
    page.evaluate("window.stayed = true")
    first = page.locator(".month a.day").first
    first.focus()
    page.keyboard.press("ArrowRight")
    focused = page.evaluate("document.activeElement.id")
    assert focused == page.locator(".month a.day").nth(1).get_attribute("id")
    page.keyboard.press("Enter")
    page.locator(f"#{focused}[aria-current=date]").wait_for()
    assert page.evaluate("document.activeElement.id") == focused
    assert focused.removeprefix("day-") in page.url
    title = page.locator("#month-title").inner_text()
    page.keyboard.press("PageDown")
    page.locator("#month-title", has_not_text=title).wait_for()
    assert page.evaluate("document.activeElement.id") == "month-after"
    assert page.evaluate("window.stayed"), "the page was loaded anew"
    page.go_back()
    page.locator("#month-title", has_text=title).wait_for()


def test_booking_works_by_keyboard_alone(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto("/b/demo?tz=Europe/Lisbon")
    press_until(page, "document.activeElement.matches('.times li a')")
    page.keyboard.press("Enter")
    page.wait_for_url("**/details?**")
    for field, typed in (
        ("id_name", "Key Board"),
        ("id_email", "keys@guest.example"),
        ("id_company", "Keys"),
    ):
        press_until(page, f"document.activeElement.id === '{field}'")
        page.keyboard.type(typed)
    press_until(page, "document.activeElement.id === 'id_q_terms'")
    page.keyboard.press("Space")
    press_until(page, "document.activeElement.type === 'submit'")
    page.keyboard.press("Enter")
    page.wait_for_url("**/m/**")
    assert page.locator("h1").inner_text() == "Your booking is confirmed"


def press_until(page: Page, reached: str) -> None:
    """Go on with the Tab key until the focus is where it is wanted."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate(reached):
            return
    raise AssertionError(f"never reached by Tab: {reached}")


def visit_all(page: Page, email: str) -> Iterator[str]:
    """Every state of the guest's pages, one after the other; yields each one's name once it is there."""
    page.goto("/b/demo")
    page.wait_for_load_state()
    yield "month"
    page.goto("/b/rare")
    yield "month-empty"
    page.goto("/b/nothing")
    yield "no-calendar"
    page.goto("/b/demo/zone?q=india")
    yield "zone"
    page.goto("/b/demo/zone?q=qqqq")
    yield "zone-none"
    choose_a_time(page, day=4)
    address = page.url
    yield "form"
    page.get_by_role("button").click()
    page.wait_for_load_state()
    assert page.evaluate("document.activeElement.id") == "told"
    yield "form-errors"
    page.goto(f"{address}&name=Ana&email={email}&company=Sousa&skip=1")
    yield "form-filled-in"
    fill_in(page, email)
    page.get_by_role("button").click()
    page.wait_for_url("**/m/**")
    booking = page.url
    yield "confirmed"
    page.goto(address)
    yield "form-lost"
    page.goto(f"{booking}/time")
    yield "move"
    page.locator(".times li a").first.click()
    page.wait_for_url("**/confirm?**")
    yield "move-confirm"
    page.goto(f"{booking}/cancel")
    yield "cancel"
    page.get_by_role("button").click()
    page.wait_for_url(booking)
    yield "canceled"
    page.goto(f"{booking}/time")
    yield "not-movable"
    page.goto("/m/nonsense")
    yield "no-booking"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_every_state_is_accessible_and_fits(
    open_page: Callable[..., Page], shots: Path, width: int, scheme: str
) -> None:
    page = open_page(width=width, color_scheme=scheme)
    found = {}
    for name in visit_all(page, f"{scheme}{width}@guest.example"):
        page.screenshot(path=shots / f"guest-{name}-{scheme}-{width}.png", full_page=True)
        page.evaluate(AXE)
        violations = page.evaluate(f"axe.run({AXE_RULES})")["violations"]
        told = [
            f"{v['id']}: {v['help']} {[node['html'][:200] for node in v['nodes'][:3]]}" for v in violations
        ]
        wide = page.evaluate("document.documentElement.scrollWidth")
        found[name] = told + ([f"{wide} px wide"] if wide > width else [])
    assert {name: told for name, told in found.items() if told} == {}
