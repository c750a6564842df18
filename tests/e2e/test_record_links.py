"""Links that name a record, in a browser: the private form, with and without script, and on other people's pages."""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import Site, until
from .guest import CONFIRMED
from .looks import axe, named, wide

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PERSON = {
    "FirstName": "Zephyrine",
    "LastName": "Quillfeather",
    "Email": "zephyrine@quillfeather.example",
    "Company": "Quillworks",
}
#: what a landing page with a strict policy allows: nothing inline, and us by name
_POLICY = "default-src 'none'; script-src {site}; frame-src {site}"


def lead(site: Site) -> str:
    """A Lead that nobody has booked for; its id."""
    return str(site.order("records", {"object": "Lead", "fields": PERSON})["Id"])


def events_of(site: Site, record: str) -> list[dict[str, Any]]:
    return [
        row for row in site.order("records?object=Event", method="GET")["Event"] if row.get("WhoId") == record
    ]


def take_a_time(page: Any, day: int) -> None:
    """Take the first time of a free day, counted from 0; the form is open then."""
    chosen = page.locator(".month a.day").nth(day)
    name = chosen.get_attribute("id")
    chosen.click()
    page.locator(f"#{name}[aria-current=date]").wait_for()
    page.locator(".times li a").first.click()
    page.get_by_role("heading", name="Known already").wait_for()


def shows_nothing(content: str) -> bool:
    return not any(value in content for value in PERSON.values())


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_private_form_books_on_the_record(
    open_window: Callable[..., BrowserContext], site: Site, script: bool
) -> None:
    record = lead(site)
    window = open_window(base_url=site.url, java_script_enabled=script, reduced_motion="reduce")
    page = window.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.headers.get("referer", "")))
    page.goto(f"/b/product-demo?sosfLeadId={record}&tz=Europe/Lisbon&month=")
    take_a_time(page, 2 if script else 3)
    known = page.get_by_role("region", name="Known already")
    assert known.get_by_role("listitem").count() == 0, "an id that somebody tries tells nothing"
    assert page.get_by_label("Name").count() == 0
    assert shows_nothing(page.content())
    if script:
        for width in (1280, 320):
            page.set_viewport_size({"width": width, "height": 900})
            assert axe(page) + wide(page) + named(page) == []
    page.get_by_role("button", name=re.compile("^Book ")).click()
    page.get_by_role("heading", name=CONFIRMED).wait_for()
    assert shows_nothing(page.content())
    assert "the person whom the link names" in page.locator(".facts").inner_text()
    assert [one for one in asked if record in one] == []
    until(lambda: events_of(site, record))


# --- on other people's pages ---


@contextmanager
def landing_page(body: str, policy: str) -> Iterator[str]:
    """A page of another origin; its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write(f"<!doctype html><title>Landing</title><body>{body}</body>".encode())

        def log_message(self, *_: object) -> None:
            """Nothing: the test's output is its own."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://localhost:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def code_of(site: Site) -> str:
    """What the builder says to put into a page, for both."""
    address = f"{site.url}/b/product-demo"
    return (
        f'<div data-instep-embed="{address}"><a href="{address}">Book a time</a></div>'
        f'<a id="button" data-instep-link href="{address}">Book</a>'
        f'<div id="elsewhere" data-instep-embed="https://elsewhere.example/b/x"></div>'
        f'<script src="{site.url}/static/guest/embed.js" defer></script>'
    )


def listening(page: Page) -> None:
    page.add_init_script(
        "if (top === self) { window.heard = []; window.booked = [];"
        " addEventListener('message', (said) => heard.push(said.data));"
        " addEventListener('instep:booked', (said) => booked.push(said.detail)); }"
    )


def test_landing_page_hands_the_ids_on_and_learns_nothing(
    open_window: Callable[..., BrowserContext], site: Site
) -> None:
    record = lead(site)
    page = open_window().new_page()
    listening(page)
    with landing_page(code_of(site), _POLICY.format(site=site.url)) as address:
        page.goto(f"{address}?SOSFLEADID={record}&utm_source=mail&email=secret@own.example&sosfCaseId=")
        button = page.locator("#button").get_attribute("href")
        assert button == f"{site.url}/b/product-demo?SOSFLEADID={record}&utm_source=mail"
        assert page.locator("#elsewhere iframe").count() == 0
        frame = page.frame_locator("iframe")
        source = page.locator("iframe").get_attribute("src") or ""
        assert f"SOSFLEADID={record}" in source
        assert "secret" not in source
        take_a_time(frame, 4)
        frame.get_by_role("button", name=re.compile("^Book ")).click()
        frame.get_by_role("heading", name=CONFIRMED).wait_for()
        page.wait_for_function("booked.length === 1")
        heard = page.evaluate("heard")
        assert {key for said in heard for key in said} <= {"instep", "height", "booked"}
        assert all(isinstance(value, (bool, int)) for said in heard for value in said.values())
        assert page.evaluate("booked") == [None]
        height = page.locator("iframe").evaluate("(frame) => frame.clientHeight")
        assert height == max(320, heard[-1].get("height", 0) or heard[-2]["height"])
    (event,) = until(lambda: events_of(site, record))
    assert event["WhoId"] == record


def test_landing_page_without_script_has_a_link(
    open_window: Callable[..., BrowserContext], site: Site
) -> None:
    page = open_window(java_script_enabled=False).new_page()
    with landing_page(code_of(site), _POLICY.format(site=site.url)) as address:
        page.goto(address)
        assert (
            page.get_by_role("link", name="Book a time").get_attribute("href") == f"{site.url}/b/product-demo"
        )


def test_only_what_was_opened_to_be_embedded_can_be(
    open_window: Callable[..., BrowserContext], site: Site
) -> None:
    """Pages of people who are signed in, and those that cancel or move, stand in nobody's frame."""
    request = open_window(base_url=site.url).request
    framed = {"/b/product-demo?embed=1": "*", f"/m/{site.facts['token']}?embed=1": "*"}
    closed = ("/b/product-demo", "/signin?embed=1", f"/m/{site.facts['token']}/cancel?embed=1")
    for path in (*framed, *closed):
        headers = request.get(path).headers
        wanted = framed.get(path, "'none'")
        assert f"frame-ancestors {wanted}" in headers["content-security-policy"], path
        assert ("x-frame-options" in headers) is (path in closed), path
