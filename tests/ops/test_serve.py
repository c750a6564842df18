"""`instep serve` as an admin meets it: one command, everything there, everything gone again, nothing lost."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import psutil
import pytest

from instep.cli.serve import said_when_ready
from instep.ops.embedded_pg import ensure_running, is_running
from instep.ops.settings import load
from instep.ops.supervisor import free_port
from instep_process import InstepHome, remove_state


class Serving:
    """An Instep on a home of its own, started and stopped as often as a test likes."""

    def __init__(self) -> None:
        self.home = InstepHome(Path(tempfile.mkdtemp(prefix="instep-serve-", dir="/tmp")), None)
        self.port = free_port()

    def start(self) -> subprocess.Popen[str]:
        return self.home.spawn("serve", "--port", str(self.port))

    def answers(self) -> bool:
        try:
            return httpx2.get(f"http://127.0.0.1:{self.port}/readyz", timeout=2).status_code == 200
        except httpx2.HTTPError:
            return False

    def wait(self, condition: Callable[[], object], seconds: float = 400) -> float:
        begin = time.monotonic()
        while not condition():
            assert time.monotonic() - begin < seconds, self.logs()
            time.sleep(0.05)
        return time.monotonic() - begin

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.home.path.glob("serve-*.log")))


@pytest.fixture
def serving() -> Iterator[Serving]:
    serving = Serving()
    yield serving
    serving.home.stop_all()
    if is_running(serving.home.path):
        ensure_running(serving.home.path).release()
    remove_state(serving.home.path)
    shutil.rmtree(serving.home.path)


def family(pid: int) -> list[psutil.Process]:
    """A process and everything below it; PostgreSQL too, while it is still our child."""
    return [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]


def command_of(process: psutil.Process) -> str:
    """Its command line; nothing for one that died while we looked."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def gone(processes: list[psutil.Process]) -> bool:
    return all(not one.is_running() or one.status() == psutil.STATUS_ZOMBIE for one in processes)


def test_one_command_brings_everything_and_ctrl_c_takes_it_away(serving: Serving) -> None:
    process = serving.start()
    serving.wait(serving.answers)
    serving.wait(lambda: f"Instep is ready: http://127.0.0.1:{serving.port}" in serving.logs())
    everything = family(process.pid)
    commands = [command_of(one) for one in everything]
    for part in (" web ", " worker", "postgres"):
        assert any(part in command for command in commands), commands
    for one in everything:
        for connection in one.net_connections("inet"):
            if connection.status == psutil.CONN_LISTEN:
                assert connection.laddr.ip == "127.0.0.1", "nothing is open to the network"
    stranger = httpx2.get(f"http://127.0.0.1:{serving.port}/readyz", headers={"Host": "evil.example"})
    assert stranger.status_code == 400, "an address that is not ours gets no page and no link"
    process.send_signal(signal.SIGINT)
    assert process.wait(15) == 0, serving.logs()
    serving.wait(lambda: gone(everything), 5)
    assert "Traceback" not in serving.logs()


def test_first_start_prints_where_to_begin_until_somebody_can_sign_in(serving: Serving) -> None:
    serving.start()
    serving.wait(lambda: "/welcome?code=" in serving.logs())
    (printed,) = re.findall(r"http://\S+/welcome\?code=\S+", serving.logs())
    code = load(serving.home.path).set_up_code()
    assert printed == f"http://127.0.0.1:{serving.port}/welcome?code={code}"
    assert f'value="{code}"' in httpx2.get(printed).text
    assert code not in httpx2.get(printed.partition("?")[0]).text, "the page itself must not tell it"
    serving.home.run("user", "admin@acme.example")
    assert httpx2.get(printed).status_code == 404
    ready = said_when_ready("http://here", serving.port, "127.0.0.1", load(serving.home.path))
    assert ready == "Instep is ready: http://here"


def test_after_kill_9_of_everything_it_serves_again(serving: Serving) -> None:
    process = serving.start()
    serving.wait(serving.answers)
    for one in family(process.pid):
        # a session of the database may have ended since it was listed
        with suppress(psutil.NoSuchProcess):
            one.send_signal(signal.SIGKILL)
    process.wait()
    serving.start()
    serving.wait(serving.answers)


def test_each_part_is_replaced_when_it_is_killed(serving: Serving) -> None:
    process = serving.start()
    serving.wait(serving.answers)
    for part in (" web ", " worker", "postgres"):
        victim = next(one for one in family(process.pid) if part in command_of(one))
        os.kill(victim.pid, signal.SIGKILL)
        serving.wait(
            lambda part=part, victim=victim: any(
                one.pid != victim.pid and part in command_of(one) for one in family(process.pid)
            )
        )
        serving.wait(serving.answers)
    assert process.poll() is None


def test_a_taken_port_ends_it_with_one_clear_line(serving: Serving) -> None:
    serving.start()
    serving.wait(serving.answers)
    second = serving.home.run("serve", "--port", str(serving.port), check=False)
    assert second.returncode == 2
    assert second.stderr.splitlines()[-1].startswith("instep: ")
    assert f"Cannot listen on 127.0.0.1:{serving.port}" in second.stderr
    assert serving.answers()
