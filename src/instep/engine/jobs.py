"""Procrastinate's side of the engine: its tasks, and the queue that carries them."""

from __future__ import annotations

from typing import Any

import procrastinate
from django.conf import settings

from instep.engine import connection
from instep.engine.drain import Drained, drain
from instep.store import lane_queries, statements

#: names that the SQL function `instep_wake` writes; they stand in its migration too
QUEUE = "drain"

_stopping = False


def stop_soon() -> None:
    """Ask running drains to end after the batch at hand."""
    global _stopping
    _stopping = True


def conninfo() -> dict[str, Any]:
    """How procrastinate reaches the database that Django uses."""
    database = settings.DATABASES["default"]
    parts = {
        "dbname": database["NAME"],
        "user": database.get("USER"),
        "password": database.get("PASSWORD"),
        "host": database.get("HOST"),
        "port": database.get("PORT"),
    }
    # the options carry what DATABASE_URL says of encryption and certificates
    return {name: str(value) for name, value in {**database.get("OPTIONS", {}), **parts}.items() if value}


def make_app(max_connections: int = 8) -> procrastinate.App:
    """A procrastinate app with the engine's tasks on the database that Django uses."""
    connector = procrastinate.PsycopgConnector(kwargs=conninfo(), min_size=1, max_size=max_connections)
    app = procrastinate.App(connector=connector)
    # lock and queueing lock are set where jobs are made: in `instep_wake`
    app.task(name="drain", queue=QUEUE)(drain_job)
    app.task(name=connection.INSTALL_TASK, queue=QUEUE)(install_job)
    return app


def drain_job(connection_id: int) -> None:
    """Drain one connection, then ask for another turn if work is left."""
    try:
        account_id = lane_queries.account_of_connection(connection_id)
        if account_id is None:
            return
        done: Drained = drain(account_id, connection_id, stopping=lambda: _stopping)
        if done.more:
            lane_queries.wake(connection_id)
    finally:
        statements.rest_connection()


def install_job(connection_id: int) -> None:
    """Create the connector's fields in one connection's CRM, as an admin asked on its page."""
    try:
        account_id = lane_queries.account_of_connection(connection_id)
        if account_id is not None:
            connection.install(account_id, connection_id)
    finally:
        statements.rest_connection()
