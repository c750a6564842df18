"""Every page has a right, and who does not have it is refused, whatever the address is spelled like."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import URLPattern, get_resolver

from instep.web.rights import RIGHTS, Right, declared, right_of

if TYPE_CHECKING:
    from django.test import Client

    from instep.store.models import Account, User

SAMPLES = {"crm": "hubspot", "int": "1", "path": "one", "slug": "one", "str": "one"}


def patterns(resolver: Any = None, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every page of the urlconf with its whole route."""
    for one in (resolver or get_resolver()).url_patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLPattern):
            yield route, one
        else:
            yield from patterns(one, route)


PAGES = [(route, one) for route, one in patterns() if "<" not in route.partition("/")[0] and "^" not in route]


def address(route: str) -> str:
    """An address of that route."""
    parts = route.split("/")
    return "/" + "/".join(SAMPLES[p[1:].partition(":")[0]] if p.startswith("<") else p for p in parts)


@pytest.mark.parametrize(("route", "page"), PAGES, ids=[route or "(home)" for route, _ in PAGES])
def test_each_page_has_a_right_that_its_view_keeps(route: str, page: URLPattern) -> None:
    """A page that is added without a line in the table fails here, and is closed until it has one."""
    right = declared(route)
    assert right is not None, f"{route}: say in web/rights.py whom it is for"
    is_open = not getattr(page.callback, "login_required", True)
    assert is_open is (right is Right.ANYBODY)


def test_what_nobody_declared_is_for_administrators() -> None:
    assert right_of("brand-new/<int:key>") is Right.ADMINISTRATORS
    assert right_of("bookingsx") is Right.ADMINISTRATORS


def test_the_table_has_no_line_for_a_page_that_is_gone() -> None:
    routes = [route for route, _ in patterns()]
    assert [row for row in RIGHTS if not any((r + "/").startswith(row + "/") for r in routes)] == []


GUARDED = [route for route, _ in PAGES if right_of(route) is Right.ADMINISTRATORS]


@pytest.fixture
def member(client: Client, reader: User) -> Client:
    """Somebody who is signed in and no administrator."""
    reader.role = "member"
    reader.save()
    return client


@pytest.mark.parametrize("route", GUARDED)
def test_what_is_for_administrators_is_refused_to_everybody_else(member: Client, route: str) -> None:
    """Before the page looks whether there is such a record: 404 would tell."""
    place = address(route)
    assert member.get(place).status_code == 403
    assert member.post(place).status_code == 403


@pytest.mark.parametrize("prefix", ["/app", "/integrations"])
def test_a_prefix_that_a_proxy_puts_before_the_address_changes_nothing(member: Client, prefix: str) -> None:
    assert member.get("/integrations", SCRIPT_NAME=prefix).status_code == 403
    assert member.get("/dashboard", SCRIPT_NAME=prefix).status_code == 200


def test_menus_and_tabs_offer_a_member_what_he_may_open(member: Client, account: Account) -> None:
    from instep.bookings.calendars import create
    from instep.core.booking_calendar import Rules

    words = member.get("/dashboard").content.decode()
    menus = words.partition("<main")[0]
    for place in ("/integrations", "/properties", "/set-aside", "/sync-log"):
        assert f'href="{place}"' not in menus
    assert 'href="/bookings"' in menus
    known = create(account.id, "Demo", "demo", Rules(), [], True)
    assert "/crm" not in member.get(f"/calendars/{known.id}").content.decode()
    assert "links/signed" not in member.get(f"/calendars/{known.id}/links").content.decode()
    assert member.get(f"/calendars/{known.id}/links/signed").status_code == 403
