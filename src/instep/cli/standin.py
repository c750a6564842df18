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


def salesforce(
    port: Annotated[
        int, typer.Option("--port", "-p", min=0, max=65535, help="The port; 0 picks a free one.")
    ] = 0,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="FILE", help="Keep the records in this file, for the next start."),
    ] = None,
    client_id: Annotated[
        str, typer.Option("--client-id", envvar="INSTEP_STANDIN_CLIENT_ID", help="The app's key.")
    ] = "",
    client_secret: Annotated[
        str, typer.Option("--client-secret", envvar="INSTEP_STANDIN_CLIENT_SECRET", help="The app's secret.")
    ] = "",
    tls: Annotated[
        bool, typer.Option("--tls", help="Serve https, with a certificate of its own if none is given.")
    ] = False,
    certificate: Annotated[
        Path | None,
        typer.Option("--certificate", metavar="FILE", help="PEM file of the certificate for --tls."),
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="PEM file of the certificate's key.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no line when ready.")] = False,
    home: Home = None,
) -> None:
    """Run a Salesforce org on this machine; prints one JSON line with its address and client when ready."""
    from instep_standins.salesforce import server

    options = {
        "data": data,
        "client-id": client_id,
        "client-secret": client_secret,
        "certificate": certificate,
    }
    _run(server.main, port, {**options, "key": key}, tls, quiet)


def hubspot(
    port: Annotated[
        int, typer.Option("--port", "-p", min=0, max=65535, help="The port; 0 picks a free one.")
    ] = 0,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="FILE", help="Keep the records in this file, for the next start."),
    ] = None,
    client_id: Annotated[
        str, typer.Option("--client-id", envvar="INSTEP_STANDIN_CLIENT_ID", help="The app's id.")
    ] = "",
    client_secret: Annotated[
        str, typer.Option("--client-secret", envvar="INSTEP_STANDIN_CLIENT_SECRET", help="The app's secret.")
    ] = "",
    token: Annotated[
        str,
        typer.Option("--token", envvar="INSTEP_STANDIN_TOKEN", help="The static token, as of a service key."),
    ] = "",
    tls: Annotated[
        bool, typer.Option("--tls", help="Serve https, with a certificate of its own if none is given.")
    ] = False,
    certificate: Annotated[
        Path | None,
        typer.Option("--certificate", metavar="FILE", help="PEM file of the certificate for --tls."),
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="PEM file of the certificate's key.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no line when ready.")] = False,
    home: Home = None,
) -> None:
    """Run a HubSpot portal on this machine; prints one JSON line with its address, client and token when ready."""
    from instep_standins.hubspot import server

    options = {
        "data": data,
        "client-id": client_id,
        "client-secret": client_secret,
        "certificate": certificate,
    }
    _run(server.main, port, {**options, "key": key, "token": token}, tls, quiet)


def _run(
    main: Callable[[list[str]], int], port: int, options: dict[str, Path | str | None], tls: bool, quiet: bool
) -> None:
    given = [part for name, value in options.items() if value for part in (f"--{name}", str(value))]
    given += ["--tls"] if tls else []
    with redirect_stdout(io.StringIO()) if quiet else nullcontext():
        main(["--port", str(port), *given])
