"""`instep demo`: everything on one machine with stand-ins of both CRMs and example bookings."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from instep.cli import demo_calendars
from instep.cli.demo_standins import CRMS, Standin, standins
from instep.cli.options import Json, print_json
from instep.core.errors import NeedsAdmin

EMAIL = "demo@instep.example"
#: the demo's own folder, so that trying it never touches a real one
_HOME = "instep-demo"
_PORTS = "demo-ports.json"
_EVENTS = Path(__file__).parents[3] / "examples" / "oncehub-events.jsonl"
_MOMENTS = ("creation_time", "last_updated_time", "starting_time")
_READY_WITHIN = 240.0


def register(app: typer.Typer) -> None:
    app.command("demo", epilog="Example: instep demo --once --json")(demo)


DemoHome = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        envvar="INSTEP_HOME",
        help="The demo's folder.",
        file_okay=False,
        show_default="~/.local/share/instep-demo",
    ),
]


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Stop when all is in step, and print a summary.")
    ] = False,
    events: Annotated[
        Path, typer.Option("--events", help="OnceHub events, a JSON object on each line.", exists=True)
    ] = _EVENTS,
    timeout: Annotated[float, typer.Option("--timeout", min=1, help="Longest wait in seconds.")] = 120.0,
    home: DemoHome = None,
    as_json: Json = False,
) -> None:
    """Start PostgreSQL, web, worker and stand-ins of both CRMs, connect them, and write the example bookings."""
    from instep.ops import logs
    from instep.ops.boot import boot
    from instep.ops.supervisor import Supervisor, run
    from instep.ops.webserver import web_child, worker_child

    # its own lines are what a newcomer should see; INSTEP_LOG_LEVEL=info shows every request
    os.environ.setdefault("INSTEP_LOG_LEVEL", "warning")
    # mails are shown instead of sent, unless somebody set a mail server
    os.environ.setdefault("INSTEP_SMTP_URL", "console:")
    place = home or _default_home()
    web_port, *crm_ports = _ports(place)
    os.environ.setdefault("INSTEP_PUBLIC_URL", f"http://127.0.0.1:{web_port}")
    with boot(place, migrate=True) as booted:
        crms = standins(booted.settings.home, crm_ports)
        children = [*(crm.child() for crm in crms), web_child("127.0.0.1", web_port), worker_child()]
        log_format = logs.chosen_format(booted.settings.log_format)
        if once:
            with Supervisor(children, log_format=log_format) as supervisor:
                supervisor.wait_until_ready(_READY_WITHIN)
                summary = _set_up(crms, events, timeout)
            print_json(summary) if as_json else _say_summary(summary)
            if summary["waiting"]:
                raise typer.Exit(2)
            return

        def ready() -> None:
            summary = _set_up(crms, events, timeout)
            _say_addresses(crms, web_port, summary, _new_password(), as_json)

        run(children, ready, seconds_to_ready=_READY_WITHIN, log_format=log_format)


def _default_home() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / _HOME


def _ports(home: Path) -> list[int]:
    """Where pages and CRMs listen: where they did last time, so that links of then still lead there, else anywhere."""
    from instep.ops.supervisor import free_port, is_free

    kept = home / _PORTS
    try:
        before = list(json.loads(kept.read_text()))
    except (OSError, ValueError, TypeError):
        before = []
    wanted = [*before, *[0] * (1 + len(CRMS))][: 1 + len(CRMS)]
    found = [port if is_free(port) else free_port() for port in wanted]
    home.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(found))
    return found


def _set_up(crms: Sequence[Standin], events: Path, timeout: float) -> dict[str, Any]:
    """Account, connections, example bookings; waits until all is in step. Returns the summary."""
    from instep.bookings.accounts import ensure_account
    from instep.bookings.record import record
    from instep.engine.connecting import connect
    from instep.engine.waiting import wait_until_in_step
    from instep.store import item_queries, lane_queries

    account = ensure_account("Instep demo")
    before = lane_queries.totals(account.id)
    for crm in crms:
        connect(account.id, crm.vendor, crm.entered, install=True)
    started = time.monotonic()
    # one transaction: the CRM is planned from the whole picture, whatever the order of the lines
    recorded = record(account.id, _shifted(events), "oncehub", datetime.now(UTC))
    published = demo_calendars.publish(account.id, datetime.now(UTC))
    progress = wait_until_in_step(account.id, timeout)
    totals = lane_queries.totals(account.id)
    if progress.held and progress.waiting:
        raise NeedsAdmin(f"The lane of a stand-in is held: {'; '.join(progress.held)}")
    return {
        "booking_pages": published,
        "bookings": item_queries.count_bookings_in_lanes(account.id),
        "events": {
            "accepted": recorded.accepted,
            "duplicates": recorded.duplicates,
            "malformed": len(recorded.problems),
        },
        "in_step": item_queries.count_bookings_in_step(account.id),
        "crms": [crm.vendor for crm in crms],
        "waiting": progress.waiting,
        "problems": progress.problems,
        "writes": int(totals["writes"] - before["writes"]),
        "calls": int(totals["calls"] - before["calls"]),
        "sync_calls": progress.calls,
        "errors": [p["error_message"] for p in item_queries.problems(account.id)],
        "time_to_crm_seconds": {"median": progress.median_seconds, "slowest": progress.slowest_seconds},
        "seconds": round(time.monotonic() - started, 3),
    }


def _new_password() -> str:
    """A fresh random password for the demo's administrator, who is made on first use."""
    from instep.bookings.accounts import ensure_account, set_password

    password = secrets.token_urlsafe(12)
    set_password(ensure_account(), EMAIL, password)
    return password


def _shifted(events: Path) -> Iterator[bytes]:
    """The example events with their dates moved by whole days, so that the newest lie around today."""
    lines = events.read_bytes().splitlines()
    parsed = [(line, _parsed(line)) for line in lines if line.strip()]
    newest = max((datetime.fromisoformat(e["creation_time"]) for _, e in parsed if e), default=None)
    days = (datetime.now(UTC).date() - newest.date()).days if newest else 0
    for line, event in parsed:
        if event is None:
            yield line
            continue
        for part in (event, event.get("data") or {}):
            for name in _MOMENTS:
                if isinstance(part.get(name), str):
                    moved = datetime.fromisoformat(part[name]) + timedelta(days=days)
                    part[name] = (
                        moved.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
                    )
        yield json.dumps(event, ensure_ascii=False).encode()


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("creation_time"), str) else None


def _say_summary(summary: dict[str, Any]) -> None:
    times = summary["time_to_crm_seconds"]
    print(
        f"{summary['bookings']} bookings in step with {len(summary['crms'])} CRMs: {summary['writes']} writes in "
        f"{summary['calls']} API calls ({summary['sync_calls']} of them for the bookings), "
        f"{len(summary['errors'])} errors."
    )
    if times["median"] is not None:
        print(f"Time to CRM: median {times['median']} s, slowest {times['slowest']} s.")
    for message in summary["errors"]:
        print(f"Error: {message}")


def _say_addresses(
    crms: Sequence[Standin], web_port: int, summary: dict[str, Any], password: str, as_json: bool
) -> None:
    web = f"http://127.0.0.1:{web_port}"
    by_vendor = {crm.vendor: crm for crm in crms}
    answer = {
        "org": by_vendor["salesforce"].url,
        "portal": by_vendor["hubspot"].url,
        "web": web,
        "healthz": f"{web}/healthz",
        "readyz": f"{web}/readyz",
        "email": EMAIL,
        "password": password,
        **summary,
        "booking_pages": [f"{web}/b/{slug}" for slug in summary["booking_pages"]],
    }
    if as_json:
        print_json(answer)
        return
    print(
        f"""
  {summary["bookings"]} example bookings are in step with both CRMs.

  Book a meeting        {answer["booking_pages"][0]}
                        {answer["booking_pages"][1]}
  The Salesforce org    {answer["org"]}   (a stand-in: watch {by_vendor["salesforce"].shows} appear)
  The HubSpot portal    {answer["portal"]}   (a stand-in: watch {by_vendor["hubspot"].shows} appear)
  Instep                {web}
      sign in as        {EMAIL}
      password          {password}   (shown once; a new one at each start)
  Health                {web}/healthz   {web}/readyz

  Everything runs on this machine only. Mails are shown here instead of sent. Ctrl-C stops it.
""",
        flush=True,
    )
