"""A real installation with real pages: the example bookings, written to a stand-in, and a Chromium."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from instep.ops.supervisor import free_port
from instep_process import InstepHome, Template

if TYPE_CHECKING:
    from playwright.sync_api import Browser

EMAIL, PASSWORD = "ines@acme.example", "correct horse battery"
EVENTS = Path(__file__).parents[2] / "examples" / "oncehub-events.jsonl"
_MAKE_USER = """
from pathlib import Path
import sys
from instep.ops.boot import boot
with boot(Path(sys.argv[1])):
    from instep.bookings.accounts import create_admin, ensure_account
    create_admin(ensure_account(), sys.argv[2], sys.argv[3])
"""


class Installation:
    """An installation that serves pages; `url` is where."""

    def __init__(self, home: InstepHome) -> None:
        self.home = home
        self.url = f"http://127.0.0.1:{free_port()}"

    def start(self) -> None:
        """Connect a stand-in, write the example bookings to it, make a user, and serve the pages."""
        standin = _said(self.home, self.home.spawn("standin", "salesforce", "--port", "0"))
        self.home.run(
            "connect", "salesforce", "--install", "--url", standin["base_url"],
            "--client-id", standin["client_id"], "--client-secret", standin["client_secret"],
        )  # fmt: skip
        self.home.run("ingest", "oncehub", str(EVENTS))
        self.home.run("ingest", "oncehub", "-", stdin="{broken\n", check=False)
        self.home.run("sync", "--wait")
        command = [sys.executable, "-c", _MAKE_USER, str(self.home.path), EMAIL, PASSWORD]
        subprocess.run(command, env=self.home.env, check=True, timeout=60)
        self.home.spawn("web", "--port", self.url.rpartition(":")[2])
        _until(lambda: httpx2.get(f"{self.url}/readyz", timeout=2).status_code == 200)


def _said(home: InstepHome, process: Any) -> dict[str, str]:
    found: list[dict[str, str]] = []

    def look() -> bool:
        found.extend(
            json.loads(line)
            for line in process.log.read_text().splitlines()
            if line.startswith('{"base_url"')
        )
        return bool(found)

    _until(look)
    return found[0]


def _until(done: Any, seconds: float = 40) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            if done():
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"not so after {seconds} s")


@pytest.fixture(scope="module")
def installation(migrated_template: Template) -> Iterator[Installation]:
    home = InstepHome(Path(tempfile.mkdtemp(prefix="instep-home-", dir="/tmp")), migrated_template.copy())
    try:
        made = Installation(home)
        made.start()
        yield made
    finally:
        home.stop_all()
        migrated_template.drop(home.database_url)
        shutil.rmtree(home.path, ignore_errors=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def shots() -> Path:
    """Where pictures of the pages are put: `INSTEP_TEST_SHOTS`, or a temporary folder."""
    folder = Path(os.environ.get("INSTEP_TEST_SHOTS") or tempfile.mkdtemp(prefix="instep-shots-", dir="/tmp"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
