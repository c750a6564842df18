"""The web server as a process: bodies, headers, and what happens when it or its database is killed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2
import psutil
import pytest

from instep.ops.embedded_pg import ensure_running
from instep.ops.supervisor import free_port
from instep_process import InstepHome, remove_state

LIMIT = 10 * 1024 * 1024
SITE = {"DJANGO_SETTINGS_MODULE": "bare_site.settings", "PYTHONPATH": str(Path(__file__).parent)}


def wait_until(condition: Callable[[], object], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def answers(client: httpx2.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx2.HTTPError:
        return False


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[InstepHome, subprocess.Popen[str], httpx2.Client]]:
    """A running `instep web` with an embedded database, on the bare site."""
    home = InstepHome(Path(tempfile.mkdtemp(prefix="instep-web-", dir="/tmp")), None)
    home.env |= SITE
    port = free_port()
    process = home.spawn("web", "--port", str(port))
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
        try:
            wait_until(lambda: answers(client) or process.poll() is not None)
            assert process.poll() is None, (home.path / "web-0.log").read_text()
            yield home, process, client
        finally:
            home.stop_all()
            remove_state(home.path)
            shutil.rmtree(home.path)


def pieces(length: int) -> Iterator[bytes]:
    while length > 0:
        yield b"x" * min(length, 100_000)
        length -= 100_000


def test_bodies_and_headers(web) -> None:
    """One server for all of it: starting one takes longer than asking."""
    _, _, client = web
    assert client.post("/echo", content=b"x" * 1000).json() == {"length": 1000}
    assert client.post("/echo", content=pieces(1000)).json() == {"length": 1000}, (
        "a body in chunks is no empty one"
    )
    assert client.post("/echo", content=b"x" * LIMIT).json() == {"length": LIMIT}
    for content in (b"x" * (LIMIT + 1), pieces(LIMIT + 1), pieces(3 * LIMIT)):
        refused = client.post("/echo", content=content)
        assert (refused.status_code, refused.json()["error"]["code"]) == (413, "BODY_TOO_LARGE")
    headers = client.get("/readyz").headers
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert len(headers["X-Request-Id"]) == 16


def test_callers_who_send_slowly_stop_nobody_else(web) -> None:
    """More of them than the server has threads, with bodies of a byte, and some that will never end."""
    _, _, client = web
    port = client.base_url.port
    with ExitStack() as open_sockets:
        for length in [1000] * 40 + [1_000_000_000] * 10:
            caller = open_sockets.enter_context(socket.create_connection(("127.0.0.1", port)))
            caller.sendall(
                f"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\nx".encode()
            )
        begin = time.monotonic()
        assert client.get("/readyz").status_code == 200
        assert client.post("/echo", content=b"x" * 1000).json() == {"length": 1000}
        assert time.monotonic() - begin < 2
        assert caller.recv(100).startswith(b"HTTP/1.1 413 "), (
            "nothing is read of what says that it is too large"
        )


def test_a_body_that_stays_away_ends_its_connection(web) -> None:
    port = web[2].base_url.port
    with socket.create_connection(("127.0.0.1", port), timeout=20) as caller:
        caller.sendall(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx")
        assert caller.recv(4096).startswith(b"HTTP/1.1 408 ")
        assert caller.recv(4096) == b""


def test_a_restarted_database_costs_no_more_than_the_moment(web) -> None:
    home, _, client = web
    with ensure_running(home.path) as server:
        os.kill(server.pid, signal.SIGKILL)
        wait_until(lambda: answers(client), 5)


def test_a_killed_server_leaves_no_worker_behind(web) -> None:
    _, process, client = web
    serving = client.get("/readyz").json()["pid"]
    assert serving != process.pid
    process.kill()
    process.wait()
    wait_until(lambda: not psutil.pid_exists(serving), 3)


def test_it_stops_soon_and_stops_its_database(web) -> None:
    home, process, _ = web
    begin = time.monotonic()
    process.terminate()
    assert process.wait(10) == 0, (home.path / "web-0.log").read_text()
    assert time.monotonic() - begin < 6
    with ensure_running(home.path) as server:
        assert psutil.Process(server.pid).create_time() > time.time() - 5, "this one was started just now"


def test_a_taken_port_is_said_in_one_line(web) -> None:
    home, _, client = web
    done = home.run("web", "--port", str(client.base_url.port), check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(
        f"instep: Cannot listen on 127.0.0.1:{client.base_url.port}: Address already in use."
    )
