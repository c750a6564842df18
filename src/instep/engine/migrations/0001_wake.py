"""`instep_wake(connection)`: have a drain run, from inside any transaction, without knowing the job queue."""

from django.db import migrations

WAKE = """
CREATE FUNCTION instep_wake(p_connection bigint) RETURNS void LANGUAGE sql AS $$
    -- one drain runs for each connection (lock) and at most one waits (queueing_lock): a second
    -- wake while one waits is that same wake
    INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args)
    VALUES ('drain', 'drain', 'drain:' || p_connection, 'drain:' || p_connection,
            jsonb_build_object('connection_id', p_connection))
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING;
$$;
"""


class Migration(migrations.Migration):
    """After procrastinate's own schema, whose table it writes to."""

    dependencies = [("procrastinate", "0041_post_retry_failed_job")]
    operations = [migrations.RunSQL(WAKE, "DROP FUNCTION instep_wake(bigint)")]
