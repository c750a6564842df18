"""From a libpq URL to what Django wants to know about its database."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from instep.core.errors import InputError

#: seconds that a transaction may wait for its process: of one that was stopped in the middle, others wait for its locks
IDLE_IN_TRANSACTION = 10


def django_database(dsn: str) -> dict[str, Any]:
    """Django's DATABASES entry for a libpq URL (or key=value string); unknown parts stay libpq's own options.

    Connections are kept per thread for a minute of use and checked at the start of each request, so that a
    restarted PostgreSQL costs nobody an error page. A transaction whose process stands still for ten seconds is undone.
    """
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError as error:
        raise InputError(
            f"DATABASE_URL cannot be read: {str(error).strip()}.",
            cure="It should look like postgresql://user:password@host:5432/name",
        ) from None
    parts.setdefault("connect_timeout", 10)
    # what the address says comes later and wins
    idle = f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION}s"
    parts["options"] = f"{idle} {parts.get('options', '')}".strip()
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", None) or "instep",
        "USER": parts.pop("user", None) or "",
        "PASSWORD": parts.pop("password", None) or "",
        "HOST": parts.pop("host", None) or "",
        "PORT": str(parts.pop("port", None) or ""),
        "OPTIONS": parts,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
