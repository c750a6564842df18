"""`instep_next_lane(job, queue)`: the waiting drain that a job goes on with, found by the queue's own order.

What PostgreSQL knows of a queue is from when it last counted, mostly while it was empty: then it reads and sorts all
that wait to find the first, once for each of them. Here it may only walk along the index that is in order already.
"""

from django.db import migrations

NEXT_LANE = """
CREATE FUNCTION instep_next_lane(p_job bigint, p_queue text) RETURNS bigint LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
BEGIN
    RETURN (SELECT j.id FROM procrastinate_jobs j
             WHERE j.status = 'todo' AND j.queue_name = p_queue AND j.task_name = 'drain'
               AND EXISTS (SELECT 1 FROM procrastinate_jobs m WHERE m.id = p_job AND m.status = 'doing')
               AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs o
                                WHERE o.lock = j.lock AND o.status = 'doing' AND o.id <> p_job)
             ORDER BY j.priority DESC, j.id LIMIT 1 FOR UPDATE SKIP LOCKED);
END $$;
"""


class Migration(migrations.Migration):
    """After procrastinate's own schema, whose table it reads."""

    dependencies = [("engine", "0002_lane_free")]
    operations = [migrations.RunSQL(NEXT_LANE, "DROP FUNCTION instep_next_lane(bigint, text)")]
