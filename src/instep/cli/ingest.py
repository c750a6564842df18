"""`instep ingest oncehub FILE`: record events from a file or a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, BinaryIO

import typer

from instep.cli.options import Home, Json, print_json
from instep.core.errors import InputError

#: how many unusable lines are listed; all are counted and kept
_LISTED = 1_000


def register(app: typer.Typer) -> None:
    sources = typer.Typer(help="Record events of another scheduling product.", no_args_is_help=True)
    sources.callback()(lambda: None)
    sources.command("oncehub", epilog="Example: instep ingest oncehub events.jsonl --json")(oncehub)
    app.add_typer(sources, name="ingest")


def oncehub(
    file: Annotated[str, typer.Argument(metavar="FILE", help="One event per line, or - for standard input.")],
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Record OnceHub events. In any order, any number of times: the same bookings come out.

    Lines that cannot be used are kept aside with the reason and never hold back the others.
    """
    from instep.ops.boot import boot

    with _opened(file) as stream, boot(home, migrate=True):
        total = _ingest(stream, file)
    if as_json:
        print_json(total)
    else:
        _say(total)


def _ingest(stream: BinaryIO, name: str) -> dict[str, Any]:
    from datetime import UTC, datetime

    from instep.bookings.accounts import ensure_account
    from instep.bookings.record import record
    from instep.ingest import oncehub as source
    from instep.ingest.lines import batches

    account = ensure_account()
    total: dict[str, Any] = {"accepted": 0, "duplicates": 0, "malformed": 0, "unused": 0, "problems": []}
    changed: set[int] = set()
    try:
        for batch in batches(stream, source.MAX_BYTES):
            done = record(account.id, batch.lines, source.SOURCE, datetime.now(UTC))
            total["accepted"] += done.accepted
            total["duplicates"] += done.duplicates
            changed.update(done.changed)
            for problem in done.problems:
                total["unused" if problem.unused else "malformed"] += 1
                if len(total["problems"]) < _LISTED:
                    line = batch.numbers[problem.position - 1]
                    total["problems"].append({"line": line, "code": problem.code, "reason": problem.reason})
    except OSError as error:
        raise _unreadable(name, error) from None
    return {**total, "bookings_changed": len(changed)}


def _say(total: dict[str, Any]) -> None:
    print(
        f"{total['accepted']} recorded, {total['duplicates']} known already; "
        f"{total['bookings_changed']} bookings changed."
    )
    aside = total["malformed"] + total["unused"]
    if not aside:
        return
    print(f"Warning: {aside} kept aside and not used:", file=sys.stderr)
    for problem in total["problems"]:
        print(f"  line {problem['line']}: {problem['reason']}", file=sys.stderr)
    if aside > len(total["problems"]):
        print(f"  and {aside - len(total['problems'])} more", file=sys.stderr)


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = open(file, "rb")  # noqa: SIM115 - closed below; only opening it is a person's mistake
    except OSError as error:
        raise _unreadable(file, error) from None
    with stream:
        yield stream


def _unreadable(file: str, error: OSError) -> InputError:
    return InputError(
        f"{file} cannot be read: {error.strerror or error}.",
        cure="Name a file of one JSON event per line, or - for standard input.",
        code="FILE",
    )
