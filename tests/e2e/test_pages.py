"""The pages in a real browser, alive: what happens elsewhere shows by itself, and nobody's focus or typing is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from oncehub_events import form, line

from .conftest import Site

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


def _ahead(days: int) -> str:
    """A start so late that the booking is on the first page of the list, as OnceHub writes it."""
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT09:00:00.000Z")


def test_new_booking_appears_by_itself_and_typing_is_not_disturbed(
    admin: Callable[..., Page], site: Site
) -> None:
    from playwright.sync_api import expect

    page = admin()
    page.goto("/bookings")
    page.get_by_label("Search").press_sequentially("half a wo")
    person = form(name="Zoë Live", email="zoe@live.example")
    site.ingest(line("EVNT-LIVE", id="BKNG-LIVE", starting_time=_ahead(90), form_submission=person).decode())
    expect(page.get_by_role("link", name="Zoë Live")).to_be_visible(timeout=240_000)
    assert page.get_by_label("Search").input_value() == "half a wo"
    assert page.evaluate("document.activeElement.name") == "search"
