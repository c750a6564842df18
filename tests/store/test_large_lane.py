"""What a batch of a large connection costs the database: as much as the batch, not as the connection."""

from __future__ import annotations

import pytest

from instep.store import item_queries
from instep.store.models import Account, Connection
from instep.store.statements import rows_of, run

ITEMS = 2000


@pytest.fixture
def lane(db: None) -> tuple[int, int]:
    """A connection with many due bookings, of a tenant that PostgreSQL has not counted yet."""
    account = Account.objects.create()
    made = Connection.objects.create(account=account, vendor="salesforce", url="x", org_id="00D1")
    run("ANALYZE sync_item")
    run(
        """INSERT INTO sync_item (account_id, connection_id, kind, target_id, person_key, wanted, due_at, marked_at)
           SELECT %s, %s, 'booking', n, n, 1, now(), now() FROM generate_series(1, %s) AS n""",
        [account.id, made.id, ITEMS],
    )
    return account.id, made.id


def _fetched() -> int:
    """Rows of items that this transaction has looked at so far."""
    counted = (
        "SELECT seq_tup_read + idx_tup_fetch AS n FROM pg_stat_xact_user_tables WHERE relname = 'sync_item'"
    )
    return int(rows_of(counted)[0]["n"])


def test_a_batch_looks_at_its_own_items(lane: tuple[int, int]) -> None:
    before = _fetched()
    rows = item_queries.due_items(*lane, 10)
    assert len(rows) == 10
    assert item_queries.mark_sent(*lane, 0, [row["id"] for row in rows])
    assert _fetched() - before < ITEMS / 10
