"""Procrastinate's side of the engine: its tasks, and the queue that carries them."""

from __future__ import annotations

import time
from typing import Any

import procrastinate
import psycopg
from attrs import frozen
from django.conf import settings

from instep.engine import connection, watch
from instep.engine.drain import Drained, drain
from instep.store import credentials, lane_queries, statements

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
    # A job that a crash of the server brings back is a drain too many, and one that it loses is found by the
    # sweep: nobody has to wait for the disk.
    given = conninfo()
    given["options"] = f"{given.get('options', '')} -c synchronous_commit=off".strip()
    connector = procrastinate.PsycopgConnector(
        kwargs=given, configure=_each_by_itself, min_size=1, max_size=max_connections
    )
    app = procrastinate.App(connector=connector)
    # lock and queueing lock are set where jobs are made: in `instep_wake`
    app.task(name="drain", queue=QUEUE, pass_context=True)(drain_job)
    app.task(name=connection.INSTALL_TASK, queue=QUEUE)(install_job)
    app.task(name=watch.CHECK_TASK, queue=QUEUE)(check_job)
    return app


async def _each_by_itself(connection: psycopg.AsyncConnection) -> None:
    """Each statement of the queue is a transaction by itself: a worker that is stopped in between holds no lock."""
    await connection.set_autocommit(True)


# The job becomes that of the next lane that waits: a thousand lanes pass the queue's own ways once for each thread and
# not once for each lane. Its lock goes with it, so that a lane still has one drain at most. Whoever waits for the
# lane that it leaves is told; who commits in this very moment waits for the next look at the queue.
_MOVE_ON = f"""
    WITH next AS (
        DELETE FROM procrastinate_jobs WHERE id = (SELECT instep_next_lane(%s, %s))
        RETURNING lock, args),
    moved AS (
        UPDATE procrastinate_jobs mine SET lock = next.lock, args = next.args
          FROM next, procrastinate_jobs before, {statements.UNHURRIED}
         WHERE mine.id = %s AND before.id = mine.id AND mine.status = 'doing'
        RETURNING (mine.args ->> 'connection_id')::bigint AS connection_id, before.lock AS left_lock)
    SELECT connection_id, (SELECT c.account_id FROM connection c WHERE c.id = connection_id) AS account_id,
           (SELECT pg_notify('procrastinate_queue_v1#' || %s, '{{"type": "job_inserted", "job_id": 0}}')
             WHERE EXISTS (SELECT 1 FROM procrastinate_jobs w
                            WHERE w.queueing_lock = left_lock AND w.status = 'todo'))
      FROM moved
"""  # noqa: S608 - put together from constants
#: seconds after which a job ends all the same: what it holds of a thread is given back now and then
_TURN = 20.0


def drain_job(context: procrastinate.JobContext, connection_id: int) -> None:
    """Drain one connection, ask for another turn if work is left, and go on with the next that waits."""
    ends = time.monotonic() + _TURN
    lane: _Waiting | None = _Waiting(lane_queries.account_of_connection(connection_id), connection_id)
    while lane is not None:
        try:
            _drain(lane)
            more = not _stopping and time.monotonic() < ends
            lane = _move_on(int(context.job.id or 0)) if more else None
        finally:
            statements.rest_connection()


@frozen
class _Waiting:
    """A lane that waits for a drain; nobody's where its connection was removed meanwhile."""

    account_id: int | None
    connection_id: int


def _drain(lane: _Waiting) -> None:
    if lane.account_id is None:
        return
    done: Drained = drain(lane.account_id, lane.connection_id, stopping=lambda: _stopping)
    if done.more:
        lane_queries.wake(lane.connection_id)


def _move_on(job_id: int) -> _Waiting | None:
    """Take over the next lane that waits, if any does."""
    found = statements.prepared_rows(_MOVE_ON, [job_id, QUEUE, job_id, QUEUE])
    return _Waiting(found[0]["account_id"], int(found[0]["connection_id"])) if found else None


def install_job(connection_id: int) -> None:
    """Create the connector's fields in one connection's CRM, as an admin asked on its page."""
    try:
        account_id = lane_queries.account_of_connection(connection_id)
        if account_id is not None:
            connection.install(account_id, connection_id)
    finally:
        statements.rest_connection()


def check_job(connection_id: int) -> None:
    """Look at one connection's setup: daily, and when the CRM calls a field unknown."""
    try:
        account_id = lane_queries.account_of_connection(connection_id)
        row = lane_queries.connection_by_id(account_id, connection_id) if account_id is not None else None
        if account_id is not None and row is not None and row["state"] != credentials.DISABLED:
            connection.check(account_id, row)
    finally:
        statements.rest_connection()
