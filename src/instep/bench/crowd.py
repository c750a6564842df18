"""A thousand connections with ten due bookings each: what two workers carry when everybody wants something."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

import httpx2
from attrs import asdict, frozen

from instep.bench.bookings import scheduled
from instep.bench.house import House, until
from instep.crm.oauth import CLIENT_CREDENTIALS, Tokens
from instep.ops.supervisor import free_port, http_ready

#: lanes that a worker of this line drains at once; most of the time of each is waiting for the CRM
CONCURRENCY = 16


@frozen
class Crowd:
    """What came of it: bookings per second, seconds, calls and CPU seconds by who used them."""

    bookings: int
    seconds: float
    calls: int
    worker_cpu: float
    answerer_cpu: float
    postgres_cpu: float

    @property
    def per_second(self) -> float:
        """Bookings that reached their CRM in a second."""
        return self.bookings / self.seconds


def run(house: House, template: int, connections: int, due: int, milliseconds: int) -> Crowd:
    """Make the connections, record their bookings while the lanes are held, let go, and measure to the last one."""
    port = free_port()
    command = (sys.executable, "-m", "instep.bench.answerer", str(port), str(milliseconds))
    url = f"http://127.0.0.1:{port}"
    with house.process("answerer", command, http_ready(port, "/")) as answerer:
        accounts = _connections(house, template, url, connections)
        for n, account in enumerate(accounts):
            house.record([scheduled(number, f"C{n:04d}") for number in range(due)], account)
        with house.workers(2, CONCURRENCY) as workers:
            until(
                lambda: house.one("SELECT count(*) FROM procrastinate_jobs") == 0, "the workers are idle", 120
            )
            from instep.bench.house import cpu_of

            pid = answerer.pid_of("answerer")
            before = (workers.cpu, cpu_of(pid), house.postgres_cpu)
            began = _let_go(house)
            left = "SELECT count(*) FROM sync_item WHERE account_id > %s AND done < wanted"
            # counting costs the database as well; when it was done the items themselves say
            until(lambda: house.one(left, house.account_id) == 0, "all bookings are written", 600, every=2.0)
            after = (workers.cpu, cpu_of(pid), house.postgres_cpu)
        last = "SELECT extract(epoch FROM max(in_step_at))::float FROM sync_item WHERE account_id > %s"
        seconds = float(house.one(last, house.account_id)) - began
        told = httpx2.get(url, trust_env=False).json()
    if told["written"] != {"Lead": connections * due, "Event": connections * due}:
        raise AssertionError(f"the answerer was sent {told['written']} of {connections * due} bookings")
    used = (b - a for a, b in zip(before, after, strict=True))
    return Crowd(connections * due, seconds, told["calls"], *used)


def _connections(house: House, template: int, url: str, count: int) -> list[int]:
    """Accounts with a connection each, as if all had been connected; their describes are the template's."""
    from instep.store import credentials
    from instep.store.models import Account, Connection

    kept = {
        "url": url,
        "client_id": "bench",
        "client_secret": "bench",
        "grant": CLIENT_CREDENTIALS,
        "allow": [],
    }
    first = Connection.objects.get(id=template)
    accounts = Account.objects.bulk_create([Account(name=f"Bench {n}") for n in range(count)])
    for n, account in enumerate(accounts):
        org_id = f"00D{n:012d}AAA"
        tokens = Tokens(
            "bench", instance_url=url, org_id=org_id, id_url=f"{url}/id/{org_id}/005", grant=kept["grant"]
        )
        credentials.keep_connection(
            account.id,
            first.vendor,
            org_id,
            name=account.name,
            url=url,
            credentials=kept,
            tokens=asdict(tokens),
            identity=first.identity,
            api_version=first.api_version,
        )
    _copy_describes(house, template)
    return [account.id for account in accounts]


def _copy_describes(house: House, template: int) -> None:
    """What a connection learns when it is made, copied to all; the lanes are held until all are ready."""
    from instep.store.statements import run

    run(
        """INSERT INTO crm_describe (account_id, connection_id, object, document, fetched_at)
           SELECT c.account_id, c.id, d.object, d.document, now() FROM crm_describe d, connection c
            WHERE d.connection_id = %s AND c.id <> d.connection_id""",
        [template],
    )
    run(
        """INSERT INTO crm_user (account_id, connection_id, crm_id, email_key, username, name, active)
           SELECT c.account_id, c.id, u.crm_id, u.email_key, u.username, u.name, u.active
             FROM crm_user u, connection c WHERE u.connection_id = %s AND c.id <> u.connection_id""",
        [template],
    )
    run(
        """UPDATE connection SET held_until = now() + interval '1 hour', users_refreshed_at = now()
            WHERE account_id > %s""",
        [house.account_id],
    )


def _let_go(house: House) -> float:
    """Release and wake every lane in one transaction; the time when it was committed."""
    from django.db import transaction

    from instep.store.statements import rows_of, run

    # what the lines before have left behind is tidied now, not while this one is measured
    run("VACUUM ANALYZE")
    with transaction.atomic():
        run("UPDATE connection SET held_until = NULL WHERE account_id > %s", [house.account_id])
        rows_of("SELECT instep_wake(id) FROM connection WHERE account_id > %s", [house.account_id])
    return datetime.now(UTC).timestamp()


def document(crowd: Crowd) -> dict[str, Any]:
    """Where the CPU went, for the report."""
    return {
        "bookings": crowd.bookings,
        "seconds": round(crowd.seconds, 2),
        "calls": crowd.calls,
        "worker_cpu_seconds": round(crowd.worker_cpu, 2),
        "answerer_cpu_seconds": round(crowd.answerer_cpu, 2),
        "postgres_cpu_seconds": round(crowd.postgres_cpu, 2),
    }
