"""A house: real `instep` processes on a database of their own, connected to an org that this test orders about."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Any

import psycopg
from attrs import define, field

from faults.scene import Fake, eventually
from instep_process import InstepHome

#: the engine's patience for processes, which read it from their environment
_IMPATIENT = {"INSTEP_ENGINE_BACKOFF": "0.2", "INSTEP_ENGINE_VERIFY_AFTER": "1"}


@define
class House:
    """One home with one connection. Workers are started, stopped, woken and killed by a test."""

    home: InstepHome
    fake: Fake
    told: list[bytes] = field(factory=list)

    def connect(self) -> None:
        self.home.env |= _IMPATIENT
        self.home.run("connect", *self.fake.connect_arguments(), "--install")

    def tell(self, *events: bytes) -> None:
        """Ingest events by the command line."""
        self.told += events
        self.home.run("ingest", "oncehub", "-", stdin="\n".join(event.decode() for event in events))

    def worker(self) -> subprocess.Popen[str]:
        return self.home.spawn("worker")

    def asked(self, sql: str) -> Any:
        """One value out of the home's database."""
        with psycopg.connect(self.home.database_url) as connection:
            row = connection.execute(sql).fetchone()
        assert row is not None
        return row[0]

    def until_settled(self, seconds: float = 300) -> None:
        """Wait until the workers have nothing left to do."""
        soon = "SELECT count(*) FROM sync_item WHERE due_at < now() + interval '1 minute'"
        eventually(lambda: self.asked(soon) == 0, "the workers have nothing left to do", seconds)

    def assert_in_step(self) -> None:
        """The whole CRM is what the bookings say it is."""
        assert self.fake.differences(self.told, ()) == []


def kill(process: subprocess.Popen[str]) -> None:
    """kill -9: no handler runs, nothing is tidied up."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def pause(process: subprocess.Popen[str]) -> None:
    """Stop a process and all it started, in the middle of whatever they do."""
    os.killpg(process.pid, signal.SIGSTOP)


def wake(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGCONT)


def log_of(process: subprocess.Popen[str]) -> str:
    return str(process.log.read_text())  # type: ignore[attr-defined]
