"""`instep serve`: everything on one machine, under one supervisor."""

from __future__ import annotations

import typer

from instep.cli.options import Home
from instep.cli.web import Host, Port


def register(app: typer.Typer) -> None:
    app.command("serve", epilog="Example: instep serve --home /srv/instep --port 8000")(serve)


def serve(home: Home = None, port: Port = None, host: Host = None) -> None:
    """Run everything until Ctrl-C: PostgreSQL (unless DATABASE_URL is set), web and worker."""
    from instep.ops import logs
    from instep.ops.boot import database_ready
    from instep.ops.supervisor import run
    from instep.ops.webserver import refuse_taken, web_child, worker_child

    with database_ready(home, serving=True) as ready:
        settings = ready.settings
        address, number = host or settings.web_host, port or settings.web_port
        refuse_taken(address, number)
        children = [web_child(address, number), worker_child()]
        run(
            children,
            lambda: print(
                f"Instep is ready: {settings.public_url or f'http://{address}:{number}'}", flush=True
            ),
            log_format=logs.chosen_format(settings.log_format),
        )
