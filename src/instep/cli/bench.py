"""`instep bench`: the numbers that Instep promises, measured here and now."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from instep.cli.options import Home, Json, print_json


def register(app: typer.Typer) -> None:
    bench = typer.Typer(
        help="Measure what Instep promises, on this machine.",
        rich_markup_mode=None,
        epilog="Example: instep bench sync --json > bench.json && instep bench report bench.json",
    )
    bench.command("sync", epilog="Example: instep bench sync --quick")(sync)
    bench.command("report", epilog="Example: instep bench report bench.json > docs/benchmarks.md")(report)
    app.add_typer(bench, name="bench")


def sync(
    quick: Annotated[
        bool, typer.Option("--quick", help="Small numbers: shows that all works and counts the calls.")
    ] = False,
    home: Annotated[
        Path | None,
        typer.Option(
            "--home",
            metavar="DIR",
            help="An empty home to work in.",
            file_okay=False,
            show_default="a temporary one, removed afterwards",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure the sync: calls, delays and bookings per second, and the usual way beside it. About ten minutes."""
    from instep.bench.figures import machine, table
    from instep.bench.house import House
    from instep.bench.run import FULL, QUICK, measure, timed
    from instep.ops.boot import boot

    os.environ.setdefault("INSTEP_LOG_LEVEL", "warning")
    # being told to end must not leave a database and a folder behind either
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _home(home) as place, boot(place) as booted, (place / "bench.log").open("w") as log:
        account_id = _new_account()
        # the processes of the bench log as they do in earnest
        os.environ["INSTEP_LOG_LEVEL"] = "info"
        house = House(place, account_id, booted.server, log)
        facts = machine(str(house.one("SHOW server_version")))
        measured = timed(lambda: measure(house, QUICK if quick else FULL, _say))
    answer = {"bench": "sync", "quick": quick, "machine": facts, **measured}
    answer["ok"] = all(figure["ok"] for figure in answer["figures"].values())
    if as_json:
        print_json(answer)
    else:
        print("\n".join(table(answer["figures"])))
    if not answer["ok"]:
        raise typer.Exit(1)


def report(
    measured: Annotated[
        Path, typer.Argument(metavar="FILE.json", help="What `bench sync --json` printed.", exists=True)
    ],
    home: Home = None,
) -> None:
    """Print docs/benchmarks.md for a measured run; nothing of the home is read."""
    from instep.bench.report import markdown

    print(markdown(json.loads(measured.read_text())), end="")


def _say(doing: str) -> None:
    # standard error, so that `--json` and pipes stay clean
    print(f"… {doing}", file=sys.stderr, flush=True)


@contextmanager
def _home(given: Path | None) -> Iterator[Path]:
    """The given home, or a temporary one that leaves nothing behind."""
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    place = Path(tempfile.mkdtemp(prefix="instep-bench-"))
    try:
        yield place
    finally:
        _remove_database(place)
        shutil.rmtree(place, ignore_errors=True)


def _remove_database(home: Path) -> None:
    """As root the embedded PostgreSQL keeps its files outside the home."""
    record = home / "postgres.json"
    if record.exists():
        shutil.rmtree(json.loads(record.read_text())["state"], ignore_errors=True)


def _new_account() -> Any:
    """The bench's own account. Raises `InputError` for a database that somebody uses, before it is touched."""
    from instep.bookings.accounts import ensure_account
    from instep.core.errors import InputError
    from instep.ops.boot import run_migrations
    from instep.store.models import Account
    from instep.store.statements import rows_of

    known = rows_of("SELECT to_regclass('account') IS NOT NULL AS made")[0]["made"]
    if known and Account.objects.exists():
        raise InputError(
            "The bench fills its database with thousands of bookings, and this one is in use.",
            cure="Leave --home and DATABASE_URL away, or name an empty one.",
            code="IN_USE",
        )
    run_migrations()
    return ensure_account("Bench").id
