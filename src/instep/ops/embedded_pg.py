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
import shutil
import stat
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

import psutil
import psycopg
import structlog
from psycopg import sql

from instep.core.errors import InstepError
from instep.ops.pg_place import (
    LONGEST_SOCKET_PATH,
    MAJOR,
    OWN_SERVER,
    SOCKET_NAME,
    Place,
    cannot_run,
    find_place,
)

ROLE = "instep"
DATABASE = "instep"
SUPERUSER = "postgres"
PEER_MAP = "instep"

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
    return _running_pid(find_place(home)) is not None


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
        pid = _running_pid(self.place)
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
        with _exclusive(self.place.state / "start.lock"):
            users = os.open(self.place.state / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(users, fcntl.LOCK_SH)
            try:
                self._ensure_started()
                self._ensure_database()
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
        with _exclusive(self.place.state / "start.lock"):
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
        while not self._leaving.wait(WATCH_INTERVAL):
            if _running_pid(self.place) is not None:
                continue
            try:
                with _exclusive(self.place.state / "start.lock"):
                    if not self._leaving.is_set():
                        if _running_pid(self.place) is None:
                            log.warning("postgres_died", home=str(self.place.home))
                        self._ensure_started()
            except (InstepError, OSError) as error:
                # A full disk may be emptied again: the watch goes on while this process needs the server.
                log.error("postgres_restart_failed", error=str(error))
                self._leaving.wait(WATCH_PAUSE)

    # --- starting and stopping, under start.lock ---

    def _ensure_started(self) -> None:
        if not (self.place.data / "PG_VERSION").exists():
            _initialise(self.place)
        _refuse_wrong_version(self.place)
        self._reap()
        if not self._adopted():
            self._socket_folder = _socket_folder(self.place)
            self._start()

    def _adopted(self) -> bool:
        """Join a server that runs already; False when there is none, or when it turned out to be stopping."""
        lines = _pid_file(self.place)
        if _running_pid(self.place) is None or len(lines) < 5:
            return False
        self._socket_folder = Path(lines[4])
        try:
            self._wait_until_ready(time.monotonic() + START_PATIENCE)
        except ChildProcessError:
            return False
        return True

    def _start(self) -> None:
        """Start PostgreSQL in a session of its own: Ctrl-C in a terminal must not reach it before us."""
        _remove_stale_locks(self.place, self._socket_folder)
        deadline = time.monotonic() + START_PATIENCE
        options = {**_OPTIONS, "unix_socket_directories": str(self._socket_folder)}
        command = [str(self.place.bin("postgres")), "-D", str(self.place.data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        while True:
            with _open_log(self.place) as output:
                self._process = _run_as(self.place, command, output)
            try:
                self._wait_until_ready(deadline)
                return
            except ChildProcessError:
                # After kill -9 of the server its last backends may still be leaving: their memory is in use.
                if time.monotonic() > deadline or "still in use" not in _last_lines(self.place.log):
                    raise cannot_run(
                        f"The PostgreSQL of {self.place.home} does not start: {_last_lines(self.place.log)}",
                        f"See {self.place.log}. {OWN_SERVER}",
                    ) from None
                time.sleep(0.1)

    def _wait_until_ready(self, deadline: float) -> None:
        """Wait for PostgreSQL's own word in its pid file; recovery after a crash may take a while."""
        while time.monotonic() < deadline:
            lines = _pid_file(self.place)
            if len(lines) >= 8 and lines[7] == "ready" and _running_pid(self.place) is not None:
                return
            if self._process is not None and self._process.poll() is not None:
                self._process = None
                raise ChildProcessError
            if self._process is None and _running_pid(self.place) is None:
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
            if _running_pid(self.place) is None:
                break
            command = [str(self.place.bin("pg_ctl")), "stop", "-D", str(self.place.data), "-m", mode,
                       "-t", str(STOP_PATIENCE), "-s"]  # fmt: skip
            with _open_log(self.place) as output:
                _run_as(self.place, command, output).wait()
        if self._process is not None:
            # pg_ctl waits for the pid file to go, which is a moment before the process does.
            self._process.wait(STOP_PATIENCE)
            self._process = None
        _remove_short_socket_folder(self.place)

    def _reap(self) -> None:
        """Collect our dead child; as a zombie it would still look alive to `kill(pid, 0)`."""
        if self._process is not None and self._process.poll() is not None:
            self._process = None


# --- files and processes -----------------------------------------------------


class _exclusive:
    """Hold the start lock; short, because only starts and stops happen under it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def _run_as(place: Place, command: list[str], output: Any) -> subprocess.Popen[bytes]:
    """Start a program as PostgreSQL's user, with nothing of our environment and no open files."""
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=place.data if place.data.exists() else place.state,
            env=environment,
            start_new_session=True,
            umask=0o077,
            **place.account.popen_arguments(),
        )
    except (PermissionError, subprocess.SubprocessError) as error:
        raise cannot_run(
            f"PostgreSQL cannot be started as the system user {place.account.name}: {error}.",
            f"Run Instep as an ordinary user. {OWN_SERVER}",
        ) from error


def _initialise(place: Place) -> None:
    """initdb into a fresh folder that gets its real name only when it is complete.

    The locale is PostgreSQL's own C.UTF-8: an upgrade of the system's C library never spoils an index.
    """
    unfinished = place.state / "data.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    place.account.take(unfinished)
    command = [
        str(place.bin("initdb")), "-D", str(unfinished), "-U", SUPERUSER, "--auth=peer", "--encoding=UTF8",
        "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions",
    ]  # fmt: skip
    with _open_log(place) as output:
        if _run_as(place, command, output).wait() != 0:
            raise cannot_run(
                f"PostgreSQL could not make its data folder for {place.home}: {_last_lines(place.log)}",
                f"See {place.log}. {OWN_SERVER}",
            )
    _write_access_rules(place, unfinished)
    unfinished.rename(place.data)


def _write_access_rules(place: Place, data: Path) -> None:
    """Let in through the socket alone whoever runs Instep, and PostgreSQL's own user."""
    callers = dict.fromkeys(
        (place.account.name, "root" if place.account.uid is not None else place.account.name)
    )
    (data / "pg_hba.conf").write_text(f"local all all peer map={PEER_MAP}\n")
    (data / "pg_ident.conf").write_text(
        "".join(f'{PEER_MAP} "{caller}" {role}\n' for caller in callers for role in (ROLE, SUPERUSER))
    )


def _refuse_wrong_version(place: Place) -> None:
    found = (place.data / "PG_VERSION").read_text().strip()
    if found != str(MAJOR):
        raise cannot_run(
            f"The data in {place.data} was made by PostgreSQL {found}, and this is PostgreSQL {MAJOR}.",
            "Run `instep backup FILE` with the Instep that made it, and `instep restore FILE` in a new home.",
        )


def _socket_folder(place: Place) -> Path:
    """A folder for the socket: below the state folder, or a short private one where that is too long."""
    folder = place.state / "socket"
    if len(os.fsencode(folder / SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
        if not folder.exists():
            folder.mkdir(mode=0o700)
            place.account.take(folder)
        return folder
    remembered = place.state / "socket-folder"
    if remembered.exists():
        kept = Path(remembered.read_text())
        if _is_private(kept):
            return kept
    fresh = Path(tempfile.mkdtemp(prefix="instep-", dir="/tmp"))
    remembered.write_text(str(fresh))
    return fresh


def _remove_short_socket_folder(place: Place) -> None:
    """Leave nothing in /tmp once the server has stopped."""
    remembered = place.state / "socket-folder"
    if remembered.exists() and _running_pid(place) is None:
        folder = Path(remembered.read_text())
        if _is_private(folder):
            shutil.rmtree(folder)
        remembered.unlink()


def _is_private(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def _pid_file(place: Place) -> list[str]:
    """The lines of postmaster.pid: pid, data, start, port, socket folder, address, memory key, status."""
    try:
        return [line.strip() for line in (place.data / "postmaster.pid").read_text().splitlines()]
    except FileNotFoundError:
        return []


def _running_pid(place: Place) -> int | None:
    """The pid of the running server. A pid file may outlive its server and name a stranger's process by now:
    the server is the process of that number which works in our data folder."""
    lines = _pid_file(place)
    if not lines or not lines[0].isdigit():
        return None
    try:
        process = psutil.Process(int(lines[0]))
        if process.status() == psutil.STATUS_ZOMBIE or Path(process.cwd()) != place.data.resolve():
            return None
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    return process.pid


def _remove_stale_locks(place: Place, socket_folder: Path) -> None:
    """Remove the lock files of a dead server whose number is still, or again, taken; call it only when none runs.

    The number may belong to a stranger by now, or to the dead server itself until its parent takes notice (a
    container's first process may never do so). PostgreSQL would take either for a living server and refuse.
    A pid file whose process is gone stays: PostgreSQL reads the shared memory key in it, to make sure that no
    backend of the dead server still writes; without the file it finds the same key by the data folder.
    """
    (socket_folder / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)
    lines = _pid_file(place)
    if lines and lines[0].isdigit() and psutil.pid_exists(int(lines[0])):
        (place.data / "postmaster.pid").unlink(missing_ok=True)


def _open_log(place: Place) -> BinaryIO:
    """Open the server's log, ours alone to read: it may quote statements."""
    return os.fdopen(os.open(place.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")


def _last_lines(path: Path) -> str:
    """The end of PostgreSQL's log, for an error message."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 2000))
        lines = file.read().decode("utf-8", "replace").splitlines()
    return " / ".join(lines[-4:])
