"""A home with two published calendars, served by a real process, for browsers."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from instep.ops.supervisor import free_port
from instep_process import InstepHome, Template

_PUBLISH = """
from datetime import UTC, datetime
from pathlib import Path
import sys
from instep.ops.boot import boot
with boot(Path(sys.argv[1])):
    from instep.bookings import calendars, hosting
    from instep.bookings.accounts import ensure_account
    from instep.core.booking_calendar import Ask, Question, QuestionType, Rules, WeeklyHours
    account = ensure_account("Acme").id
    # round the clock, so that there is always a time whenever the tests run
    always = WeeklyHours("Europe/Lisbon", tuple((day, 0, 1440) for day in range(7)))
    host = hosting.create_host(account, "Nuno Reis", "nuno@acme.example", always, datetime.now(UTC))
    terms = Question("terms", "I agree to the terms", QuestionType.CONSENT, required=True)
    size = Question("team_size", "Team size", QuestionType.SELECT, options=("1-10", "11-50"))
    rules = Rules(durations=(30, 60), slot_step=120, min_notice=0, ask_company=Ask.REQUIRED, questions=(size, terms),
                  virtual_location="https://meet.example/x", next_steps="Bring your laptop.")
    calendars.create(account, "Product demo", "demo", rules, [host], True)
    never = Rules(min_notice=365 * 24 * 60, window_days=20, approval=True)
    calendars.create(account, "Rare call", "rare", never, [host], True)
"""


@contextmanager
def served(template: Template) -> Iterator[str]:
    """The address of the pages."""
    home = InstepHome(Path(tempfile.mkdtemp(prefix="instep-home-", dir="/tmp")), template.copy())
    try:
        command = [sys.executable, "-c", _PUBLISH, str(home.path)]
        done = subprocess.run(command, env=home.env, check=False, timeout=600, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        port = free_port()
        home.spawn("web", "--port", str(port))
        url = f"http://127.0.0.1:{port}"
        _wait_for(f"{url}/readyz")
        yield url
    finally:
        home.stop_all()
        template.drop(home.database_url)
        shutil.rmtree(home.path, ignore_errors=True)


def _wait_for(address: str, seconds: float = 400) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            if httpx2.get(address, timeout=2).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"{address} does not answer after {seconds} s")
