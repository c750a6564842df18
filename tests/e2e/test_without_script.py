"""JavaScript off: what the host's side does works all the same. For guests: tests/guest/test_no_javascript.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from oncehub_events import form, line

from .conftest import Site, until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


def leads(site: Site, email: str) -> list[dict[str, object]]:
    return [
        row for row in site.order("records?object=Lead", method="GET")["Lead"] if row.get("Email") == email
    ]


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
