"""`/healthz`: the process lives. `/readyz`: it can do its work. For supervisors and load balancers."""

from __future__ import annotations

from functools import cache

import structlog
from django.contrib.auth.decorators import login_not_required
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from instep.core.errors import InstepError, NeedsAdmin, Retry
from instep.engine.recover import workers_beating

log = structlog.get_logger(__name__)


@require_safe
@login_not_required
@never_cache
def alive(request: HttpRequest) -> JsonResponse:
    """200 whenever this process answers; the database is not asked."""
    return JsonResponse({"status": "ok"})


@require_safe
@login_not_required
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """200 when the database answers and holds our schema, else 503 with the reason.

    A machine with pages and without a worker is ready too: how many workers beat is told, not demanded.
    """
    try:
        _check_schema()
        workers = workers_beating()
    except DatabaseError as error:
        # anybody may ask here, and the database's own words name its address and its user
        log.warning("readyz.database", error=str(error).strip())
        reason = Retry(
            "The database does not answer.",
            code="DATABASE",
            cure="The log says why. Check that PostgreSQL runs and that DATABASE_URL is right.",
        )
        return _not_ready(reason)
    except NeedsAdmin as error:
        return _not_ready(error)
    return JsonResponse({"status": "ok", "database": "ok", "migrations": "applied", "workers": workers})


def _not_ready(error: InstepError) -> JsonResponse:
    reason = {"code": error.code, "message": str(error)}
    return JsonResponse({"status": "unavailable", "error": reason}, status=503)


def _check_schema() -> None:
    """Raise `NeedsAdmin` while migrations are missing. Once they are there they stay: only a "no" asks again."""
    if not _schema_seen():
        _schema_seen.cache_clear()
        raise NeedsAdmin(
            "The database's schema is older than this Instep.",
            code="MIGRATIONS",
            cure="Run `instep migrate`.",
        )


@cache
def _schema_seen() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())
