"""`instep calendars` as a person or a script runs it."""

from __future__ import annotations

import json
import subprocess
import sys

from instep_process import InstepHome

_MAKE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from instep.core.booking_calendar import Rules, WeeklyHours
from instep.ops.boot import boot
with boot(Path(sys.argv[1])):
    from instep.bookings.accounts import ensure_account
    from instep.bookings.calendars import create
    from instep.bookings.hosting import create_host
    account = ensure_account().id
    hours = WeeklyHours("Europe/Lisbon", tuple((day, 540, 1020) for day in range(5)))
    host = create_host(account, "Nuno Reis", "nuno@host.example", hours, datetime.now(UTC))
    create(account, "Demo", "demo", Rules(), [host], True, {host: 2})
"""


def test_calendars_are_listed_with_address_and_hosts(instep_home: InstepHome) -> None:
    assert "No booking calendars" in instep_home.run("calendars").stdout
    command = [sys.executable, "-c", _MAKE, str(instep_home.path)]
    subprocess.run(command, env=instep_home.env, check=True, timeout=400)
    said = instep_home.run("calendars").stdout
    assert "Demo  " in said
    assert "/b/demo  (published)" in said
    assert "nuno@host.example  Mon–Fri 09:00–17:00 (Europe/Lisbon)" in said
    (one,) = json.loads(instep_home.run("calendars", "--json").stdout)["calendars"]
    assert (one["slug"], one["published"], one["rules"]["durations"]) == ("demo", True, [30])
    assert one["hosts"][0]["priority"] == 2
    assert one["hosts"][0]["weekly_hours"]["spans"][0] == [0, 540, 1020]
