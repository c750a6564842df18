"""A home from its first command on, in any order, and carried over to another one with and without its keys."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import oracle
from events import event, write
from standin_org import StandinOrg

from instep_process import InstepHome


def refused(home: InstepHome, *arguments: str, cure: str, code: str = "") -> None:
    """Run a command that must be refused: exit code 2 and one line for people; with `code` also for programs."""
    done = home.run(*arguments, check=False)
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith("instep: ")
    assert cure in line, line
    if code:
        told = home.json(*arguments, check=False)["error"]
        assert told == {"code": code, "message": line.removeprefix("instep: ")}


def test_events_before_the_connection_are_written_once_it_is_made(
    instep_home: InstepHome, org: StandinOrg, tmp_path: Path
) -> None:
    """Every command answers on an empty home, and says what to do next."""
    home = instep_home
    assert home.json("bookings")["bookings"] == []
    assert "instep connect salesforce" in home.run("sync").stdout
    refused(home, "receipt", "BKNG-1", cure="instep bookings", code="NO_SUCH_BOOKING")
    refused(home, "config", "export", cure="instep connect salesforce")

    events = [event("BKNG-1"), event("BKNG-2", kind="canceled", status="canceled", reason="Ill")]
    assert home.json("ingest", "oncehub", write(tmp_path / "events.jsonl", events))["accepted"] == 2
    refused(home, "plan", "BKNG-1", cure="instep connect salesforce", code="NOT_CONNECTED")
    warnings = {check["name"] for check in home.json("doctor")["checks"] if check["state"] == "warn"}
    assert warnings == {"workers", "connections", "mail"}
    assert "Nothing has been written" in home.run("receipt", "BKNG-1").stdout

    made = home.json(*org.connect_arguments(), "--install")
    assert (made["new"], made["bookings_marked"]) == (True, 2)
    calls = org.calls
    planned = home.json("plan", "BKNG-1")
    assert [write["action"] for write in planned["writes"]] == ["upsert", "upsert"]
    assert org.calls - calls == 1, "a plan reads once"
    assert org.records("Lead") == org.records("Event") == []
    home.run("sync", "--wait", "--timeout", "300", timeout=90)
    assert oracle.told(org) == oracle.expected(events, days=0)
    assert home.json(*org.connect_arguments())["new"] is False
    assert [write["action"] for write in home.json("plan", "BKNG-1")["writes"]] == ["none", "none"]


def test_a_connection_that_cannot_be_made_is_one_line_with_the_cure(
    instep_home: InstepHome, org: StandinOrg
) -> None:
    """Wrong secret, wrong address, an address inside the network, an unknown version: nothing is kept."""
    given = dict(zip(*[iter(org.connect_arguments()[2:])] * 2, strict=True))

    def connect(**changed: str) -> tuple[str, ...]:
        options = {**given, **{f"--{name.replace('_', '-')}": value for name, value in changed.items()}}
        return ("connect", "salesforce", *(part for pair in options.items() for part in pair))

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    refused(instep_home, *connect(client_secret="guess"), cure="secret")
    refused(instep_home, *connect(client_id="guess"), cure="client")
    refused(instep_home, *connect(url=nobody), cure="Check the address")
    refused(instep_home, *connect(url="http://10.0.0.1"), cure="Use https://10.0.0.1")
    refused(instep_home, *connect(url="https://10.0.0.1"), cure="INSTEP_ALLOW_PRIVATE_URLS")
    refused(instep_home, *connect(url="https://[::ffff:10.0.0.1]"), cure="INSTEP_ALLOW_PRIVATE_URLS")
    refused(instep_home, *connect(url="https://169.254.169.254/"), cure="INSTEP_ALLOW_PRIVATE_URLS")
    refused(instep_home, *connect(url="ftp://acme.example"), cure="https")
    refused(instep_home, *connect(api_version="1.0"), cure="version")
    refused(instep_home, *connect(grant="magic"), cure="--help")
    checks = {check["name"]: check for check in instep_home.json("doctor")["checks"]}
    assert checks["connections"]["message"] == "No CRM is connected."


def test_a_restored_home_goes_on_with_its_keys_and_asks_to_reconnect_without(
    connected: InstepHome, org: StandinOrg, new_home: Callable[[], InstepHome], tmp_path: Path
) -> None:
    """The database goes into one file, the keys apart; nothing is written twice by whoever takes over."""
    events = [event("BKNG-1"), event("BKNG-2")]
    connected.run("ingest", "oncehub", write(tmp_path / "events.jsonl", events))
    connected.run("sync", "--wait", "--timeout", "300", timeout=90)
    secret = connected.json("webhook", "oncehub")["secret"]
    dump = str(tmp_path / "instep.dump")
    assert connected.json("backup", dump)["bytes"] > 0
    refused(connected, "backup", dump, cure="--force")
    refused(connected, "restore", dump, cure="--force")
    stamps = org.stamps()
    moved = event("BKNG-1", kind="rescheduled", step=5, reason="Travel clash")
    change = write(tmp_path / "change.jsonl", [moved])

    keyless = new_home()
    keyless.run("restore", dump, "--force")
    health = keyless.run("doctor", check=False)
    assert health.returncode == 2
    assert "connect" in health.stdout.lower()
    assert "Traceback" not in health.stderr
    assert keyless.json("ingest", "oncehub", change)["accepted"] == 1
    stuck = keyless.run("sync", "--wait", "--timeout", "3", check=False)
    assert stuck.returncode == 2
    assert "held" in stuck.stdout
    assert "Traceback" not in stuck.stderr
    assert keyless.json("webhook", "oncehub")["secret"] != secret
    assert org.stamps() == stamps
    keyless.run(*org.connect_arguments())
    done = keyless.json("sync", "--wait", "--timeout", "300", timeout=90)
    assert (done["waiting"], done["problems"], done["held"]) == (0, 0, [])
    assert oracle.told(org) == oracle.expected([*events, moved], days=0)

    keyed = new_home()
    shutil.copy(connected.path / "keys", keyed.path / "keys")
    keyed.run("restore", dump, "--force")
    assert keyed.json("webhook", "oncehub")["secret"] == secret
    assert keyed.json("doctor")["ok"] is True
