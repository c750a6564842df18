"""An account with CRM connections, and a way to record events for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from oncehub_events import NOON

if TYPE_CHECKING:
    from instep.bookings.record import Recorded
    from instep.store.models import Account, Connection


@pytest.fixture
def account(db: None) -> Account:
    from instep.store.models import Account

    return Account.objects.create(name="Acme")


@pytest.fixture
def lanes(account: Account) -> list[Connection]:
    """Two lanes; a third one is disabled and never marked."""
    from instep.store.models import Connection

    return [
        Connection.objects.create(
            account=account, vendor="salesforce", url="https://crm.example", org_id=org, state=state
        )
        for org, state in (("00D1", "connected"), ("00D2", "reconnect"), ("00D3", "disabled"))
    ]


@pytest.fixture
def recorded(account: Account) -> Callable[..., Recorded]:
    """Record events of OnceHub for the account."""
    from instep.bookings.record import record

    def run(*events: bytes, now: datetime = NOON) -> Recorded:
        return record(account.id, events, "oncehub", now)

    return run
