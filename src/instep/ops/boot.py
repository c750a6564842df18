"""From nothing to a running Django: settings, logs, PostgreSQL, Django, migrations where asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from instep.ops import logs
from instep.ops.embedded_pg import Server, ensure_running
from instep.ops.settings import EMBEDDED_URL_VARIABLE, Settings, load

#: The advisory lock that migrations are run under; any number, but the same in every version.
MIGRATION_LOCK = 0x1457E9


@frozen
class Booted:
    """A process that is ready to work: its settings, and its share in the embedded PostgreSQL, if any."""

    settings: Settings
    server: Server | None


@contextmanager
def boot(home: Path | None = None, *, migrate: bool = False) -> Iterator[Booted]:
    """Make this process ready: afterwards Django's models can be used. Gives PostgreSQL back at the end.

    With `migrate` the schema is brought up to date first; several processes may do so at once.
    Raises `InputError` for settings and `NeedsAdmin` for a database that cannot be used.
    """
    settings = load(home)
    logs.configure(settings.log_format, settings.log_level)
    os.environ["INSTEP_HOME"] = str(settings.home)
    server = None
    if settings.database_url is None:
        server = ensure_running(settings.home)
        os.environ[EMBEDDED_URL_VARIABLE] = server.dsn
        settings = settings.model_copy(update={"embedded_url": server.dsn})
    try:
        _set_up_django()
        if migrate:
            run_migrations()
        yield Booted(settings, server)
    finally:
        if server is not None:
            _close_connections()
            server.release()


def _set_up_django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instep.ops.django_settings")
    import django

    django.setup()


def _close_connections() -> None:
    from django.db import connections

    connections.close_all()


def run_migrations() -> None:
    """Bring the schema up to date under a lock, then let the planner look at the new tables."""
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        try:
            call_command("migrate", interactive=False, verbosity=0)
            cursor.execute("ANALYZE")
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])
