"""Real `instep` processes for tests: a home, its database, and the command line run as a user would."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from instep.ops.embedded_pg import DATABASE, ROLE, SUPERUSER, Server

INSTEP = Path(sys.executable).with_name("instep")
TEMPLATE = "instep_template"
#: limits end what hangs, they measure nothing: a busy machine may take this many times as long
PATIENCE = 6


class Template:
    """The migrated database that each home gets a copy of; made once per test run, by whoever comes first."""

    def __init__(self, server: Server, run_folder: Path) -> None:
        self._server = server
        with (run_folder / "template.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = run_folder / "template.done"
            if not done.exists():
                self._execute("CREATE DATABASE {}", TEMPLATE)
                environment = _environment(run_folder / "home", server.url_of(TEMPLATE))
                subprocess.run([INSTEP, "migrate"], env=environment, check=True, timeout=600)
                done.touch()

    def copy(self) -> str:
        """Make a fresh copy; returns its libpq URL."""
        name = f"home_{uuid.uuid4().hex[:12]}"
        self._execute("CREATE DATABASE {} TEMPLATE {}", name, TEMPLATE)
        return self._server.url_of(name)

    def drop(self, url: str) -> None:
        """Remove a copy, with whatever is still connected to it."""
        name = str(conninfo_to_dict(url)["dbname"])
        # Autovacuum may be at work in it, as the superuser: nobody else can send that away.
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name, role=SUPERUSER)

    def _execute(self, statement: str, *names: str, role: str = ROLE) -> None:
        with psycopg.connect(self._server.url_of(DATABASE, role), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))  # type: ignore[arg-type]


class InstepHome:
    """A home folder with a database of its own. `run` waits for a command, `spawn` lets it go on."""

    command = INSTEP

    def __init__(self, path: Path, database_url: str | None) -> None:
        self.path = path
        self.database_url = database_url or ""
        self.env = _environment(path, database_url)
        self._spawned: list[subprocess.Popen[str]] = []

    def run(
        self, *arguments: str, check: bool = True, timeout: float = 60, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `instep ARGUMENTS` to its end; with `check` a bad exit shows what the command said."""
        try:
            done = subprocess.run(
                [INSTEP, *arguments],
                env=self.env, input=stdin, capture_output=True, text=True, timeout=PATIENCE * timeout, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as late:
            said = (late.stderr or b"")[-6000:].decode(errors="replace")
            raise AssertionError(
                f"instep {' '.join(arguments)}: not done after {PATIENCE * timeout:.0f} s\n{said}"
            ) from None
        if check and done.returncode != 0:
            raise AssertionError(
                f"instep {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done

    def json(self, *arguments: str, **options: Any) -> Any:
        """Run a command with `--json` and return what it printed."""
        return json.loads(self.run(*arguments, "--json", **options).stdout)

    def spawn(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start `instep ARGUMENTS` in its own process group; its output goes to `HOME/<command>-<n>.log`."""
        log = self.path / f"{arguments[0]}-{len(self._spawned)}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [INSTEP, *arguments],
                env=self.env | variables,
                stdout=output, stderr=subprocess.STDOUT, text=True, start_new_session=True,
            )  # fmt: skip
        process.log = log  # type: ignore[attr-defined]
        self._spawned.append(process)
        return process

    def stop_all(self) -> None:
        """End everything that `spawn` started: politely, and after ten seconds by force."""
        running = [process for process in self._spawned if process.poll() is None]
        for process in running:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _environment(home: Path, database_url: str | None) -> dict[str, str]:
    """The environment of a user who set nothing but the home and, where given, the database."""
    dropped = ("INSTEP_", "DJANGO_", "DATABASE_URL", "PYTEST_")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    environment["INSTEP_HOME"] = str(home)
    if database_url:
        environment["DATABASE_URL"] = database_url
    return environment


def remove_state(home: Path) -> None:
    """Delete the database of a home that a test made."""
    shutil.rmtree(json.loads((home / "postgres.json").read_text())["state"], ignore_errors=True)
