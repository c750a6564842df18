"""What stands on every page: where I am, the menus, and addresses of files that change with the files."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.test import Client

from instep.store.models import User


def current(client: Client, path: str) -> list[str]:
    page = client.get(path).content.decode()
    return re.findall(r'<a href="([^"?]+)[^"]*" aria-current="page"', page)


def test_the_page_and_those_below_it_are_marked_in_the_navigation(client: Client) -> None:
    assert current(client, "/bookings") == ["/bookings"]
    assert current(client, "/set-aside") == ["/set-aside"]
    assert current(client, "/profile") == ["/profile"]


def test_strangers_see_no_navigation(stranger: Client, reader: User) -> None:
    page = stranger.get("/signin").content.decode()
    assert "<nav" not in page
    assert "Sign out" not in page


def test_every_page_has_one_title_and_a_way_to_its_content(client: Client) -> None:
    for path in (
        "/bookings",
        "/set-aside",
        "/zone",
        "/design",
        "/profile",
        "/first-steps",
        "/profile/password",
    ):
        page = client.get(path).content.decode()
        assert len(re.findall(r"<h1[ >]", page)) == 1, path
        assert '<a class="skip" href="#main">' in page
        assert '<main id="main"' in page


def test_ids_are_unique_on_pages(client: Client) -> None:
    for path in ("/design", "/profile", "/bookings"):
        ids = re.findall(r'\bid="([^"]+)"', client.get(path).content.decode())
        assert len(ids) == len(set(ids)), path


def test_address_of_a_static_file_names_its_content(client: Client) -> None:
    page = client.get("/bookings").content.decode()
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert addresses
    for address in addresses:
        path, query = address.split("?v=")
        file = finders.find(path.removeprefix("/static/"))
        assert query == hashlib.sha256(Path(file).read_bytes()).hexdigest()[:12], address


def test_name_of_no_file_has_no_version() -> None:
    assert static("web/nothing.css") == "/static/web/nothing.css"
