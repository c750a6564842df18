"""The PostgreSQL that Instep brings along: started on first need, shared by all processes of one home.

    acquire   start.lock exclusive → users.lock shared, kept as long as the process lives → start or adopt
    release   start.lock exclusive → users.lock exclusive without waiting → got it: nobody else is left, stop

Locks die with their process, so a server that lost all its users to kill -9 is adopted by the next one.
Every user also watches the server and starts it again when it dies. Nothing listens on TCP: the only way in
is a socket in a folder for PostgreSQL's user and root alone, where `peer` asks the kernel who calls.
"""

from __future__ import annotations

import fcntl
import os
import select
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import quote

import psycopg
import structlog
from psycopg import sql

from instep.core.errors import InstepError
from instep.ops.pg_cluster import (
    ROLE,
    SUPERUSER,
    find_socket_folder,
    initialise,
    last_lines,
    open_log,
    read_pid_file,
    refuse_wrong_version,
    remove_short_socket_folder,
    remove_stale_locks,
    run_as,
    running_pid,
)
from instep.ops.pg_place import OWN_SERVER, Place, cannot_run, find_place, locked

DATABASE = "instep"

START_PATIENCE = 60.0
STOP_PATIENCE = 8
WATCH_INTERVAL = 0.2
WATCH_PAUSE = 5.0

log = structlog.get_logger(__name__)

#: Servers that we started and that others still use: held, so that Python does not complain about its child.
_left_running: list[subprocess.Popen[bytes]] = []

_OPTIONS = {
    "listen_addresses": "",
    "max_connections": "200",
    "unix_socket_permissions": "0700",
    "cluster_name": "instep",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Small transactions only: parallel workers would ask for shared memory, of which containers give 64 MB.
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
}


def ensure_running(home: Path) -> Server:
    """Start the PostgreSQL of `home`, or join the one that runs, and keep it alive until `Server.release()`.

    Takes about a second the first time (initdb) and a tenth of that afterwards. Raises `NeedsAdmin` when the
    home cannot be used (another user's, another major version, no system user) or PostgreSQL does not start.
    """
    place = find_place(home)
    server = Server(place)
    server.acquire()
    return server


def is_running(home: Path) -> bool:
    """True when a PostgreSQL of this home is up, whoever started it."""
    return running_pid(find_place(home)) is not None


class Server:
    """One process's share in the running PostgreSQL of a home; a context manager that ends in `release`."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._users: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_folder = Path()
        self._leaving = threading.Event()
        self._watcher: threading.Thread | None = None

    # --- what callers use ---

    @property
    def dsn(self) -> str:
        """The libpq URL of Instep's own database, through the socket."""
        return self.url_of(DATABASE)

    def url_of(self, database: str, role: str = ROLE) -> str:
        """The libpq URL of any database of this server."""
        return f"postgresql://{role}@/{quote(database)}?host={quote(str(self._socket_folder), safe='')}"

    def bin(self, name: str) -> Path:
        """The path of one of PostgreSQL's programs, of the server's own version."""
        return self.place.bin(name)

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        pid = running_pid(self.place)
        if pid is None:
            raise cannot_run(f"The PostgreSQL of {self.place.home} is not running.", f"See {self.place.log}.")
        return pid

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    # --- sharing ---

    def acquire(self) -> None:
        """Take a share: start or adopt the server and begin to watch it."""
        with locked(self.place.state / "start.lock"):
            users = os.open(self.place.state / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(users, fcntl.LOCK_SH)
            try:
                self._ensure_usable()
            except BaseException:
                os.close(users)
                raise
            self._users = users
        self._watcher = threading.Thread(target=self._watch, name="postgres-watch", daemon=True)
        self._watcher.start()

    def release(self) -> None:
        """Give the share back; the last one out stops the server. May be called twice."""
        if self._users is None:
            return
        self._leaving.set()
        if self._watcher is not None:
            self._watcher.join()
        with locked(self.place.state / "start.lock"):
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self._process is not None:
                    _left_running.append(self._process)
            else:
                self._stop()
            finally:
                os.close(self._users)
                self._users = None

    def _watch(self) -> None:
        """Start the server again when it dies. Every user watches; the lock lets one of them act."""
        while not self._leaving.is_set():
            pid = running_pid(self.place)
            if pid is not None:
                self._outlive(pid)
                continue
            try:
                with locked(self.place.state / "start.lock"):
                    if not self._leaving.is_set():
                        if running_pid(self.place) is None:
                            log.warning("postgres_died", home=str(self.place.home))
                        self._ensure_started()
            except (InstepError, OSError) as error:
                # A full disk may be emptied again: the watch goes on while this process needs the server.
                log.error("postgres_restart_failed", error=str(error))
                self._leaving.wait(WATCH_PAUSE)

    def _outlive(self, pid: int) -> None:
        """Return when this process has ended or we leave. Looking it up again and again would cost all the while."""
        try:
            handle = os.pidfd_open(pid)
        except (AttributeError, OSError):
            # no such handles here (macOS), or it ended a moment ago
            self._leaving.wait(WATCH_INTERVAL)
            return
        try:
            ended = select.poll()
            ended.register(handle, select.POLLIN)
            # asked once more: the number may have become a stranger's before the handle was held
            running = running_pid(self.place) == pid
            while running and not self._leaving.is_set() and not ended.poll(WATCH_INTERVAL * 1000):
                pass
        finally:
            os.close(handle)

    # --- starting and stopping, under start.lock ---

    def _ensure_usable(self) -> None:
        """Have a server that answers. One that was told to stop a moment ago still says that it is ready."""
        deadline = time.monotonic() + STOP_PATIENCE
        while True:
            self._ensure_started()
            try:
                self._ensure_database()
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    raise cannot_run(
                        f"The PostgreSQL of {self.place.home} runs, but lets nobody in: {error}",
                        f"See {self.place.log}.",
                    ) from None
                time.sleep(0.1)

    def _ensure_started(self) -> None:
        if not (self.place.data / "PG_VERSION").exists():
            initialise(self.place)
        refuse_wrong_version(self.place)
        self._reap()
        if not self._adopted():
            self._socket_folder = find_socket_folder(self.place)
            self._start()

    def _adopted(self) -> bool:
        """Join a server that runs already; False when there is none, or when it turned out to be stopping."""
        lines = read_pid_file(self.place)
        if running_pid(self.place) is None or len(lines) < 5:
            return False
        self._socket_folder = Path(lines[4])
        try:
            self._wait_until_ready(time.monotonic() + START_PATIENCE)
        except ChildProcessError:
            return False
        return True

    def _start(self) -> None:
        """Start PostgreSQL in a session of its own: Ctrl-C in a terminal must not reach it before us."""
        remove_stale_locks(self.place, self._socket_folder)
        deadline = time.monotonic() + START_PATIENCE
        options = {**_OPTIONS, "unix_socket_directories": str(self._socket_folder)}
        command = [str(self.place.bin("postgres")), "-D", str(self.place.data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        while True:
            with open_log(self.place) as output:
                self._process = run_as(self.place, command, output)
            try:
                self._wait_until_ready(deadline)
                return
            except ChildProcessError:
                # After kill -9 of the server its last backends may still be leaving: their memory is in use.
                if time.monotonic() > deadline or "still in use" not in last_lines(self.place.log):
                    raise cannot_run(
                        f"The PostgreSQL of {self.place.home} does not start: {last_lines(self.place.log)}",
                        f"See {self.place.log}. {OWN_SERVER}",
                    ) from None
                time.sleep(0.1)

    def _wait_until_ready(self, deadline: float) -> None:
        """Wait for PostgreSQL's own word in its pid file; recovery after a crash may take a while."""
        while time.monotonic() < deadline:
            lines = read_pid_file(self.place)
            if len(lines) >= 8 and lines[7] == "ready" and running_pid(self.place) is not None:
                return
            if self._process is not None and self._process.poll() is not None:
                self._process = None
                raise ChildProcessError
            if self._process is None and running_pid(self.place) is None:
                raise ChildProcessError
            time.sleep(0.01)
        raise cannot_run(
            f"The PostgreSQL of {self.place.home} is not ready after {START_PATIENCE:.0f} s.",
            f"See {self.place.log}; a long recovery may need another try.",
        )

    def _ensure_database(self) -> None:
        """Make our role and database; the role is no superuser: no SQL of ours can reach the machine."""
        with psycopg.connect(self.url_of("postgres", SUPERUSER), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(ROLE)))
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                make = sql.SQL("CREATE DATABASE {} OWNER {}")
                connection.execute(make.format(sql.Identifier(DATABASE), sql.Identifier(ROLE)))

    def _stop(self) -> None:
        for mode in ("fast", "immediate"):
            if running_pid(self.place) is None:
                break
            command = [str(self.place.bin("pg_ctl")), "stop", "-D", str(self.place.data), "-m", mode,
                       "-t", str(STOP_PATIENCE), "-s"]  # fmt: skip
            with open_log(self.place) as output:
                run_as(self.place, command, output).wait()
        if self._process is not None:
            # pg_ctl waits for the pid file to go, which is a moment before the process does.
            self._process.wait(STOP_PATIENCE)
            self._process = None
        remove_short_socket_folder(self.place)

    def _reap(self) -> None:
        """Collect our dead child; as a zombie it would still look alive to `kill(pid, 0)`."""
        if self._process is not None and self._process.poll() is not None:
            self._process = None
