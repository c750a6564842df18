"""An org of its own for each test, and a plain HTTP client that is signed in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from instep_standins.salesforce import Org, serve_in_thread
from instep_standins.salesforce.server import Running
from standins.sf import Client

LONG = 120_000  # milliseconds: a busy machine is slow, not wrong
START = 1_790_000_000.0  # 2026-09-21T14:13:20Z: no test depends on today


class Clock:
    """Seconds since 1970 that move only when told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def org(clock: Clock) -> Org:
    return Org(clock=clock)


@pytest.fixture
def running(org: Org) -> Iterator[Running]:
    server = serve_in_thread(org)
    yield server
    server.stop()


@pytest.fixture
def sf(running: Running) -> Iterator[Client]:
    # Plain HTTP: loading the certificates of the world for each test would take longer than the test.
    with httpx2.Client(base_url=running.base_url, timeout=10, verify=False) as http:
        client = Client(http, running.org)
        client.sign_in()
        yield client


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"], timeout=2 * LONG
        )
        yield running
        running.close()
