"""`instep sync`: have everything written, wait for it, and say what it cost."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from instep.cli.options import Home, Json, print_json


def register(app: typer.Typer) -> None:
    app.command("sync", epilog="Example: instep sync --wait --timeout 120 --json")(sync)


def sync(
    wait: Annotated[bool, typer.Option("--wait", help="Wait until every booking is in step.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", min=0, help="Longest wait, in seconds.")] = 300.0,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Bring the CRM in step. With --wait the lanes are worked here while no worker runs.

    Exit code 0: nothing waits any more (what needs a person is listed); 2: time was over.
    """
    from instep.ops.boot import boot

    with boot(home, migrate=True):
        from instep.bookings.accounts import ensure_account
        from instep.engine.waiting import snapshot, wait_until_in_step
        from instep.store import item_queries, lane_queries

        account_id = ensure_account().id
        for row in lane_queries.connections(account_id):
            lane_queries.wake(row["id"])
        if wait:
            # standard error, so that `--json` and pipes stay clean
            show = None if as_json or not sys.stderr.isatty() else _show
            progress = wait_until_in_step(account_id, timeout, show or (lambda waiting, done: None))
        else:
            progress = snapshot(account_id)
        answer = _answer(progress, item_queries.problems(account_id), lane_queries.connections(account_id))
        print_json(answer) if as_json else _say(answer, waited=wait)
        if progress.timed_out:
            raise typer.Exit(2)


def _show(waiting: int, done: int) -> None:
    print(f"\r{done} in step, {waiting} waiting …", end="", file=sys.stderr, flush=True)


def _answer(progress: Any, problems: list[dict[str, Any]], lanes: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "in_step": progress.in_step,
        "waiting": progress.waiting,
        "problems": progress.problems,
        "calls": progress.calls,
        "writes": progress.writes,
        "time_to_crm_seconds": {"median": progress.median_seconds, "slowest": progress.slowest_seconds},
        "timed_out": progress.timed_out,
        "held": list(progress.held),
        "errors": [
            {"kind": p["kind"], "id": p["id"], "code": p["error_code"], "message": p["error_message"]}
            for p in problems
        ],
        "connections": [
            {
                "vendor": lane["vendor"],
                "state": lane["state"],
                "api_calls_today": lane["limit_used"],
                "api_calls_allowed": lane["limit_allowed"],
                "calls_total": lane["calls_total"],
                "batch_size": lane["batch_size"],
            }
            for lane in lanes
        ],
    }


def _say(answer: dict[str, Any], waited: bool) -> None:
    if not answer["connections"]:
        print(
            "No CRM is connected: nothing is written. Run `instep connect salesforce` or `instep connect hubspot`."
        )
        return
    since = "in this run" if waited else "so far"
    print(
        f"{answer['in_step']} in step, {answer['waiting']} waiting, {answer['problems']} need you; "
        f"{answer['calls']} API calls and {answer['writes']} writes {since}."
    )
    for held in answer["held"]:
        print(f"The connection is held: {held}")
    for error in answer["errors"]:
        print(f"{error['kind']} {error['id']}: {error['code']}: {error['message']}")
    if answer["timed_out"]:
        print("The time is over; what waits goes on as soon as a worker runs (`instep serve`).")
