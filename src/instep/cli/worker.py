"""`instep worker`: the process that brings bookings to the CRM."""

from __future__ import annotations

from typing import Annotated

import typer

from instep.cli.options import Home


def register(app: typer.Typer) -> None:
    app.command("worker", epilog="Example: instep worker --concurrency 8")(worker)


def worker(
    home: Home = None,
    concurrency: Annotated[
        int | None,
        typer.Option("--concurrency", "-c", min=1, max=100, help="How many connections are drained at once.",
                     show_default="8"),
    ] = None,
) -> None:  # fmt: skip
    """Bring bookings to the CRM, until Ctrl-C. Start as many as you like, on as many machines."""
    from instep.ops.boot import boot

    with boot(home, serving=True) as booted:
        from instep.engine import worker as engine_worker

        engine_worker.run(concurrency or booted.settings.worker_concurrency)
