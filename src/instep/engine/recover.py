"""What repairs itself: jobs of dead workers, wakes that were lost, jobs that are done.

A coalesced wake is lost when a worker takes the waiting job before the marking transaction commits; a
dead worker leaves its job "doing", whose lock stops the lane. Both are found by looking every two seconds.
"""

from __future__ import annotations

import structlog
from django.db import connection as db

from instep.store import lane_queries

log = structlog.get_logger(__name__)

BEAT = 2.0
STALLED_AFTER = 6.0

# A job whose worker is gone is finished as failed, never retried: procrastinate's retry raises
# UniqueViolation when a newer job of the lane waits, and then the lane would never move again.
# The sweep wakes the lane anew if anything is due.
_FREE_STALLED = """
    UPDATE procrastinate_jobs j SET status = 'failed'
     WHERE j.status = 'doing'
       AND NOT EXISTS (SELECT 1 FROM procrastinate_workers w
                        WHERE w.id = j.worker_id
                          AND w.last_heartbeat > now() - make_interval(secs => %s))
 RETURNING j.id
"""


def free_stalled_jobs(stalled_after: float = STALLED_AFTER) -> int:
    """Finish the jobs of workers that stopped beating; how many there were."""
    with db.cursor() as cursor:
        cursor.execute(_FREE_STALLED, [stalled_after])
        freed = len(cursor.fetchall())
    if freed:
        log.warning("recover.stalled_jobs", jobs=freed)
    return freed


# A lane whose drain waits or runs needs nothing: what a running one leaves behind is found by the next look.
_WAKE_IDLE = """
    SELECT instep_wake(id) FROM unnest(%s::bigint[]) AS lane (id)
     WHERE NOT EXISTS (SELECT 1 FROM procrastinate_jobs j
                        WHERE j.lock = 'drain:' || lane.id AND j.status IN ('todo', 'doing'))
     ORDER BY id
"""


def sweep() -> int:
    """Wake every lane that has due work, is not held and has no drain; how many there were."""
    lanes = [lane["id"] for lane in lane_queries.lanes_to_wake()]
    if not lanes:
        return 0
    with db.cursor() as cursor:
        cursor.execute(_WAKE_IDLE, [lanes])
        return len(cursor.fetchall())


def tidy() -> int:
    """Delete finished jobs; how many there were."""
    with db.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE status IN ('succeeded', 'failed', 'aborted')")
        return int(cursor.rowcount)


def workers_beating(within: float = STALLED_AFTER) -> int:
    """How many workers have beaten lately."""
    with db.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FROM procrastinate_workers
                WHERE last_heartbeat > now() - make_interval(secs => %s)""",
            [within],
        )
        return int(cursor.fetchone()[0])
