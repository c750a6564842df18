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
    forget: Annotated[
        bool,
        typer.Option(
            "--forget-second-factor", help="For who lost phone and recovery codes: no code is asked."
        ),
    ] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Make an administrator who can sign in, or give one a new password; prints the password once."""
    from instep.ops.boot import boot

    with boot(home, migrate=True):
        from instep.bookings.accounts import ensure_account, forget_second_factor, set_password

        account = ensure_account()
        password = secrets.token_urlsafe(12)
        set_password(account, email, password)
        if forget:
            forget_second_factor(account, email)
    if as_json:
        print_json({"email": email, "password": password})
    else:
        print(f"{email} signs in with the password {password}   (shown once)")
