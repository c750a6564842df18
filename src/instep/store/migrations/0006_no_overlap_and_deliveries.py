"""What Django cannot say: no host twice at one time, and the partitioned table of mails that are owed."""

from __future__ import annotations

from django.db import migrations

NO_OVERLAP = """
-- int8range over one host's key stands for `host WITH =`, which needs an extension that is not everywhere
ALTER TABLE booked_time ADD CONSTRAINT booked_time_no_overlap
    EXCLUDE USING gist (int8range(host_id, host_id, '[]') WITH &&, tstzrange(start_at, end_at, '[)') WITH &&)
    WHERE (active);
ALTER TABLE booked_time ADD CONSTRAINT booked_time_lasts CHECK (start_at < end_at);
"""

DELIVERIES = """
CREATE SEQUENCE delivery_id_seq;
CREATE TABLE delivery (
    id bigint NOT NULL DEFAULT nextval('delivery_id_seq'),
    account_id bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    booking_id bigint NOT NULL,
    what text NOT NULL,
    role text NOT NULL,
    recipient text NOT NULL,
    document jsonb NOT NULL,
    due_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    sent_at timestamptz,
    error text NOT NULL DEFAULT '',
    PRIMARY KEY (account_id, created_at, id)
) PARTITION BY RANGE (created_at);
CREATE INDEX delivery_due ON delivery (account_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX delivery_booking ON delivery (account_id, booking_id);
CREATE TABLE delivery_default PARTITION OF delivery DEFAULT;
"""

_FUNCTION = """
CREATE OR REPLACE FUNCTION instep_make_partitions(ahead integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    month timestamptz;
    partition text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('instep_make_partitions', 0));
    FOREACH parent IN ARRAY ARRAY[{parents}] LOOP
        FOR step IN 0..ahead LOOP
            month := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => step))
                AT TIME ZONE 'UTC';
            partition := parent || to_char(month AT TIME ZONE 'UTC', '_YYYY_MM');
            CONTINUE WHEN to_regclass(partition) IS NOT NULL;
            BEGIN
                EXECUTE format(
                    'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', partition, parent, month,
                    ((month AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC');
                made := made + 1;
            EXCEPTION WHEN check_violation THEN
                NULL;
            END;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;
"""
PARTITIONS = _FUNCTION.replace("{parents}", "'transition', 'receipt', 'delivery'")
PARTITIONS_BEFORE = _FUNCTION.replace("{parents}", "'transition', 'receipt'")

UNDO = f"""
{PARTITIONS_BEFORE}
DROP TABLE delivery;
DROP SEQUENCE delivery_id_seq;
ALTER TABLE booked_time DROP CONSTRAINT booked_time_no_overlap, DROP CONSTRAINT booked_time_lasts;
"""


class Migration(migrations.Migration):
    """The exclusion constraint on `booked_time`; `delivery`, partitioned by month like the other logs."""

    dependencies = [("store", "0005_bookings_made_here")]

    operations = [
        migrations.RunSQL(NO_OVERLAP + DELIVERIES + PARTITIONS + "SELECT instep_make_partitions(3);", UNDO)
    ]
