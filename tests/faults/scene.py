"""A scene: one org to order faults from, one account connected to it, and drains that a test runs by hand."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import httpx2
from attrs import define, evolve, field

from faults.lives import Life
from faults.oracle import CRM, Person, crm_of, differences, expected
from instep.bookings.record import Recorded, record
from instep.core.config_document import to_document
from instep.engine.connecting import connect
from instep.engine.drain import Drained, drain
from instep.engine.lane import apply_config, load_config
from instep.engine.policy import Policy
from instep.store import item_queries, lane_queries
from instep.store.models import Account
from instep_standins.salesforce.server import Running

#: patience cut down to what a test can wait for
FAST = Policy(
    time_slice=20, backoff=0.05, backoff_max=0.2, quota_probe=0.3, verify_after=0.2, admin_retry=3600
)
DEADLINE = 240.0
_POLL = 0.01


def eventually(test: Callable[[], Any], what: str, seconds: float = DEADLINE) -> None:
    """Wait until something holds; fail by name when it never does."""
    end = time.monotonic() + seconds
    while not test():
        assert time.monotonic() < end, f"it never happened: {what}"
        time.sleep(_POLL)


@define
class Fake:
    """The org's own side of things: faults to order, records as stored, people who edit them."""

    running: Running
    http: httpx2.Client
    vendor = "salesforce"

    def order(self, method: str, name: str, body: Any = None) -> Any:
        answer = self.http.request(method, f"{self.running.base_url}/__fake__/{name}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def arm(self, kind: str, match: dict[str, Any] | None = None, **more: Any) -> None:
        """Order a fault, as the org's admin endpoint takes it."""
        self.order("POST", "faults", {"kind": kind, "match": match or {}, **more})

    def disarm(self) -> None:
        self.order("DELETE", "faults")

    def drawn(self) -> int:
        """How often the ordered faults have struck: a test that waits for none has tested nothing."""
        return sum(fault["drawn"] for fault in self.order("GET", "faults")["faults"])

    def records(self) -> dict[str, list[dict[str, Any]]]:
        return dict(self.order("GET", "records"))

    def seed(self, object_name: str, **fields: Any) -> str:
        """A record that was there before us; its id."""
        return str(self.order("POST", "records", {"object": object_name, "fields": fields})["Id"])

    def edit(self, object_name: str, record_id: str, **fields: Any) -> None:
        """A human's edit."""
        self.order("PATCH", "records", {"object": object_name, "id": record_id, "fields": fields})

    def delete(self, object_name: str, record_id: str) -> None:
        """A human's deletion."""
        self.order("DELETE", "records", {"object": object_name, "id": record_id})

    def settings(self, **values: Any) -> dict[str, Any]:
        return dict(self.order("POST", "settings", values))

    def calls(self) -> int:
        """Calls that the org has counted against its limit."""
        return int(self.order("GET", "calls")["counted"])

    def journal(self) -> list[dict[str, Any]]:
        return list(self.order("GET", "journal"))

    def entered(self) -> dict[str, str]:
        """What an admin types in to connect this org."""
        return {
            "url": self.running.base_url,
            "client_id": self.running.org.client_id,
            "client_secret": self.running.org.client_secret,
            "grant": "client_credentials",
        }

    def connect_arguments(self) -> tuple[str, ...]:
        """What `instep connect` is told to connect this org."""
        entered = self.entered()
        names = {"--url": "url", "--client-id": "client_id", "--client-secret": "client_secret"}
        return ("salesforce", *(part for option, key in names.items() for part in (option, entered[key])))

    def crm(self) -> CRM:
        """The whole CRM, as it is compared."""
        return crm_of(self.records())

    def differences(self, told: Iterable[bytes], known: Iterable[Person], **rules: Any) -> list[str]:
        """In what the whole CRM differs from what these events say, in words."""
        return differences(self.crm(), expected(told, known, **rules))


@define
class Scene:
    """One account with one connection. Everything it was told is remembered for the comparison."""

    fake: Fake
    account_id: int
    connection_id: int
    policy: Policy = FAST
    told: list[bytes] = field(factory=list)

    # -- what comes in --

    def tell(self, *events: bytes) -> Recorded:
        """Hand over events, all in one delivery."""
        self.told += events
        return record(self.account_id, events, "oncehub", datetime.now(UTC))

    def tell_each(self, events: Iterable[bytes]) -> None:
        """Hand over events one by one, in this order."""
        for event in events:
            self.tell(event)

    def configure(self, **values: Any) -> None:
        """Change the connection's configuration, as `config apply` does."""
        document = to_document(evolve(load_config(self.lane()), **values))
        apply_config(self.account_id, self.lane(), document)
        self.fake.order("POST", "journal/clear")

    # -- what goes out --

    def drain(self) -> Drained:
        return drain(self.account_id, self.connection_id, self.policy)

    def patient(self, **changes: Any) -> None:
        """Change the engine's patience for this scene."""
        self.policy = evolve(self.policy, **changes)

    def pending(self) -> int:
        """Items that are due within a minute: what has to be waited for."""
        return self.count("due_at < now() + interval '1 minute'")

    def until_settled(self, seconds: float = DEADLINE) -> None:
        """Drain until nothing is due and nothing will be soon: retries and second looks are over."""
        end = time.monotonic() + seconds
        while self.pending():
            assert time.monotonic() < end, f"still waiting: {self.problems()} {self.lane()['hold_reason']}"
            if not self.drain().batches:
                time.sleep(_POLL)

    def hurry(self) -> None:
        """Have everything that waits tried now."""
        self.rows("UPDATE sync_item SET due_at = now() WHERE due_at IS NOT NULL RETURNING id")

    # -- what is there --

    def lane(self) -> dict[str, Any]:
        row = lane_queries.connection_by_id(self.account_id, self.connection_id)
        assert row is not None
        return row

    def hold_left(self) -> float:
        """Seconds until the lane goes on; 0 when it is not held."""
        until = self.lane()["held_until"]
        return 0.0 if until is None else max(0.0, (until - datetime.now(UTC)).total_seconds())

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            return list(cursor.fetchall())

    def count(self, where: str, *params: Any) -> int:
        """Items of the lane that satisfy a condition."""
        return int(
            self.rows(
                f"SELECT count(*) FROM sync_item WHERE account_id = %s AND connection_id = %s AND {where}",
                self.account_id,
                self.connection_id,
                *params,
            )[0][0]
        )

    def problems(self) -> list[dict[str, Any]]:
        return item_queries.problems(self.account_id)

    def alerts(self) -> list[str]:
        """Codes of every alert ever raised here, in order."""
        found = self.rows("SELECT code FROM alert WHERE account_id = %s ORDER BY id", self.account_id)
        return [code for (code,) in found]

    def receipts(self, life: Life) -> list[dict[str, Any]]:
        """The receipts of a booking, newest first."""
        key = self.rows(
            "SELECT id FROM booking WHERE account_id = %s AND source_id = %s", self.account_id, life.id
        )[0][0]
        return item_queries.receipts_of(self.account_id, "booking", key)

    def receipt_text(self, life: Life) -> str:
        """Everything that the receipts of a booking say."""
        return json.dumps([receipt["document"] for receipt in self.receipts(life)], ensure_ascii=False)

    def assert_in_step(self, *known: Person, **rules: Any) -> None:
        """The whole CRM is what the bookings say it is: nothing lost, nothing doubled, nothing stale."""
        assert self.fake.differences(self.told, known, **rules) == []


def new_scene(fake: Fake, account_id: int | None = None) -> Scene:
    """An account (a new one, unless one is given) connected to the org, with our fields installed there."""
    if account_id is None:
        account_id = Account.objects.create(name="Faults").id
    connected = connect(account_id, fake.vendor, fake.entered(), install=True)
    fake.order("POST", "journal/clear")
    return Scene(fake, account_id, connected.connection_id)
