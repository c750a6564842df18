"""Connecting by the CRM's own sign-in in a real browser: in a window of its own, and without a script in one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from .conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CONNECTION = re.compile(r"/integrations/CON-\w+$")


def fill_in(page: Page, site: Site) -> None:
    """The form, for the stand-in; leads to the page that waits."""
    app = json.loads((site.home.path / "standin.json").read_text())
    page.goto("/integrations/salesforce/connect")
    page.get_by_label("The org's My Domain address").check()
    page.get_by_role("textbox", name="My Domain address").fill(site.org)
    page.get_by_label("Consumer Key").fill(app["client_id"])
    page.get_by_label("Consumer Secret").fill(app["client_secret"])
    page.get_by_role("button", name="Continue to the sign-in").click()
    page.wait_for_url("**/signing-in")


def test_the_window_closes_itself_and_the_page_that_waits_goes_on(
    admin: Callable[..., Page], site: Site
) -> None:
    from playwright.sync_api import expect

    page = admin()
    fill_in(page, site)
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open the sign-in").click()
    window = opened.value
    expect(window.get_by_text("Signed in as")).to_be_visible()
    with window.expect_event("close"):
        window.get_by_role("button", name="Allow").click()
    page.wait_for_url(CONNECTION)
    expect(page.get_by_text("Salesforce is connected.")).to_be_visible()


def test_denied_in_the_window_is_told_on_the_page_that_opened_it(
    admin: Callable[..., Page], site: Site
) -> None:
    from playwright.sync_api import expect

    page = admin()
    fill_in(page, site)
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open the sign-in").click()
    with opened.value.expect_event("close"):
        opened.value.get_by_role("button", name="Deny").click()
    expect(page.get_by_role("alert")).to_contain_text("Consent was denied")
    expect(page.get_by_role("textbox", name="My Domain address")).to_have_value(site.org)


def test_without_a_script_everything_happens_in_one_window(admin: Callable[..., Page], site: Site) -> None:
    from playwright.sync_api import expect

    page = admin(java_script_enabled=False)
    fill_in(page, site)
    page.get_by_role("link", name="Open the sign-in").click()
    page.get_by_role("button", name="Allow").click()
    page.wait_for_url(CONNECTION)
    expect(page.get_by_text("Salesforce is connected.")).to_be_visible()
