"""`instep user`: who can sign in."""

from __future__ import annotations

import secrets
from typing import Annotated

import typer

from instep.cli.options import Home, Json, print_json


def register(app: typer.Typer) -> None:
    app.command("user", epilog="Example: instep user admin@example.org")(user)


def user(
    email: Annotated[str, typer.Argument(help="The address that the administrator signs in with.")],
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Make an administrator who can sign in, or give one a new password; prints the password once."""
    from instep.ops.boot import boot

    with boot(home, migrate=True):
        from instep.bookings.accounts import ensure_account, set_password

        password = secrets.token_urlsafe(12)
        set_password(ensure_account(), email, password)
    if as_json:
        print_json({"email": email, "password": password})
    else:
        print(f"{email} signs in with the password {password}   (shown once)")
