"""`instep connect`: connect a CRM from the command line."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from instep.cli.connect_hubspot import hubspot
from instep.cli.connected import say
from instep.cli.options import Home, Json
from instep.core.errors import InputError


class Grant(StrEnum):
    """How to sign in without a browser."""

    CLIENT_CREDENTIALS = "client-credentials"
    JWT = "jwt"


#: how the engine calls them
_GRANTS = {Grant.CLIENT_CREDENTIALS: "client_credentials", Grant.JWT: "jwt_bearer"}


def register(app: typer.Typer) -> None:
    connect = typer.Typer(help="Connect a CRM.", rich_markup_mode=None)
    connect.command("salesforce", epilog=_EXAMPLE)(salesforce)
    connect.command(
        "hubspot", epilog="Example: instep connect hubspot --token - --install < service-key.txt"
    )(hubspot)
    connect.command("certificate", epilog="Example: instep connect certificate > instep.crt")(certificate)
    app.add_typer(connect, name="connect")


_EXAMPLE = (
    "Example: instep connect salesforce --grant client-credentials --url https://acme.my.salesforce.com "
    "--client-id 3MVG… --client-secret - --install < secret.txt\n\n"
    "Without a secret: instep connect salesforce --grant jwt --url https://acme.my.salesforce.com "
    "--client-id 3MVG… --username integration@acme.example"
)


def salesforce(
    url: Annotated[str, typer.Option("--url", help="The org's My Domain address.")],
    client_id: Annotated[str, typer.Option("--client-id", help="Consumer key of the org's app.")],
    client_secret: Annotated[
        str,
        typer.Option(
            "--client-secret",
            envvar="INSTEP_CLIENT_SECRET",
            help="Consumer secret of the org's app; - reads it from standard input, which no process list shows. "
            "Not needed with --grant jwt.",
        ),
    ] = "",
    username: Annotated[
        str, typer.Option("--username", help="With --grant jwt: the user in Salesforce that Instep works as.")
    ] = "",
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            help="With --grant jwt: a private key of your own (PEM) in place of Instep's, whose certificate "
            "`instep connect certificate` prints.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    grant: Annotated[Grant, typer.Option("--grant", help="How to sign in.")] = Grant.CLIENT_CREDENTIALS,
    api_version: Annotated[
        str, typer.Option("--api-version", help="Pin the API version, like 62.0. Default: ask the org.")
    ] = "",
    install: Annotated[
        bool, typer.Option("--install", help="Create the connector's fields and permission set in the org.")
    ] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Connect a Salesforce org; running it again for the same org renews the connection."""
    from instep.ops.boot import boot

    if client_secret == "-":  # noqa: S105 - the usual name of standard input
        client_secret = sys.stdin.readline().strip()
    _check_options(grant, client_secret, username)
    with boot(home, migrate=True):
        from instep.bookings.accounts import ensure_account
        from instep.engine.connecting import connect

        account_id = ensure_account().id
        entered = {"url": url, "client_id": client_id, "grant": _GRANTS[grant]}
        if grant is Grant.JWT:
            entered |= {"username": username, "private_key": _private_key(account_id, key)}
        else:
            entered["client_secret"] = client_secret
        done = connect(
            account_id,
            "salesforce",
            entered,
            api_version=api_version,
            install=install,
        )
        say(done, as_json)


def _check_options(grant: Grant, client_secret: str, username: str) -> None:
    """Raises `InputError` where what the way of signing in needs is missing."""
    if grant is Grant.JWT and not username:
        raise InputError("--grant jwt needs a user.", cure="Name it with --username.", code="NO_USERNAME")
    if grant is Grant.CLIENT_CREDENTIALS and not client_secret:
        raise InputError(
            "--grant client-credentials needs the app's secret.",
            cure="Give it with --client-secret - on standard input, or as INSTEP_CLIENT_SECRET.",
            code="NO_SECRET",
        )


def _private_key(account_id: int, key: Path | None) -> str:
    from instep.engine.signing import signing_key

    return key.read_text(encoding="utf-8") if key else signing_key(account_id).private_key


def certificate(
    home: Home = None,
    new: Annotated[
        bool,
        typer.Option("--new", help="Make a new one first. Connections go on with the old one until used."),
    ] = False,
) -> None:
    """Print the certificate that --grant jwt signs with, for the app in Salesforce; it is made when first asked for."""
    from instep.ops.boot import boot

    with boot(home, migrate=True):
        from instep.bookings.accounts import ensure_account
        from instep.engine.signing import replace_signing_key, signing_key

        key = replace_signing_key if new else signing_key
        print(key(ensure_account().id).certificate, end="")
