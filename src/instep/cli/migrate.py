"""`instep migrate`: bring the database's schema up to date."""

from __future__ import annotations

import typer

from instep.cli.options import Home


def register(app: typer.Typer) -> None:
    app.command("migrate", epilog="Example: DATABASE_URL=postgresql://… instep migrate")(migrate)


def migrate(home: Home = None) -> None:
    """Bring the database's schema up to date; several machines may do so at once."""
    from instep.ops.boot import boot

    with boot(home, migrate=True):
        print("The database is up to date.")
