"""`instep restore FILE`: a backup into an empty database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from instep.cli.options import Home, Json, print_json


def register(app: typer.Typer) -> None:
    app.command("restore", epilog="Example: instep restore --home /srv/new /srv/backups/instep.dump")(restore)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `instep backup` wrote.")],
    home: Home = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what the database holds.")] = False,
    as_json: Json = False,
) -> None:
    """Put a backup into an empty database, as a whole or not at all, and bring it up to date."""
    from instep.ops.backup import read_backup
    from instep.ops.boot import boot, database_ready

    with database_ready(home) as ready:
        read_backup(ready.settings.dsn, file, overwrite=force)
        keys = ready.settings.home / "keys"
        with boot(home, migrate=True):
            pass
    if as_json:
        print_json({"restored": str(file)})
        return
    print(f"Restored from {file}.")
    print(f"Connections need the keys of the old home: copy its `keys` file to {keys}, or reconnect them.")
