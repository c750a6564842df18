"""`instep ingest`, `webhook` and `bookings` as a person or a script runs them."""

from __future__ import annotations

import json
from pathlib import Path

from instep_process import InstepHome
from oncehub_events import line

EXAMPLES = Path(__file__).parents[2] / "examples" / "oncehub-events.jsonl"


def test_on_an_empty_home_the_examples_become_bookings(instep_home: InstepHome) -> None:
    done = json.loads(instep_home.run("ingest", "oncehub", str(EXAMPLES), "--json").stdout)
    assert done == {
        "accepted": 134,
        "duplicates": 1,
        "malformed": 0,
        "unused": 0,
        "problems": [],
        "bookings_changed": 40,
    }
    listed = json.loads(instep_home.run("bookings", "--json").stdout)["bookings"]
    assert len(listed) == 40
    assert listed == sorted(listed, key=lambda b: b["start"], reverse=True)
    assert instep_home.run("bookings", "--limit", "3").stdout.count("\n") == 4


def test_broken_lines_are_warned_about_with_their_numbers(instep_home: InstepHome, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(
        b"\n".join([b"{", b"", line("E1"), b"x" * 10_000_001, line("E2", "completed", 5), b"[]"])
    )
    done = instep_home.run("ingest", "oncehub", str(file))
    assert done.returncode == 0
    assert done.stdout.startswith("2 recorded, 0 known already; 1 bookings changed.")
    for said in ("Warning: 3 kept aside", "line 1: ", "line 4: The event is longer", "line 6: "):
        assert said in done.stderr


def test_an_unreadable_file_is_one_clear_line(instep_home: InstepHome) -> None:
    done = instep_home.run("ingest", "oncehub", "/nowhere/events.jsonl", check=False)
    assert done.returncode == 2
    assert "/nowhere/events.jsonl cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_webhook_prints_address_and_secret(instep_home: InstepHome) -> None:
    first = json.loads(instep_home.run("webhook", "oncehub", "--json").stdout)
    again = json.loads(instep_home.run("webhook", "oncehub", "--secret", "given", "--json").stdout)
    assert first["address"].startswith("http://127.0.0.1:")
    assert first["address"].endswith(first["path"])
    assert (again["path"], again["secret"]) == (first["path"], "given")


def test_a_crm_state_that_is_none_is_refused(instep_home: InstepHome) -> None:
    done = instep_home.run("bookings", "--crm", "lost", check=False)
    assert (done.returncode, "no such state" in done.stderr) == (2, True)
