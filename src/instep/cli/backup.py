"""`instep backup FILE`: the database into one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from instep.cli.options import Home, Json, print_json


def register(app: typer.Typer) -> None:
    app.command("backup", epilog="Example: instep backup /srv/backups/instep-$(date +%F).dump")(backup)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write.", dir_okay=False)],
    home: Home = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    as_json: Json = False,
) -> None:
    """Write the whole database to FILE while everything goes on. The secret keys are kept apart."""
    from instep.ops.backup import write_backup
    from instep.ops.boot import database_ready

    with database_ready(home) as ready:
        size = write_backup(ready.settings.dsn, file, overwrite=force)
        keys = ready.settings.home / "keys"
    if as_json:
        print_json({"file": str(file), "bytes": size, "keys": str(keys) if keys.exists() else None})
        return
    where = str(keys) if keys.exists() else "INSTEP_SECRET_KEYS"
    print(f"{file}: {size:,} bytes.")
    print(f"The secret keys are not in it. Keep a copy of {where} in another place.")
