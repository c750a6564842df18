"""The embedded PostgreSQL: sharing, dying, coming back, staying private. All on real servers."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from instep.core.errors import NeedsAdmin
from instep.ops.embedded_pg import Server, ensure_running, is_running
from instep_process import remove_state

AS_ROOT = os.geteuid() == 0

#: A process that joins the server of the home in argv[1], says its pid, and stays until its input ends.
MEMBER = """
import sys
from pathlib import Path
from instep.ops.embedded_pg import ensure_running
with ensure_running(Path(sys.argv[1])) as server:
    print(server.pid, server.dsn, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A private home as `mktemp -d` makes it: mode 0700, closed to every other user."""
    path = Path(tempfile.mkdtemp(prefix="instep-pg-", dir="/tmp"))
    yield path
    if (path / "postgres.json").exists():
        if is_running(path):
            ensure_running(path).release()
        remove_state(path)
    shutil.rmtree(path)


@pytest.fixture
def join(home: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Start another process that shares the server of the home."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", MEMBER, str(home)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def says(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The server's pid and address, as a member tells them."""
    assert process.stdout is not None
    pid, dsn = process.stdout.readline().split()
    return int(pid), dsn


def answers(server: Server) -> bool:
    try:
        with psycopg.connect(server.dsn, connect_timeout=2) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def wait_until(condition: Callable[[], bool], seconds: float = 300) -> float:
    """Wait for a condition; returns how long it took, fails when it never comes."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < seconds, "it did not happen in time"
        time.sleep(0.02)
    return time.monotonic() - begin


def test_data_is_there_after_a_stop_and_a_start(home: Path) -> None:
    with ensure_running(home) as server, psycopg.connect(server.dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS value")
    assert not is_running(home)
    with ensure_running(home) as server, psycopg.connect(server.dsn) as connection:
        assert connection.execute("SELECT value FROM kept").fetchone() == (42,)


def test_processes_share_one_server_and_the_last_one_out_stops_it(home: Path, join) -> None:
    first, second = join(), join()
    assert says(first) == says(second)
    first.communicate()
    assert is_running(home)
    second.communicate()
    assert not is_running(home)


def test_a_server_left_by_killed_processes_is_adopted_and_then_stopped(home: Path, join) -> None:
    member = join()
    pid, _ = says(member)
    member.kill()
    member.wait()
    assert psutil.pid_exists(pid)
    with ensure_running(home) as server:
        assert server.pid == pid
        assert answers(server)
    wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_a_killed_server_comes_back_by_itself_with_its_data(home: Path) -> None:
    with ensure_running(home) as server:
        with psycopg.connect(server.dsn) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS value")
        for _ in range(2):
            killed = server.pid
            os.kill(killed, signal.SIGKILL)
            wait_until(lambda: answers(server))
            assert server.pid != killed
        with psycopg.connect(server.dsn) as connection:
            assert connection.execute("SELECT value FROM kept").fetchone() == (42,)


def test_a_pid_file_that_names_a_stranger_does_not_keep_it_from_starting(home: Path) -> None:
    """After a restart of the machine the old number may belong to any process, here to this test."""
    with ensure_running(home) as server:
        pid_file = server.place.data / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        owner = pid_file.stat()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    os.chown(pid_file, owner.st_uid, owner.st_gid)
    with ensure_running(home) as server:
        assert answers(server)
        assert server.pid != os.getpid()


def test_a_killed_server_that_nobody_buried_does_not_keep_the_next_one_from_starting(
    home: Path, join
) -> None:
    """Its parent has not noticed its death: its number still answers to signals, from both its lock files."""
    member = join()
    killed, _ = says(member)
    member.send_signal(signal.SIGSTOP)
    # one that still runs notices the death at once, and buries it
    wait_until(lambda: psutil.Process(member.pid).status() == psutil.STATUS_STOPPED)
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: psutil.Process(killed).status() == psutil.STATUS_ZOMBIE)
    with ensure_running(home) as server:
        assert answers(server)
        assert server.pid != killed
        member.send_signal(signal.SIGCONT)


def test_a_server_that_is_just_stopping_is_waited_for_and_started_again(home: Path, join) -> None:
    """The machine's own stop reached PostgreSQL before it reached us."""
    member = join()
    stopping, _ = says(member)
    member.kill()
    member.wait()
    os.kill(stopping, signal.SIGINT)
    with ensure_running(home) as server:
        assert answers(server)


def test_it_never_listens_on_the_network(home: Path) -> None:
    with ensure_running(home) as server:
        family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
        assert len(family) > 3
        looked_at = 0
        for process in family:
            # PostgreSQL's short-lived children (autovacuum) may end while they are looked at
            with suppress(psutil.NoSuchProcess, FileNotFoundError):
                listening = [c for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN]
                assert listening == []
                looked_at += 1
        assert looked_at > 3


def test_no_other_user_can_reach_the_data_or_the_socket(home: Path) -> None:
    with ensure_running(home) as server:
        socket_folder = Path(says_socket(server.dsn))
        for folder in (server.place.data, socket_folder):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(home.stat().st_mode) == 0o700, "the mode of the home is not ours to change"
        owner = server.place.data.stat().st_uid
        assert owner == (pwd.getpwnam("instep-pg").pw_uid if AS_ROOT else os.geteuid())


def says_socket(dsn: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(dsn)["host"])


#: Everything is imported before root is given up: another user may not be able to read this Python.
AS_NOBODY = """
import os, pwd, sys, encodings.idna
from pathlib import Path
import psutil, psycopg
from instep.ops.embedded_pg import ensure_running
nobody = pwd.getpwnam("nobody")
os.setgroups([]); os.setgid(nobody.pw_gid); os.setuid(nobody.pw_uid)
with ensure_running(Path(sys.argv[1])) as server, psycopg.connect(server.dsn) as connection:
    print(connection.execute("SELECT current_user").fetchone()[0], psutil.Process(server.pid).username())
"""


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user runs all these tests as an ordinary user")
def test_an_ordinary_user_keeps_everything_below_the_home(home: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(home)], capture_output=True, text=True, cwd="/", check=False
    )
    assert done.stdout.split() == ["instep", "nobody"], done.stderr
    assert (home / "postgres" / "data" / "PG_VERSION").exists()
    with pytest.raises(NeedsAdmin, match="belongs to the system user nobody"):
        ensure_running(home)
    shutil.rmtree(home / "postgres")
    (home / "postgres.json").unlink()


def test_our_role_cannot_run_programs_or_read_files(home: Path) -> None:
    with (
        ensure_running(home) as server,
        psycopg.connect(server.dsn) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("COPY (SELECT 1) TO PROGRAM 'true'")


def test_a_long_home_gets_a_short_socket() -> None:
    """A socket's path holds 107 bytes; homes are longer than that under some test runners and sandboxes."""
    base = Path(tempfile.mkdtemp(prefix="instep-long-", dir="/tmp"))
    long_home = base / ("deep-" * 20) / ("and-deeper-" * 8)
    try:
        with ensure_running(long_home) as server:
            assert answers(server)
            os.kill(server.pid, signal.SIGKILL)
            wait_until(lambda: answers(server))
            socket_folder = Path(says_socket(server.dsn))
        assert not socket_folder.exists() or socket_folder.is_relative_to(server.place.state)
        remove_state(long_home)
    finally:
        shutil.rmtree(base)


def test_another_major_version_is_refused_with_its_cure(home: Path) -> None:
    ensure_running(home).release()
    record = json.loads((home / "postgres.json").read_text())
    (home / "postgres.json").write_text(json.dumps(record | {"major": 17}))
    with pytest.raises(NeedsAdmin, match=r"PostgreSQL 17.*instep backup"):
        ensure_running(home)
    (home / "postgres.json").write_text(json.dumps(record))


def test_another_users_home_is_refused(home: Path) -> None:
    ensure_running(home).release()
    record = json.loads((home / "postgres.json").read_text())
    (home / "postgres.json").write_text(json.dumps(record | {"user": "somebody"}))
    with pytest.raises(NeedsAdmin, match="somebody"):
        ensure_running(home)
    (home / "postgres.json").write_text(json.dumps(record))


def test_a_moved_home_keeps_its_database_and_a_copied_one_is_refused(home: Path) -> None:
    with ensure_running(home) as server, psycopg.connect(server.dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS value")
    moved = home.with_name(home.name + "-moved")
    if AS_ROOT:
        shutil.copytree(home, moved)
        with pytest.raises(NeedsAdmin, match="is a copy of"):
            ensure_running(moved)
        shutil.rmtree(moved)
    home.rename(moved)
    # somebody began anew at the old path in the meantime: that makes the moved home no copy
    home.mkdir(mode=0o700)
    with ensure_running(home) as server:
        state = server.place.state
    if AS_ROOT:
        shutil.rmtree(state)
    shutil.rmtree(home)
    try:
        with ensure_running(moved) as server, psycopg.connect(server.dsn) as connection:
            assert connection.execute("SELECT value FROM kept").fetchone() == (42,)
    finally:
        moved.rename(home)


def test_a_home_that_was_deleted_starts_afresh_on_the_same_path(home: Path) -> None:
    """The old database would be met without its keys, full of what somebody wanted to be rid of."""
    with ensure_running(home) as server, psycopg.connect(server.dsn) as connection:
        connection.execute("CREATE TABLE secret AS SELECT 42 AS value")
        old = server.place.state
    shutil.rmtree(home)
    home.mkdir(mode=0o700)
    with ensure_running(home) as server, psycopg.connect(server.dsn) as connection:
        assert connection.execute("SELECT to_regclass('secret')").fetchone() == (None,)
    if AS_ROOT:
        shutil.rmtree(old)


@pytest.mark.skipif(not AS_ROOT, reason="below an ordinary user's home the data goes where the home goes")
def test_a_home_whose_data_is_gone_is_no_empty_home(home: Path) -> None:
    """A container that keeps its home and loses /var/lib must not look like a fresh Instep."""
    with ensure_running(home) as server:
        state = server.place.state
    state.rename(state.with_name("elsewhere-" + state.name))
    try:
        with pytest.raises(NeedsAdmin, match="is gone"):
            ensure_running(home)
    finally:
        state.with_name("elsewhere-" + state.name).rename(state)


def test_a_half_made_data_folder_is_made_again(home: Path) -> None:
    """initdb was killed: what it left is no database and nobody's data."""
    with ensure_running(home) as server:
        state = server.place.state
    (state / "data").rename(state / "data.new")
    (state / "data.new" / "PG_VERSION").unlink()
    with ensure_running(home) as server:
        assert answers(server)


def test_a_server_that_cannot_start_says_where_to_look(home: Path) -> None:
    with ensure_running(home) as server:
        data = server.place.data
    (data / "postgresql.auto.conf").write_text("nonsense = here\n")
    with pytest.raises(NeedsAdmin, match=r"does not start: .*nonsense.*postgres\.log"):
        ensure_running(home)
    (data / "postgresql.auto.conf").write_text("")
