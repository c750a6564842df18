"""The list of users may be replaced while a batch that met one of them is saved: neither undoes the other."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from django.db import connection, transaction

from instep.store import memory_queries
from instep.store.models import Account, Connection
from instep.store.statements import rows_of

pytestmark = pytest.mark.django_db(transaction=True)


def user(crm_id: str) -> dict[str, Any]:
    return {
        "crm_id": crm_id, "email_key": f"{crm_id}@acme.example", "username": crm_id, "name": crm_id,
        "active": True, "licence": "",
    }  # fmt: skip


def test_saving_a_batch_and_replacing_the_users_do_not_lock_each_other_out() -> None:
    """Both keep users and note something on their connection: in one order, or the database ends one of them.

    The batch's receipt went with it: what was written in the CRM could be read nowhere.
    """
    account = Account.objects.create()
    lane = Connection.objects.create(account=account, vendor="salesforce", url="x", org_id="00D1")
    memory_queries.keep_users(account.id, lane.id, [user("005A"), user("005B")])
    failed: list[Exception] = []

    def replace() -> None:
        try:
            memory_queries.replace_users(account.id, lane.id, [user("005A")])
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    other = threading.Thread(target=replace)
    with transaction.atomic():
        # as `finish_batch`: the lane, then the users that its refusals and look-ups have shown
        Connection.objects.filter(id=lane.id).update(calls_total=1)
        other.start()
        _until_somebody_waits()
        memory_queries.keep_users(account.id, lane.id, [user("005B")])
    other.join(timeout=30)
    assert failed == []
    assert rows_of("SELECT crm_id FROM crm_user WHERE active ORDER BY crm_id", []) == [{"crm_id": "005A"}]


def _until_somebody_waits() -> None:
    # not `pg_stat_activity`: a transaction sees it as it was when it looked first
    waiting = "SELECT 1 AS n FROM pg_locks WHERE NOT granted"
    ends = time.monotonic() + 20
    while not rows_of(waiting, []):
        assert time.monotonic() < ends, "nobody waits for the lane"
        time.sleep(0.01)
