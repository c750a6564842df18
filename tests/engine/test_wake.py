"""The wake of a lane: who has to hear of it, and when."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from django.db import connection

from instep.engine import jobs, recover
from instep.store import lane_queries

Jobs = Callable[[], list[tuple[int, str]]]

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


@pytest.fixture
def jobs_of() -> Callable[[], list[tuple[int, str]]]:
    """An empty queue, as this test's transaction sees it; what is in it, by lane and state."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")

    def told() -> list[tuple[int, str]]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT (args ->> 'connection_id')::int, status FROM procrastinate_jobs ORDER BY 1, status::text"
            )
            return [(lane, str(status)) for lane, status in cursor.fetchall()]

    return told


def _job(lane: int, status: str = "todo") -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT instep_wake(%s)", [lane])
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = %s WHERE lock = %s AND status = 'todo' RETURNING id",
            [status, f"drain:{lane}"],
        )
        return int(cursor.fetchone()[0])


def _next(job: int) -> int | None:
    """The connection that the job goes on with."""
    found = jobs._move_on(job)
    return found.connection_id if found is not None else None


@pytest.mark.django_db
def test_a_job_goes_on_with_the_next_lane_that_waits_and_that_nobody_drains(jobs_of: Jobs) -> None:
    mine = _job(1, "doing")
    _job(2, "doing")
    _job(2)
    _job(3)
    assert _next(mine) == 3
    assert jobs_of() == [(2, "doing"), (2, "todo"), (3, "doing")]
    assert _next(mine) is None
    _job(3)
    assert _next(mine) == 3, "its own lane was woken again meanwhile"
    assert jobs_of() == [(2, "doing"), (2, "todo"), (3, "doing")]


@pytest.mark.django_db
def test_the_next_lane_is_found_without_reading_all_that_wait(jobs_of: Jobs) -> None:
    """However many wait, and whatever PostgreSQL believes of the queue: it last counted when few did."""

    def read_through() -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'procrastinate_jobs'"
            )
            return int(cursor.fetchone()[0])

    with connection.cursor() as cursor:
        cursor.execute("SELECT instep_wake(n) FROM generate_series(2, 4) AS n")
        cursor.execute("ANALYZE procrastinate_jobs")
        cursor.execute("SELECT instep_wake(n) FROM generate_series(5, 600) AS n")
    mine = _job(1, "doing")
    before = read_through()
    assert [_next(mine) for _ in range(5)] == [2, 3, 4, 5, 6]
    assert read_through() == before


@pytest.mark.django_db
def test_a_job_that_was_taken_for_dead_takes_nothing_more(jobs_of: Jobs) -> None:
    mine = _job(1, "failed")
    _job(2)
    assert _next(mine) is None
    assert jobs_of() == [(1, "failed"), (2, "todo")]


@pytest.mark.django_db
def test_the_sweep_wakes_only_lanes_that_have_no_drain(
    jobs_of: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_queries, "lanes_to_wake", lambda: [{"id": lane} for lane in (1, 2, 3)])
    _job(1, "doing")
    _job(2)
    assert recover.sweep() == 1, "the third"
    assert jobs_of() == [(1, "doing"), (2, "todo"), (3, "todo")]
