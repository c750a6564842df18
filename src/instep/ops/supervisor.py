"""Several processes as one: started together, restarted when one dies, stopped together.

    with Supervisor([web, worker]) as supervisor:    children start, in a thread that watches over them
        supervisor.wait_until_ready(30)              each child's own `ready` said yes
        supervisor.wait()                            until a signal, or a child that cannot run at all
                                                     leaving stops them: TERM, and KILL after a grace

A child dies with its supervisor even after kill -9: it calls `lifetime.die_with_supervisor` first thing.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from http.client import HTTPConnection, HTTPException
from types import FrameType
from typing import Any, TextIO

import structlog
from attrs import field, frozen

from instep.core.errors import NeedsAdmin, Scope
from instep.ops.lifetime import SUPERVISOR_VARIABLE

log = structlog.get_logger(__name__)

PROCESS_VARIABLE = "INSTEP_PROCESS"

#: A child that exits with this code in its first moments will not get better by being started again.
HOPELESS = 2
STOP_GRACE = 8.0
TICK = 0.05
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 30.0
#: A child that lived this long starts with a short pause again when it dies.
STEADY = 30.0


@frozen
class Child:
    """One process to keep running: its name in the logs, its command, and how to tell that it is ready."""

    name: str
    command: Sequence[str]
    environment: dict[str, str] = field(factory=dict)
    ready: Callable[[], bool] = lambda: True


def instep_command(*arguments: str) -> tuple[str, ...]:
    """The command that runs another `instep` with this same Python."""
    return (sys.executable, "-m", "instep.cli.main", *arguments)


class Supervisor:
    """Keeps the children running from `__enter__` to `__exit__`; see the module for the way to use it."""

    def __init__(
        self, children: Sequence[Child], *, log_format: str = "console", output: TextIO | None = None
    ) -> None:
        self._output = output or sys.stderr
        self._output_lock = threading.Lock()
        width = max(len(child.name) for child in children)
        self._running = [_Running(child, log_format, width, self._show) for child in children]
        self._stopping = threading.Event()
        self._ended = threading.Event()
        # The kernel ties a child's death to the *thread* that started it: this one lives as long as they do.
        self._thread = threading.Thread(target=self._watch_over, name="supervisor", daemon=True)

    def __enter__(self) -> Supervisor:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop all children and wait for their end; at most ten seconds. May be called twice."""
        self._stopping.set()
        self._thread.join()

    def wait_until_ready(self, seconds: float) -> None:
        """Wait until every child is ready. Raises `NeedsAdmin` when one gave up or the time is over."""
        deadline = time.monotonic() + seconds
        for running in self._running:
            while not running.is_ready():
                self.raise_if_hopeless()
                if self._stopping.is_set():
                    raise KeyboardInterrupt
                if time.monotonic() > deadline:
                    raise NeedsAdmin(
                        f"{running.child.name} is not ready after {seconds:.0f} s.",
                        cure="Its own lines above say why.",
                        code="NOT_READY",
                        scope=Scope.CONNECTION,
                    )
                time.sleep(TICK)

    def wait(self) -> None:
        """Wait until `request_stop`, or until a child gave up (raises `NeedsAdmin`)."""
        while not self._stopping.is_set():
            if self._ended.wait(0.5):
                break
        self.raise_if_hopeless()

    def request_stop(self) -> None:
        """Let `wait` return; safe in a signal handler."""
        self._stopping.set()

    def raise_if_hopeless(self) -> None:
        """Raise `NeedsAdmin` when a child ended in a way that starting it again cannot cure."""
        for running in self._running:
            if running.hopeless:
                raise NeedsAdmin(
                    f"{running.child.name} cannot run: {running.last_line or f'exit code {HOPELESS}'}",
                    code="CANNOT_RUN",
                    scope=Scope.CONNECTION,
                )

    def pid_of(self, name: str) -> int | None:
        """The process id of a child, None while it is not running."""
        for running in self._running:
            if running.child.name == name and running.process is not None:
                return running.process.pid
        return None

    def _watch_over(self) -> None:
        try:
            while not self._stopping.is_set() and not any(running.hopeless for running in self._running):
                for running in self._running:
                    running.tend()
                self._stopping.wait(TICK)
        finally:
            self._ended.set()
            _end(self._running)

    def _show(self, line: str) -> None:
        with self._output_lock:
            try:
                print(line, file=self._output, flush=True)
            except (BrokenPipeError, ValueError):
                self._stopping.set()


class _Running:
    """One child over its lives."""

    def __init__(self, child: Child, log_format: str, width: int, show: Callable[[str], None]) -> None:
        self.child = child
        self.process: subprocess.Popen[str] | None = None
        self.hopeless = False
        self.last_line = ""
        self._log_format = log_format
        self._width = width
        self._show = show
        self._lives = 0
        self._started_at = 0.0
        self._next_start = 0.0
        self._pause = FIRST_PAUSE
        self._reader: threading.Thread | None = None

    def is_ready(self) -> bool:
        process = self.process
        return process is not None and process.poll() is None and self.child.ready()

    def tend(self) -> None:
        """Start the child when it is due; notice its death and plan its next start."""
        if self.process is None:
            if time.monotonic() >= self._next_start:
                self._start()
            return
        code = self.process.poll()
        if code is None:
            return
        if self._reader is not None:
            self._reader.join(5)
        self.process = None
        lived = time.monotonic() - self._started_at
        if code == HOPELESS and self._lives == 1 and lived < STEADY:
            self.hopeless = True
            return
        self._pause = FIRST_PAUSE if lived > STEADY else min(self._pause * 2, LONGEST_PAUSE)
        self._next_start = time.monotonic() + self._pause
        log.warning(
            "child_died", child=self.child.name, exit_code=code, starts_again_in=round(self._pause, 1)
        )

    def _start(self) -> None:
        environment = {
            **os.environ,
            **self.child.environment,
            SUPERVISOR_VARIABLE: str(os.getpid()),
            PROCESS_VARIABLE: self.child.name,
            "INSTEP_LOG_FORMAT": self._log_format,
            "PYTHONUNBUFFERED": "1",
        }
        self._lives += 1
        self._started_at = time.monotonic()
        self.process = subprocess.Popen(
            list(self.child.command),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # Ctrl-C in a terminal goes to the whole group; when to stop is the supervisor's to decide.
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                text = line.rstrip("\n")
                self.last_line = text or self.last_line
                self._show(self._dressed(text))

    def _dressed(self, line: str) -> str:
        """The line with the child's name: as a prefix for people; JSON stays one JSON object per line."""
        if self._log_format != "json":
            return f"{self.child.name:<{self._width}} | {line}"
        if line.startswith("{"):
            return line
        return json.dumps({"event": line, "process": self.child.name}, ensure_ascii=False)


def _end(children: Sequence[_Running]) -> None:
    """TERM to all, and KILL to the whole group of those that do not listen."""
    processes = [running.process for running in children if running.process is not None]
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + STOP_GRACE
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("child_killed", pid=process.pid, after=STOP_GRACE)
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()


def run(
    children: Sequence[Child],
    on_ready: Callable[[], None] | None = None,
    *,
    seconds_to_ready: float = 60,
    log_format: str = "console",
) -> None:
    """Run the children until Ctrl-C or SIGTERM; calls `on_ready` once all are ready. For the main thread.

    Raises `NeedsAdmin` when a child cannot run or is not ready in time; all children are stopped in any case.
    """
    supervisor = Supervisor(children, log_format=log_format)

    def stop(number: int, frame: FrameType | None) -> None:
        supervisor.request_stop()

    before: dict[signal.Signals, Any] = {
        number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        with supervisor:
            try:
                supervisor.wait_until_ready(seconds_to_ready)
                if on_ready is not None:
                    on_ready()
                supervisor.wait()
            except KeyboardInterrupt:
                pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def free_port() -> int:
    """A TCP port on the loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether a TCP port on the loopback can be listened on just now; never true of 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError, TypeError):
            return False
    return port > 0


def http_ready(port: int, path: str = "/readyz", host: str = "127.0.0.1") -> Callable[[], bool]:
    """A readiness check: the address answers a GET with 200 within a second."""

    def check() -> bool:
        connection = HTTPConnection(host, port, timeout=1)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    return check
