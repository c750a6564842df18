"""The cluster of a home, as PostgreSQL calls a data folder: made, guarded, and asked who runs in it.

Nothing here takes a lock; `embedded_pg` calls what changes something only under its start lock.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import Any, BinaryIO

import psutil

from instep.ops.pg_place import LONGEST_SOCKET_PATH, MAJOR, OWN_SERVER, SOCKET_NAME, Place, cannot_run

ROLE = "instep"
SUPERUSER = "postgres"
PEER_MAP = "instep"


#: A session keeps the memory of its last statement for the next one. Given back to the system after each, it came back
#: as fresh pages to be zeroed: a tenth of the server's time while batches are saved.
_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": str(16 << 20),
    "MALLOC_MMAP_THRESHOLD_": str(4 << 20),
    "MALLOC_TOP_PAD_": str(1 << 20),
}


def run_as(place: Place, command: list[str], output: Any) -> subprocess.Popen[bytes]:
    """Start a program as PostgreSQL's user, with nothing of our environment and no open files."""
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", **_MEMORY}
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


def initialise(place: Place) -> None:
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
    with open_log(place) as output:
        if run_as(place, command, output).wait() != 0:
            raise cannot_run(
                f"PostgreSQL could not make its data folder for {place.home}: {last_lines(place.log)}",
                f"See {place.log}. {OWN_SERVER}",
            )
    _write_access_rules(place, unfinished)
    unfinished.rename(place.data)


def _write_access_rules(place: Place, data: Path) -> None:
    """Let in through the socket alone whoever runs Instep, and PostgreSQL's own user."""
    callers = dict.fromkeys(
        (place.account.name, "root" if place.account.uid is not None else place.account.name)
    )
    rules = {
        "pg_hba.conf": f"local all all peer map={PEER_MAP}\n",
        "pg_ident.conf": "".join(
            f'{PEER_MAP} "{caller}" {role}\n' for caller in callers for role in (ROLE, SUPERUSER)
        ),
    }
    for name, text in rules.items():
        # The folder is PostgreSQL's user's, and we may be root: a link in it must lead us nowhere.
        with os.fdopen(os.open(data / name, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW), "w") as file:
            file.write(text)


def refuse_wrong_version(place: Place) -> None:
    """Raise `NeedsAdmin` for data of another major version: PostgreSQL itself would say less."""
    found = (place.data / "PG_VERSION").read_text().strip()
    if found != str(MAJOR):
        raise cannot_run(
            f"The data in {place.data} was made by PostgreSQL {found}, and this is PostgreSQL {MAJOR}.",
            "Run `instep backup FILE` with the Instep that made it, and `instep restore FILE` in a new home.",
        )


def find_socket_folder(place: Place) -> Path:
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


def remove_short_socket_folder(place: Place) -> None:
    """Leave nothing in /tmp once the server has stopped."""
    remembered = place.state / "socket-folder"
    if remembered.exists() and running_pid(place) is None:
        folder = Path(remembered.read_text())
        if _is_private(folder):
            shutil.rmtree(folder)
        remembered.unlink()


def _is_private(folder: Path) -> bool:
    """True for a real folder that is ours and closed to everyone else; a stranger may have made one in /tmp."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def read_pid_file(place: Place) -> list[str]:
    """The lines of postmaster.pid: pid, data, start, port, socket folder, address, memory key, status."""
    try:
        return [line.strip() for line in (place.data / "postmaster.pid").read_text().splitlines()]
    except FileNotFoundError:
        return []


def running_pid(place: Place) -> int | None:
    """The pid of the running server. A pid file may outlive its server and name a stranger's process by now:
    the server is the process of that number which works in our data folder."""
    lines = read_pid_file(place)
    if not lines or not lines[0].isdigit():
        return None
    try:
        process = psutil.Process(int(lines[0]))
        if process.status() == psutil.STATUS_ZOMBIE or Path(process.cwd()) != place.data.resolve():
            return None
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    return process.pid


def remove_stale_locks(place: Place, socket_folder: Path) -> None:
    """Remove the lock files of a dead server whose number is still, or again, taken; call it only when none runs.

    The number may belong to a stranger by now, or to the dead server itself until its parent takes notice (a
    container's first process may never do so). PostgreSQL would take either for a living server and refuse.
    A pid file whose process is gone stays: PostgreSQL reads the shared memory key in it, to make sure that no
    backend of the dead server still writes; without the file it finds the same key by the data folder.
    """
    (socket_folder / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)
    lines = read_pid_file(place)
    if lines and lines[0].isdigit() and psutil.pid_exists(int(lines[0])):
        (place.data / "postmaster.pid").unlink(missing_ok=True)


def open_log(place: Place) -> BinaryIO:
    """Open the server's log, ours alone to read: it may quote statements."""
    return os.fdopen(os.open(place.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600), "ab")


def last_lines(path: Path) -> str:
    """The end of PostgreSQL's log, for an error message."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 2000))
        lines = file.read().decode("utf-8", "replace").splitlines()
    return " / ".join(lines[-4:])
