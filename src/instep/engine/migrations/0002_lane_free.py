"""A drain that ends tells the workers: the job that waited for its lane can be taken at once.

While a drain runs, its lock hides the lane's next job from every worker, and the notification of that job was
spent when it was made. Without a word at the end it would lie there until somebody polls: up to two seconds.
"""

from django.db import migrations

# Told unconditionally: whether a job waits cannot be asked here, for the one that makes it may commit only now.
LANE_FREE = """
CREATE FUNCTION instep_lane_free() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('procrastinate_queue_v1#' || OLD.queue_name,
                      json_build_object('type', 'job_inserted', 'job_id', OLD.id)::text);
    RETURN NULL;
END $$;

CREATE TRIGGER instep_lane_free_by_delete AFTER DELETE ON procrastinate_jobs
    FOR EACH ROW WHEN (OLD.status = 'doing') EXECUTE FUNCTION instep_lane_free();

CREATE TRIGGER instep_lane_free_by_status AFTER UPDATE OF status ON procrastinate_jobs
    FOR EACH ROW WHEN (OLD.status = 'doing' AND NEW.status <> 'doing') EXECUTE FUNCTION instep_lane_free();
"""

BACK = """
DROP TRIGGER instep_lane_free_by_delete ON procrastinate_jobs;
DROP TRIGGER instep_lane_free_by_status ON procrastinate_jobs;
DROP FUNCTION instep_lane_free();
"""


class Migration(migrations.Migration):
    """After the wake whose waiting jobs it lets through."""

    dependencies = [("engine", "0001_wake")]
    operations = [migrations.RunSQL(LANE_FREE, BACK)]
