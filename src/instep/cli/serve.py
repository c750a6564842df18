"""`instep serve`: everything on one machine, under one supervisor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from instep.cli.options import Home
from instep.cli.web import Host, Port, listens_on

if TYPE_CHECKING:
    from instep.ops.settings import Settings


def register(app: typer.Typer) -> None:
    app.command("serve", epilog="Example: instep serve --home /srv/instep --port 8000")(serve)


def serve(home: Home = None, port: Port = None, host: Host = None) -> None:
    """Run everything until Ctrl-C: PostgreSQL (unless DATABASE_URL is set), web and worker."""
    from instep.ops import logs
    from instep.ops.boot import database_ready
    from instep.ops.supervisor import run
    from instep.ops.webserver import reachable, refuse_taken, web_child, worker_child

    listens_on(host)
    with database_ready(home, serving=True) as ready:
        settings = ready.settings
        address, number = host or settings.web_host, port or settings.web_port
        refuse_taken(address, number)
        children = [web_child(address, number), worker_child()]
        place = settings.public_url or f"http://{address}:{number}"
        run(
            children,
            lambda: print(said_when_ready(place, number, reachable(address), settings), flush=True),
            log_format=logs.chosen_format(settings.log_format),
        )


def said_when_ready(place: str, port: int, host: str, settings: Settings) -> str:
    """The address, and where nobody can sign in yet, the one that makes the Account Owner."""
    from instep.ops.supervisor import http_ready

    ready = f"Instep is ready: {place}"
    # the page is there as long as there is no user; the web process knows, and we need no database here
    if not http_ready(port, "/welcome", host)():
        return ready
    code = settings.set_up_code()
    return f"{ready}\n\nNobody can sign in yet. Begin at:\n\n    {place}/welcome?code={code}\n"
