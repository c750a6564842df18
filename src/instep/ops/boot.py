"""From nothing to a running Django, in three steps of which each process takes as many as it needs.

load              settings                                                    (instep.ops.settings)
database_ready    + logs, the environment, a share in the embedded PostgreSQL
boot              + Django, and the migrations where asked for
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from instep.ops import logs
from instep.ops.embedded_pg import Server, ensure_running
from instep.ops.settings import EMBEDDED_URL_VARIABLE, Settings, load

DJANGO_SETTINGS = "instep.ops.django_settings"

#: The advisory lock that migrations are run under; any number, but the same in every version.
MIGRATION_LOCK = 0x1457E9


@frozen
class Booted:
    """A process that is ready to work: its settings, and its share in the embedded PostgreSQL, if any."""

    settings: Settings
    server: Server | None


@contextmanager
def database_ready(home: Path | None = None, *, serving: bool = False) -> Iterator[Booted]:
    """Read the settings, begin to log, and have a database, for this process and those that it starts.

    What goes on serving logs what it does; a command that answers and ends says no more than its answer.
    Raises `InputError` for settings and `NeedsAdmin` for a PostgreSQL that cannot be used.
    """
    settings = load(home)
    logs.configure(settings.log_format, settings.log_level or ("info" if serving else "warning"))
    os.environ["INSTEP_HOME"] = str(settings.home)
    if settings.database_url is not None:
        yield Booted(settings, None)
        return
    with ensure_running(settings.home) as server:
        os.environ[EMBEDDED_URL_VARIABLE] = server.dsn
        yield Booted(settings.model_copy(update={"embedded_url": server.dsn}), server)


@contextmanager
def boot(home: Path | None = None, *, migrate: bool = False, serving: bool = False) -> Iterator[Booted]:
    """Make this process ready for Django's models; with `migrate` the schema is brought up to date first.

    Several processes may migrate at once. Raises as `database_ready` does.
    """
    with database_ready(home, serving=serving) as booted:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", DJANGO_SETTINGS)
        import django
        from django.db import connections

        django.setup()
        try:
            if migrate or booted.settings.migrate_at_start:
                run_migrations()
            yield booted
        finally:
            connections.close_all()


def run_migrations() -> None:
    """Bring the schema up to date under a lock, then let the planner look at the new tables."""
    from django.core.management import call_command
    from django.db import connection

    try:
        with connection.cursor() as cursor:
            # Held by the session: a process that dies in the middle lets go of it.
            cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
            if _has_open_migrations():
                call_command("migrate", interactive=False, verbosity=0)
                cursor.execute("ANALYZE")
    finally:
        connection.close()


def _has_open_migrations() -> bool:
    """Ask before migrating: a start with nothing to do should not pay for Django's signals and `ANALYZE`."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
