"""The supervisor: restarts, stops, and never leaves a child behind. On real processes."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from instep.core.errors import NeedsAdmin
from instep.ops.supervisor import Child, Supervisor, free_port

#: A child as ours are: it ties its life to the supervisor's, says so, and works.
WORKS = """
import time
from instep.ops.lifetime import die_with_supervisor
die_with_supervisor()
print('at work', flush=True)
time.sleep(60)
"""
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + WORKS


def child(name: str, code: str, **options) -> Child:
    return Child(name, (sys.executable, "-c", code), **options)


def wait_until(condition: Callable[[], object], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_dead_child_is_started_again_and_the_others_are_left_alone() -> None:
    with Supervisor([child("web", WORKS), child("worker", WORKS)], output=io.StringIO()) as supervisor:
        supervisor.wait_until_ready(60)
        web, worker = supervisor.pid_of("web"), supervisor.pid_of("worker")
        assert web
        assert worker
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: supervisor.pid_of("worker") not in (worker, None))
        assert supervisor.pid_of("web") == web


def test_lines_carry_the_name_of_the_child() -> None:
    output = io.StringIO()
    with Supervisor([child("web", WORKS), child("worker", WORKS)], output=output):
        wait_until(lambda: output.getvalue().count("at work") == 2)
    assert sorted(output.getvalue().splitlines()) == ["web    | at work", "worker | at work"]


def test_json_logs_stay_one_object_per_line() -> None:
    output = io.StringIO()
    code = """print('{"event": "mine"}'); print('plain', flush=True); import time; time.sleep(60)"""
    with Supervisor([child("web", code)], output=output, log_format="json"):
        wait_until(lambda: output.getvalue().count("\n") == 2)
    lines = [json.loads(line) for line in output.getvalue().splitlines()]
    assert lines == [{"event": "mine"}, {"event": "plain", "process": "web"}]


def test_a_child_that_does_not_listen_is_killed_within_ten_seconds() -> None:
    output = io.StringIO()
    with Supervisor([child("deaf", DEAF), child("web", WORKS)], output=output) as supervisor:
        wait_until(lambda: output.getvalue().count("at work") == 2)
        pids = [supervisor.pid_of("deaf"), supervisor.pid_of("web")]
        begin = time.monotonic()
    assert time.monotonic() - begin < 10
    assert not any(alive(pid) for pid in pids if pid)


def test_a_child_that_cannot_run_at_all_ends_everything_with_its_last_words() -> None:
    code = "import sys; print('instep: Cannot listen on 127.0.0.1:80.'); sys.exit(2)"
    hopeless = child("web", code, ready=lambda: False)
    with Supervisor([hopeless, child("worker", WORKS)], output=io.StringIO()) as supervisor:
        with pytest.raises(NeedsAdmin, match=r"web cannot run: .*Cannot listen on 127\.0\.0\.1:80"):
            supervisor.wait_until_ready(60)
        worker = supervisor.pid_of("worker")
    assert worker is None or not alive(worker)


def test_waiting_for_readiness_ends_with_the_name_of_the_late_one() -> None:
    late = child("worker", WORKS, ready=lambda: False)
    with (
        Supervisor([child("web", WORKS), late], output=io.StringIO()) as supervisor,
        pytest.raises(NeedsAdmin, match="worker is not ready"),
    ):
        supervisor.wait_until_ready(1)


SUPERVISES = f"""
import sys
from instep.ops.supervisor import Child, run
work = (sys.executable, "-c", {WORKS!r})
run([Child("web", work), Child("worker", work)], lambda: print("all ready", flush=True))
print("clean end", flush=True)
"""


@pytest.fixture
def supervising(tmp_path: Path):
    """A supervisor in a process of its own, and the pids of its two children at work."""
    with (tmp_path / "out").open("w") as output:
        process = subprocess.Popen([sys.executable, "-c", SUPERVISES], stdout=output, stderr=output)
    written = tmp_path / "out"
    wait_until(lambda: written.read_text().count("at work") == 2)
    children = [found.pid for found in psutil.Process(process.pid).children()]
    assert len(children) == 2
    yield process, children, written
    process.kill()
    process.wait()


def test_children_die_with_a_supervisor_that_is_killed(supervising) -> None:
    process, children, _ = supervising
    process.kill()
    process.wait()
    wait_until(lambda: not any(alive(pid) for pid in children), 20)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_cleanly(supervising, number: signal.Signals) -> None:
    process, children, written = supervising
    wait_until(lambda: "all ready" in written.read_text())
    process.send_signal(number)
    assert process.wait(10) == 0
    assert not any(alive(pid) for pid in children)
    assert "clean end" in written.read_text()


def test_free_ports_are_different_and_free() -> None:
    ports = {free_port() for _ in range(5)}
    assert len(ports) >= 4
