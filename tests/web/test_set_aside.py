"""Events that could not be used: the reason, and the event as it came."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from .test_bookings import text_of


def test_event_stands_there_with_its_reason_as_it_came(
    client: Client, recorded: Callable[..., list[int]]
) -> None:
    recorded(b'{"name": "<script>alert(1)</script>')
    page = client.get("/set-aside").content.decode()
    assert "The event is not JSON" in page
    assert "{&quot;name&quot;: &quot;&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_nothing_set_aside_is_said(client: Client) -> None:
    assert "Nothing is set aside" in text_of(client.get("/set-aside"))


def test_older_ones_are_a_page_further(
    client: Client, recorded: Callable[..., list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("instep.web.set_aside.PAGE_SIZE", 1)
    recorded(b"{one", b"{two")
    page = client.get("/set-aside").content.decode()
    further = page[page.index('href="?before=') + 6 :].partition('"')[0]
    seen = {raw for raw in ("{one", "{two") if raw in page}
    rest = client.get(f"/set-aside{further}").content.decode()
    assert seen | {raw for raw in ("{one", "{two") if raw in rest} == {"{one", "{two"}
