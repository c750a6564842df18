"""Health: alive without a database; ready only with our whole schema."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.test import Client

from instep.api import health


def test_alive_answers_without_asking_the_database(client: Client) -> None:
    """pytest-django refuses every query of a test that does not ask for the database."""
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_ready_tells_how_many_workers_beat(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "migrations": "applied", "workers": 0}


@pytest.mark.django_db
def test_not_ready_while_migrations_are_missing_and_ready_once_they_ran(client: Client) -> None:
    health._schema_seen.cache_clear()
    with patch.object(health.MigrationExecutor, "migration_plan", return_value=["0002_more"]):
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "MIGRATIONS")
    assert "instep migrate" in answer.json()["error"]["message"]
    assert client.get("/readyz").status_code == 200


def test_not_ready_without_a_database_and_tells_strangers_nothing_of_it(client: Client) -> None:
    """Whoever may ask here must not learn the database's address and user from its own words."""
    refused = OperationalError('connection to server at "10.0.0.7" failed for user "instep"')
    with patch.object(health, "_check_schema", side_effect=refused):
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "DATABASE")
    assert "does not answer" in answer.json()["error"]["message"]
    assert "10.0.0.7" not in answer.content.decode()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_only_reads_are_answered(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405
