"""A real `instep demo` with all its processes, furnished so that every page has something to show, and a Chromium."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from instep_process import InstepHome, Template, remove_state

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

#: of the person whose sign-in asks for a second step
PASSWORD = "correct horse battery"
_FURNISH = Path(__file__).with_name("furnish.py")
#: seconds until everything of a demo runs and its bookings are in step, on a machine with much else to do
_DEMO_WITHIN = 150.0
#: what the org refuses for good, so that the sync log has a problem to show
_REFUSED = "refused@guest.example"
_REFUSAL = {
    "kind": "row",
    "times": None,
    "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    "message": "People of this address are not welcome.",
    "match": {"object": "Lead", "contains": _REFUSED},
}


class Site:
    """A demo that runs: `url` of its pages, `org` and `portal` of its CRMs, who signs in, what `furnish.py` told."""

    def __init__(self, home: InstepHome) -> None:
        """Start it; waits until all its bookings are in step."""
        self.home = home
        process = home.spawn("demo", "--json", "--home", str(home.path))
        told = until(lambda: _told(process), _DEMO_WITHIN)
        self.url: str = told["web"]
        self.org: str = told["org"]
        self.portal: str = told["portal"]
        self.email: str = told["email"]
        self.password: str = told["password"]
        self.facts: dict[str, str] = {}

    def furnish(self) -> None:
        """Add what an installation has that is in use: see `furnish.py`; a set-aside event, a problem in the log."""
        from oncehub_events import form, line

        command = [sys.executable, str(_FURNISH), str(self.home.path), PASSWORD]
        done = subprocess.run(
            command, env=self.home.env, capture_output=True, text=True, timeout=90, check=False
        )
        assert done.returncode == 0, done.stderr
        self.facts = json.loads(done.stdout.splitlines()[-1])
        self.ingest("{broken\n")
        self.order("faults", _REFUSAL)
        person = form(name="Nobody Welcome", email=_REFUSED)
        self.ingest(line("EVNT-REFUSED", id="BKNG-REFUSED", form_submission=person).decode())

    def ingest(self, events: str) -> None:
        """Give it events of OnceHub, one in each line; those that are none are set aside."""
        self.home.run("ingest", "oncehub", "-", stdin=events, check=False)

    def order(self, what: str, body: Any = None, method: str = "POST", at: str = "") -> Any:
        """Give the org, or the CRM at another address, an order at its admin endpoint."""
        answer = httpx2.request(method, f"{at or self.org}/__fake__/{what}", json=body, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def sign_in(self, page: Page) -> None:
        """Sign in on the page that is open, as the demo's administrator."""
        page.goto(f"{self.url}/signin")
        page.get_by_label("E-mail").fill(self.email)
        page.get_by_label("Password").fill(self.password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/dashboard")


def _told(process: Any) -> dict[str, Any] | None:
    """What `instep demo --json` says once it is ready, among what its processes log."""
    said = process.log.read_text()
    assert process.poll() is None, said
    return next((json.loads(line) for line in said.splitlines() if line.startswith('{"org"')), None)


def until(look: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Wait until something is there, and return it."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"not so after {seconds:.0f} s")


@pytest.fixture(scope="session")
def site(migrated_template: Template) -> Iterator[Site]:
    """One for all tests of a worker: what a test changes there is its own booking or contact."""
    home = InstepHome(Path(tempfile.mkdtemp(prefix="instep-home-", dir="/tmp")), migrated_template.copy())
    try:
        made = Site(home)
        made.furnish()
        yield made
    finally:
        home.stop_all()
        migrated_template.drop(home.database_url)
        shutil.rmtree(home.path, ignore_errors=True)


@pytest.fixture(scope="module")
def demo() -> Iterator[Site]:
    """One of a module's own, to change its rules, with nothing from outside, not even the database."""
    home = InstepHome(Path(tempfile.mkdtemp(prefix="instep-home-", dir="/tmp")), None)
    try:
        yield Site(home)
    finally:
        home.stop_all()
        remove_state(home.path)
        shutil.rmtree(home.path, ignore_errors=True)


# not for the whole session: while Playwright runs, Django takes its thread for an asynchronous one
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


@pytest.fixture(scope="module")
def signed_in(browser: Browser, site: Site) -> Any:
    """The cookies of a browser that has signed in: doing so in every test would meet the limit of tries."""
    window = browser.new_context(timezone_id="Europe/Lisbon", locale="en-GB")
    site.sign_in(window.new_page())
    kept = window.storage_state()
    window.close()
    return kept


@pytest.fixture
def open_window(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """A fresh browser window in Lisbon; what its pages complain about fails the test that opened it."""
    windows: list[BrowserContext] = []
    complaints: list[str] = []

    def begin(**options: Any) -> BrowserContext:
        given = {"color_scheme": "light", "timezone_id": "Europe/Lisbon", "locale": "en-GB", **options}
        window = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **given})
        # a machine with much else to do is slow, not broken
        window.set_default_timeout(45_000)
        windows.append(window)
        _listen(window, complaints)
        return window

    yield begin
    for window in windows:
        window.close()
    assert complaints == []


def _listen(window: BrowserContext, complaints: list[str]) -> None:
    """Collect what scripts throw and what the console calls an error, which every broken policy is."""

    def heard(said: ConsoleMessage) -> None:
        address = said.page.url if said.page else ""
        # a form that was refused (4xx): the browser says of the page itself what the test looks at anyway
        refused = "the server responded with a status of 4" in said.text
        if said.type == "error" and not (refused and said.location["url"] == address):
            complaints.append(f"{address}: {said.text}")

    window.on("console", heard)
    window.on("weberror", lambda error: complaints.append(f"{error.page.url}: {error.error}"))


@pytest.fixture
def admin(open_window: Callable[..., BrowserContext], site: Site, signed_in: Any) -> Callable[..., Page]:
    """A page of somebody who is signed in; nothing is open on it yet."""

    def begin(**options: Any) -> Page:
        return open_window(base_url=site.url, storage_state=signed_in, **options).new_page()

    return begin


@pytest.fixture(scope="session")
def shots() -> Path:
    """Where pictures of the pages are put: `INSTEP_TEST_SHOTS`, or a temporary folder."""
    folder = Path(os.environ.get("INSTEP_TEST_SHOTS") or tempfile.mkdtemp(prefix="instep-shots-", dir="/tmp"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
