"""`instep web`: the pages, the API and the webhook addresses."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from instep.cli.options import Home

Port = Annotated[
    int | None,
    typer.Option("--port", "-p", min=1, max=65535, help="The port to listen on.", show_default="8000"),
]
Host = Annotated[
    str | None,
    typer.Option("--host", help="The address to listen on; a proxy with TLS belongs in front of any other."),
]


def register(app: typer.Typer) -> None:
    app.command("web", epilog="Example: instep web --port 8000")(web)


def listens_on(host: str | None) -> None:
    """Let this process and those it starts know where the web listens: what they may call depends on it."""
    if host:
        os.environ["INSTEP_WEB_HOST"] = host


def web(home: Home = None, port: Port = None, host: Host = None) -> None:
    """Serve pages, API and webhook addresses until Ctrl-C; on the loopback unless told otherwise."""
    from instep.ops.boot import database_ready
    from instep.ops.webserver import serve_web

    listens_on(host)
    with database_ready(home, serving=True) as ready:
        settings = ready.settings
        serve_web(settings, host or settings.web_host, port or settings.web_port)
