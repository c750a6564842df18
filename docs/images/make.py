"""Take the documentation's pictures from a running demo: `.venv/bin/python docs/images/make.py`.

Needs a Chromium on this machine. The pictures are real pages of the example bookings, nothing is drawn.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
#: a booking of the example events that was moved, handed on and held
BOOKING = "BKNG-8NE6GBC86KNM"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    """Start a demo, take the pictures, stop it."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "instep.cli.main", "demo", "--json", "--home", home]
        demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert demo.stdout is not None
            _take(json.loads(demo.stdout.readline()))
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait(30)


def _take(demo: dict[str, Any]) -> None:
    browser_path = next(path for name in BROWSERS if (path := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        context = browser.new_context(
            viewport={"width": 1120, "height": 760}, timezone_id="Europe/Lisbon", locale="en-GB"
        )
        page = context.new_page()
        page.goto(demo["booking_pages"][0])
        # the page learns the browser's zone and shows itself again
        page.wait_for_selector("text=Europe/Lisbon")
        page.screenshot(path=HERE / "book.png")
        page.goto(demo["org"])
        page.wait_for_selector("table tbody tr")
        page.screenshot(path=HERE / "org.png")
        _sign_in(page, demo)
        page.screenshot(path=HERE / "dashboard.png")
        page.goto(f"{demo['web']}/bookings?search={BOOKING}")
        page.click("main table tbody a >> nth=0")
        page.click("a[href*='/receipts/'] >> nth=0")
        page.wait_for_load_state()
        page.screenshot(path=HERE / "receipt.png")
        browser.close()


def _sign_in(page: Page, demo: dict[str, Any]) -> None:
    page.goto(demo["web"])
    page.fill("input[name=login]", demo["email"])
    page.fill("input[type=password]", demo["password"])
    page.press("input[type=password]", "Enter")
    page.wait_for_selector("main h1")


if __name__ == "__main__":
    main()
