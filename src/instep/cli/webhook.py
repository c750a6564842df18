"""`instep webhook oncehub`: the address and the secret for a source's webhook."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from instep.cli.options import Home, Json, print_json


def register(app: typer.Typer) -> None:
    sources = typer.Typer(help="Receive events of another scheduling product.", no_args_is_help=True)
    sources.callback()(lambda: None)
    sources.command("oncehub", epilog="Example: instep webhook oncehub --secret - < secret.txt")(oncehub)
    app.add_typer(sources, name="webhook")


def oncehub(
    secret: Annotated[
        str | None,
        typer.Option(
            "--secret",
            metavar="S",
            envvar="INSTEP_WEBHOOK_SECRET",
            help="The secret that OnceHub shows for this webhook; - reads it from standard input.",
        ),
    ] = None,
    another: Annotated[
        bool, typer.Option("--another", help="Make one more webhook, for a second OnceHub account.")
    ] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Print the address that OnceHub's webhook has to post to, and the secret that it is checked with.

    Made on first use. OnceHub makes the secret itself: enter the address there, then give the secret here;
    the address stays.
    """
    from instep.ops.boot import boot

    if secret == "-":  # noqa: S105 - the usual name of standard input
        secret = sys.stdin.readline().strip()
    with boot(home, migrate=True) as booted:
        from instep.bookings.accounts import ensure_account
        from instep.bookings.inlet import provide_endpoint
        from instep.ingest.oncehub import SOURCE

        endpoint = provide_endpoint(ensure_account(), SOURCE, secret or None, another=another)
        settings = booted.settings
        base = settings.public_url or f"http://127.0.0.1:{settings.web_port}"
    if as_json:
        print_json(
            {
                "source": endpoint.source,
                "address": base + endpoint.path,
                "path": endpoint.path,
                "secret": endpoint.secret,
            }
        )
        return
    print(f"Address: {base}{endpoint.path}")
    print(f"Secret:  {endpoint.secret}")
