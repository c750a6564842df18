"""The same work in a transaction, again when another transaction was in its way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import psycopg
from django.db import OperationalError, transaction
from django.db.utils import IntegrityError

MOST = 4

T = TypeVar("T")


class Outdated(Exception):
    """What was read before the locks were held is no longer true: the work has to start again."""


def in_transaction(work: Callable[[], T]) -> T:
    """Do the work in one transaction; done again, from its beginning, when it succeeds only then."""
    for attempt in range(1, MOST + 1):
        try:
            with transaction.atomic():
                return work()
        except (OperationalError, IntegrityError, Outdated) as error:
            if attempt == MOST or not _passing(error):
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def _passing(error: Exception) -> bool:
    """Whether another transaction was in the way: then the same work succeeds when it is done again."""
    return isinstance(error, Outdated) or isinstance(
        error.__cause__,
        psycopg.errors.DeadlockDetected
        | psycopg.errors.SerializationFailure
        | psycopg.errors.UniqueViolation,
    )
