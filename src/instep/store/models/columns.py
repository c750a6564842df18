"""The columns and constraints that the tables share."""

from __future__ import annotations

import secrets
from functools import partial

from django.db import models
from django.db.models import Q


def public_id(prefix: str) -> str:
    """A new id that nobody can guess, for addresses, other systems and people."""
    return f"{prefix}-{secrets.token_hex(10).upper()}"


def tenant() -> models.ForeignKey:  # type: ignore[type-arg]
    # no index of its own: every index of the table begins with it
    return models.ForeignKey("store.Account", models.CASCADE, db_index=False)


def unguessable(prefix: str) -> models.TextField:  # type: ignore[type-arg]
    return models.TextField(default=partial(public_id, prefix), editable=False)


def text() -> models.TextField:  # type: ignore[type-arg]
    return models.TextField(blank=True, default="", db_default="")


def json() -> models.JSONField:  # type: ignore[type-arg]
    return models.JSONField(default=dict, db_default={}, blank=True)


def unique(name: str, *fields: str, when: Q | None = None) -> models.UniqueConstraint:
    return models.UniqueConstraint(fields=("account", *fields), name=name, condition=when)
