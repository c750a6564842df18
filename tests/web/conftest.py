"""A signed-in reader, and an account with bookings in every state that a page shows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from oncehub_events import NOON

if TYPE_CHECKING:
    from django.test import Client

    from instep.store.models import Account, Connection, User
    from instep_standins.hubspot.server import Running as RunningPortal
    from instep_standins.salesforce.server import Running

PASSWORD = "correct horse battery"


@pytest.fixture
def account(db: None) -> Account:
    from instep.store.models import Account

    return Account.objects.create(name="Acme")


@pytest.fixture
def reader(account: Account) -> User:
    from instep.store.models import User

    return User.objects.create_user("ines@acme.example", PASSWORD, account)


@pytest.fixture
def client(reader: User, client: Client) -> Client:
    """A browser whose reader is signed in."""
    from django.core.cache import cache

    cache.clear()
    client.force_login(reader)
    return client


@pytest.fixture
def stranger(db: None) -> Client:
    """A browser that nobody signed in with."""
    from django.core.cache import cache
    from django.test import Client

    cache.clear()
    return Client()


@pytest.fixture
def lane(account: Account) -> Connection:
    from instep.store.models import Connection

    return Connection.objects.create(
        account=account, vendor="salesforce", name="Acme org", url="https://crm.example", org_id="00D1"
    )


@pytest.fixture
def recorded(account: Account) -> Callable[..., list[int]]:
    """Record events of OnceHub for the account; the keys of the bookings that changed."""
    from instep.bookings.record import record

    def run(*events: bytes, account_id: int = 0, now: datetime = NOON) -> list[int]:
        return list(record(account_id or account.id, events, "oncehub", now).changed)

    return run


@pytest.fixture
def keep_receipt(account: Account, lane: Connection) -> Callable[..., int]:
    """Keep a receipt of a booking; its id."""
    from instep.store.queries import rows

    def keep(
        booking: int,
        document: dict[str, Any],
        outcome: str = "done",
        at: datetime | None = None,
        lane: Connection = lane,
    ) -> int:
        found = rows(
            """INSERT INTO receipt (account_id, connection_id, kind, target_id, outcome, calls, ms, document, at)
               VALUES (%s, %s, 'booking', %s, %s, 2, 412, %s::jsonb, %s) RETURNING id""",
            [account.id, lane.id, booking, outcome, json.dumps(document), at or datetime.now(UTC)],
        )
        return int(found[0][0])

    return keep


@pytest.fixture
def org() -> Iterator[Running]:
    """A Salesforce stand-in on a port of its own: an org without our fields."""
    from instep_standins.salesforce import Org, serve_in_thread

    running = serve_in_thread(Org())
    yield running
    running.stop()


@pytest.fixture
def portal() -> Iterator[RunningPortal]:
    """A HubSpot stand-in on a port of its own: an account without our properties."""
    from instep_standins.hubspot import Portal
    from instep_standins.hubspot.server import serve_in_thread

    running = serve_in_thread(Portal())
    yield running
    running.stop()
