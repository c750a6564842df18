"""`instep connect hubspot`: connect a HubSpot account from the command line."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from instep.cli.connected import say
from instep.cli.options import Home, Json
from instep.core.errors import InputError


def hubspot(
    token: Annotated[
        str,
        typer.Option(
            "--token",
            envvar="INSTEP_HUBSPOT_TOKEN",
            help="A service key or the token of a private app; - reads it from standard input, which no process list "
            "shows.",
        ),
    ] = "",
    client_id: Annotated[str, typer.Option("--client-id", help="In place of a token: an app's id.")] = "",
    client_secret: Annotated[
        str,
        typer.Option(
            "--client-secret", envvar="INSTEP_CLIENT_SECRET", help="The app's secret; - reads standard input."
        ),
    ] = "",
    refresh_token: Annotated[
        str,
        typer.Option(
            "--refresh-token",
            envvar="INSTEP_REFRESH_TOKEN",
            help="The refresh token that the app was given; - reads standard input, after the secret.",
        ),
    ] = "",
    url: Annotated[str, typer.Option("--url", help="The API's address. Default: HubSpot's own.")] = "",
    api_version: Annotated[
        str, typer.Option("--api-version", help="Pin the API version, like 2026-03. Default: the newest.")
    ] = "",
    install: Annotated[
        bool, typer.Option("--install", help="Create the connector's properties in the account.")
    ] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Connect a HubSpot account; running it again for the same account renews the connection."""
    from instep.ops.boot import boot

    entered = {
        "url": url,
        "token": _read(token),
        "client_id": client_id,
        "client_secret": _read(client_secret),
        "refresh_token": _read(refresh_token),
    }
    if not entered["token"] and not all(
        entered[name] for name in ("client_id", "client_secret", "refresh_token")
    ):
        from instep.crm.hubspot.names import KEYS_PLACE

        raise InputError(
            "HubSpot needs a token, or an app's id, secret and refresh token.",
            cure=f"Give --token - with a service key on standard input ({KEYS_PLACE} in HubSpot).",
            code="NO_TOKEN",
        )
    with boot(home, migrate=True):
        from instep.bookings.accounts import ensure_account
        from instep.engine.connecting import connect

        done = connect(
            ensure_account().id,
            "hubspot",
            entered,
            api_version=api_version,
            install=install,
        )
        say(done, as_json)


def _read(said: str) -> str:
    """An option's value, or the next line of standard input where it says so."""
    return sys.stdin.readline().strip() if said == "-" else said
