"""The house of a bench: its database, its CRMs and its workers, all as processes of their own."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import psutil
from attrs import define, field, frozen

from instep.bench.bookings import lines
from instep.core.errors import NeedsAdmin
from instep.ops.embedded_pg import Server
from instep.ops.supervisor import Child, Supervisor, free_port, http_ready, instep_command

_READY_WITHIN = 180.0
_LOOK_EVERY = 0.02


@frozen
class Org:
    """A Salesforce stand-in in a process of its own: orders to it, and what it counted."""

    url: str
    client_id: str
    client_secret: str
    _pid: Callable[[], int | None] = field(repr=False)
    _http: httpx2.Client = field(repr=False)

    @property
    def entered(self) -> dict[str, str]:
        """What an admin enters to connect it."""
        return {"url": self.url, "client_id": self.client_id, "client_secret": self.client_secret}

    @property
    def vendor(self) -> str:
        """Which CRM it plays."""
        return "salesforce"

    @property
    def _api(self) -> str:
        """Where its API is, as a pattern of paths."""
        return "^/services/data/"

    def order(self, what: str, body: Any = None, method: str = "POST") -> Any:
        """Give the org an order at its admin endpoint."""
        answer = self._http.request(method, f"{self.url}/__fake__/{what}", json=body)
        answer.raise_for_status()
        return answer.json()

    def take(self, milliseconds: int) -> None:
        """Let every API call take this long from now on."""
        self.order("faults", method="DELETE")
        if milliseconds:
            everything = {"path": self._api}
            self.order("faults", {"kind": "latency", "times": None, "match": everything, "ms": milliseconds})

    @property
    def calls(self) -> int:
        """API calls that count against the org's daily limit, since the journal was cleared."""
        return int(self.order("calls", method="GET")["counted"])

    def count(self, name: str) -> int:
        """How many records of an object there are."""
        return len(self.order(f"records?object={name}", method="GET")[name])

    @property
    def cpu(self) -> float:
        """CPU seconds of its process so far."""
        return cpu_of(self._pid())


@frozen
class Portal(Org):
    """A HubSpot stand-in; its secret is the static token."""

    @property
    def entered(self) -> dict[str, str]:
        """What an admin enters to connect it."""
        return {"url": self.url, "token": self.client_secret}

    @property
    def vendor(self) -> str:
        """Which CRM it plays."""
        return "hubspot"

    @property
    def _api(self) -> str:
        return "^/crm/"


@define
class House:
    """A home with one account, and whatever a bench starts in it."""

    home: Path
    account_id: int
    server: Server | None
    log: Any

    @contextmanager
    def org(self, name: str = "salesforce") -> Iterator[Org]:
        """Start a stand-in; it ends with the block."""
        port, client_id, client_secret = free_port(), secrets.token_hex(16), secrets.token_hex(24)
        child = Child(
            name,
            instep_command("standin", "salesforce", "--quiet", "--port", str(port)),
            {"INSTEP_STANDIN_CLIENT_ID": client_id, "INSTEP_STANDIN_CLIENT_SECRET": client_secret},
            ready=http_ready(port, "/"),
        )
        with self._running([child]) as supervisor, httpx2.Client(timeout=60, trust_env=False) as http:
            org = Org(
                f"http://127.0.0.1:{port}", client_id, client_secret, lambda: supervisor.pid_of(name), http
            )
            org.order("settings", {"apiMax": 10_000_000})
            yield org

    @contextmanager
    def portal(self) -> Iterator[Portal]:
        """Start a HubSpot stand-in; it ends with the block."""
        port, token = free_port(), secrets.token_hex(24)
        child = Child(
            "hubspot",
            instep_command("standin", "hubspot", "--quiet", "--port", str(port)),
            {"INSTEP_STANDIN_TOKEN": token},
            ready=http_ready(port, "/"),
        )
        with self._running([child]) as supervisor, httpx2.Client(timeout=60, trust_env=False) as http:
            url = f"http://127.0.0.1:{port}"
            yield Portal(url, "", token, lambda: supervisor.pid_of("hubspot"), http)

    @contextmanager
    def workers(self, count: int = 2, concurrency: int = 8) -> Iterator[Workers]:
        """Start worker processes; they end with the block."""
        from instep.engine.recover import workers_beating

        names = [f"worker-{n}" for n in range(1, count + 1)]
        command = instep_command("worker", "--concurrency", str(concurrency))
        with self._running([Child(name, command) for name in names]) as supervisor:
            until(lambda: workers_beating() >= count, "the workers beat", _READY_WITHIN)
            yield Workers(supervisor, names)

    @contextmanager
    def process(self, name: str, command: Sequence[str], ready: Callable[[], bool]) -> Iterator[Supervisor]:
        """Start any other process; it ends with the block."""
        with self._running([Child(name, command, ready=ready)]) as supervisor:
            yield supervisor

    @contextmanager
    def _running(self, children: list[Child]) -> Iterator[Supervisor]:
        with Supervisor(children, log_format="json", output=self.log) as supervisor:
            supervisor.wait_until_ready(_READY_WITHIN)
            yield supervisor

    @property
    def postgres_cpu(self) -> float:
        """CPU seconds of the embedded PostgreSQL with its finished backends; 0 for one that is not ours."""
        return cpu_of(self.server.pid) if self.server is not None else 0.0

    def record(self, events: list[dict[str, Any]], account_id: int | None = None) -> float:
        """Record bookings in one transaction; the time when it was committed."""
        from instep.bookings.record import record

        recorded = record(account_id or self.account_id, lines(events), "oncehub", datetime.now(UTC))
        at = time.time()
        if recorded.accepted != len(events):
            raise AssertionError(f"{len(events)} events were told, {recorded.accepted} were taken")
        return at

    def is_idle(self) -> bool:
        """Whether no job waits or runs."""
        return bool(self.one("SELECT count(*) FROM procrastinate_jobs") == 0)

    def until_in_step(self, seconds: float, account_id: int | None = None) -> float:
        """Wait until nothing waits; the time when the last item was in step."""
        account = account_id or self.account_id

        def settled() -> bool:
            return (
                self.one("SELECT count(*) FROM sync_item WHERE account_id = %s AND done < wanted", account)
                == 0
            )

        until(settled, "all bookings are in the CRM", seconds)
        last = "SELECT extract(epoch FROM max(in_step_at))::float FROM sync_item WHERE account_id = %s"
        return float(self.one(last, account))

    def one(self, sql: str, *parameters: Any) -> Any:
        """One value from the database."""
        from instep.store.statements import rows_of

        return next(iter(rows_of(sql, parameters)[0].values()))

    def problems(self) -> list[dict[str, Any]]:
        """What could not be written: a bench that meets any has measured nothing."""
        from instep.store.statements import rows_of

        return rows_of(
            "SELECT DISTINCT error_code, error_message FROM sync_item WHERE error_class <> '' LIMIT 3"
        )


@frozen
class Workers:
    """Running worker processes."""

    supervisor: Supervisor
    names: list[str]

    @property
    def cpu(self) -> float:
        """CPU seconds of all of them so far."""
        return sum(cpu_of(self.supervisor.pid_of(name)) for name in self.names)


def cpu_of(pid: int | None) -> float:
    """CPU seconds of a process, of its children, and of children that it has outlived; 0 where it is gone."""
    if pid is None:
        return 0.0
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    total = 0.0
    for member in family:
        try:
            times = member.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
        # what a finished child used is counted by its parent
        total += times.children_user + times.children_system
    return total


def until(condition: Callable[[], bool], what: str, seconds: float, every: float = _LOOK_EVERY) -> None:
    """Wait for a condition, looking every so many seconds. Raises `NeedsAdmin` when it does not come true in time."""
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            raise NeedsAdmin(
                f"The bench gave up: after {seconds:.0f} s it is not so that {what}.",
                cure="Run it on a quieter machine, or with --quick.",
                code="BENCH",
            )
        time.sleep(every)
