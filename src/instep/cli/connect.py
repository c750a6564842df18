"""`instep connect`: connect a CRM from the command line."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated, Any

import typer

from instep.cli.options import Home, Json, print_json


class Grant(StrEnum):
    """How to sign in without a browser."""

    CLIENT_CREDENTIALS = "client-credentials"


def register(app: typer.Typer) -> None:
    connect = typer.Typer(help="Connect a CRM.", rich_markup_mode=None)
    connect.command("salesforce", epilog=_EXAMPLE)(salesforce)
    app.add_typer(connect, name="connect")


_EXAMPLE = (
    "Example: instep connect salesforce --grant client-credentials --url https://acme.my.salesforce.com "
    "--client-id 3MVG… --client-secret - --install < secret.txt"
)


def salesforce(
    url: Annotated[str, typer.Option("--url", help="The org's My Domain address.")],
    client_id: Annotated[str, typer.Option("--client-id", help="Consumer key of the org's app.")],
    client_secret: Annotated[
        str,
        typer.Option(
            "--client-secret",
            envvar="INSTEP_CLIENT_SECRET",
            help="Consumer secret of the org's app; - reads it from standard input, which no process list shows.",
        ),
    ],
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
    with boot(home, migrate=True) as booted:
        from instep.bookings.accounts import ensure_account
        from instep.engine.connecting import connect

        done = connect(
            ensure_account().id,
            "salesforce",
            {
                "url": url,
                "client_id": client_id,
                "client_secret": client_secret,
                "grant": grant.value.replace("-", "_"),
            },
            api_version=api_version,
            install=install,
            allow=booted.settings.allow_private_urls,
        )
        answer = {
            "connection": done.public_id,
            "new": done.made,
            "org_id": done.identity.org_id,
            "org": done.identity.org_name,
            "user": done.identity.username,
            "sandbox": done.identity.sandbox,
            "api_version": done.api_version,
            "installed": done.installed,
            "bookings_marked": done.bookings,
        }
        print_json(answer) if as_json else _say(answer)


def _say(answer: dict[str, Any]) -> None:
    kind = "sandbox" if answer["sandbox"] else "production"
    verb = "Connected" if answer["new"] else "Connection renewed:"
    print(f"{verb} {answer['org']} ({answer['org_id']}, {kind}) as {answer['user']}, ", end="")
    print(f"API v{answer['api_version']}.")
    if answer["installed"] is None:
        print("The connector's fields were not installed; add --install to create them.")
    else:
        print("The connector's fields are installed and granted to the connected user.")
    print(f"{answer['bookings_marked']} bookings are waiting to be written: instep sync --wait")
