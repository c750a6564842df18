"""The partitioned, append-only tables, and what keeps them so."""

from __future__ import annotations

from django.db import migrations

TABLES = """
CREATE SEQUENCE transition_id_seq;
CREATE TABLE transition (
    id bigint NOT NULL DEFAULT nextval('transition_id_seq'),
    account_id bigint NOT NULL,
    booking_id bigint NOT NULL,
    kind text NOT NULL,
    at timestamptz NOT NULL,
    by text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT '',
    status text NOT NULL,
    start_at timestamptz,
    host_id bigint,
    fact_id bigint,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, recorded_at, id)
) PARTITION BY RANGE (recorded_at);
CREATE INDEX transition_booking ON transition (account_id, booking_id, at);
CREATE TABLE transition_default PARTITION OF transition DEFAULT;

CREATE SEQUENCE receipt_id_seq;
CREATE TABLE receipt (
    id bigint NOT NULL DEFAULT nextval('receipt_id_seq'),
    account_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    kind text NOT NULL,
    target_id bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    drain_id text NOT NULL DEFAULT '',
    outcome text NOT NULL,
    calls integer NOT NULL DEFAULT 0,
    ms integer NOT NULL DEFAULT 0,
    document jsonb NOT NULL,
    PRIMARY KEY (account_id, at, id)
) PARTITION BY RANGE (at);
CREATE INDEX receipt_target ON receipt (account_id, kind, target_id, at);
CREATE TABLE receipt_default PARTITION OF receipt DEFAULT;
"""

# The last statement of every migration run and of a daily job. A month whose rows already fell into the
# default partition cannot be cut out of it any more: it stays there, which costs speed and nothing else.
PARTITIONS = """
CREATE FUNCTION instep_make_partitions(ahead integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    month timestamptz;
    partition text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('instep_make_partitions', 0));
    FOREACH parent IN ARRAY ARRAY['transition', 'receipt'] LOOP
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
SELECT instep_make_partitions(3);
"""

APPEND_ONLY = """
CREATE FUNCTION instep_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The log % is only ever added to.', TG_TABLE_NAME;
END $$;
CREATE TRIGGER transition_append_only BEFORE UPDATE OR DELETE ON transition
    FOR EACH ROW EXECUTE FUNCTION instep_append_only();
"""

UNDO = """
DROP TABLE transition, receipt;
DROP SEQUENCE transition_id_seq, receipt_id_seq;
DROP FUNCTION instep_append_only, instep_make_partitions;
"""


class Migration(migrations.Migration):
    """`transition` and `receipt`, partitioned by month, with the function that makes new months."""

    dependencies = [("store", "0001_initial")]

    operations = [migrations.RunSQL(TABLES + PARTITIONS + APPEND_ONLY, UNDO)]
