"""The wake of a lane: who has to hear of it, and when."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection

CHANNEL = "procrastinate_queue_v1#drain"
#: a lane of this test's own: others may have left jobs in this database
LANE = 987_654_321


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "end", ["DELETE FROM procrastinate_jobs", "UPDATE procrastinate_jobs SET status = 'failed'"]
)
def test_the_end_of_a_drain_tells_the_workers_that_its_lane_is_free(end: str) -> None:
    """A wake during a drain makes a job that nobody can take yet; its own notification is spent by then."""
    database, lock = connection.settings_dict, f"drain:{LANE}"
    conninfo = {"dbname": database["NAME"], "user": database["USER"], "host": database["HOST"]}
    with psycopg.connect(**conninfo, autocommit=True) as worker, connection.cursor() as cursor:
        worker.execute(f'LISTEN "{CHANNEL}"')
        cursor.execute("SELECT instep_wake(%s)", [LANE])
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE lock = %s", [lock])
        cursor.execute("SELECT instep_wake(%s)", [LANE])
        assert len(list(worker.notifies(timeout=30, stop_after=2))) == 2, "one for each of the two jobs"
        cursor.execute(f"{end} WHERE lock = %s AND status = 'doing'", [lock])
        assert [notice.channel for notice in worker.notifies(timeout=30, stop_after=1)] == [CHANNEL]
        cursor.execute("DELETE FROM procrastinate_jobs WHERE lock = %s", [lock])
