"""`instep standin`: a CRM to try things on, without an account. The only place that knows the stand-ins."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from instep.cli.options import Home


def register(app: typer.Typer) -> None:
    standin = typer.Typer(
        help="A CRM to try things on: answers as the real one does, keeps its records in memory.",
        rich_markup_mode=None,
        epilog="Example: instep standin salesforce --port 8100",
    )
    standin.command("salesforce", epilog="Example: instep standin salesforce --port 8100")(salesforce)
    standin.command("hubspot", epilog="Example: instep standin hubspot --port 8200")(hubspot)
    app.add_typer(standin, name="standin")


Port = Annotated[int, typer.Option("--port", "-p", min=0, max=65535, help="The port; 0 picks a free one.")]
Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="FILE", help="Keep the records in this file, for the next start."),
]
ClientId = Annotated[
    str, typer.Option("--client-id", envvar="INSTEP_STANDIN_CLIENT_ID", help="The id (key) of the app.")
]
ClientSecret = Annotated[
    str, typer.Option("--client-secret", envvar="INSTEP_STANDIN_CLIENT_SECRET", help="The app's secret.")
]
Tls = Annotated[
    bool, typer.Option("--tls", help="Serve https, with a certificate of its own if none is given.")
]
Certificate = Annotated[
    Path | None,
    typer.Option("--certificate", metavar="FILE", help="PEM file of the certificate for --tls."),
]
Key = Annotated[Path | None, typer.Option("--key", metavar="FILE", help="PEM file of the certificate's key.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print no line when ready.")]


def salesforce(
    port: Port = 0,
    data: Data = None,
    client_id: ClientId = "",
    client_secret: ClientSecret = "",
    tls: Tls = False,
    certificate: Certificate = None,
    key: Key = None,
    quiet: Quiet = False,
    home: Home = None,
) -> None:
    """Run a Salesforce org on this machine; prints one JSON line with its address and client when ready."""
    from instep_standins.salesforce import server

    _run(
        server.main,
        quiet,
        tls,
        port=port,
        data=data,
        client_id=client_id,
        client_secret=client_secret,
        certificate=certificate,
        key=key,
    )


def hubspot(
    port: Port = 0,
    data: Data = None,
    client_id: ClientId = "",
    client_secret: ClientSecret = "",
    token: Annotated[
        str,
        typer.Option("--token", envvar="INSTEP_STANDIN_TOKEN", help="The static token, as of a service key."),
    ] = "",
    tls: Tls = False,
    certificate: Certificate = None,
    key: Key = None,
    quiet: Quiet = False,
    home: Home = None,
) -> None:
    """Run a HubSpot portal on this machine; prints one JSON line with its address, client and token when ready."""
    from instep_standins.hubspot import server

    _run(
        server.main,
        quiet,
        tls,
        port=port,
        data=data,
        client_id=client_id,
        client_secret=client_secret,
        certificate=certificate,
        key=key,
        token=token,
    )


def _run(
    main: Callable[[list[str]], int], quiet: bool, tls: bool, **options: Path | str | int | None
) -> None:
    """Run a stand-in with these options, as far as they are given."""
    given = {f"--{name.replace('_', '-')}": str(value) for name, value in options.items() if value}
    arguments = [part for option in given.items() for part in option]
    with redirect_stdout(io.StringIO()) if quiet else nullcontext():
        main([*arguments, *(["--tls"] if tls else [])])
