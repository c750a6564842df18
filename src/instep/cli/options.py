"""Options that every command shares, and how a command prints its answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

Home = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        envvar="INSTEP_HOME",
        help="The folder of this Instep: its keys and its database.",
        show_default="~/.local/share/instep",
        file_okay=False,
    ),
]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]


def print_json(value: Any) -> None:
    """Print one JSON object on one line of standard output."""
    print(json.dumps(value, ensure_ascii=False, default=str))
