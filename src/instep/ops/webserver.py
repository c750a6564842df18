"""The web server, and the children that `serve` and `demo` put under the supervisor."""

from __future__ import annotations

import multiprocessing
import socket

from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from instep.core.errors import InputError
from instep.ops.settings import Settings
from instep.ops.supervisor import Child, http_ready, instep_command

#: The children look after the schema themselves, whichever comes first: the supervisor stays small, and a
#: restart waits for nothing.
MIGRATES = {"INSTEP_MIGRATE_AT_START": "1"}

#: Seconds that a request in progress may take to finish when the server is told to stop.
STOP_GRACE = 5

#: Connections at once; more wait to be accepted. Idle ones end by themselves, slow ones by `Front`.
CONNECTIONS = 512


def serve_web(settings: Settings, host: str, port: int) -> None:
    """Serve the pages until SIGTERM or Ctrl-C. Raises `InputError` when the address is taken."""
    refuse_taken(host, port)
    # A forked worker would inherit the locks of this process's PostgreSQL watch in whatever state they are.
    multiprocessing.set_start_method("spawn", force=True)
    Granian(
        "instep.ops.asgi:application",
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        workers=1,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=STOP_GRACE,
        websockets=False,
        log_level=LogLevels.error,
    ).serve()


def web_child(host: str, port: int) -> Child:
    """The web server as a child of the supervisor, ready when `/readyz` says so."""
    command = instep_command("web", "--host", host, "--port", str(port))
    return Child("web", command, MIGRATES, ready=http_ready(port, host=reachable(host)))


def reachable(host: str) -> str:
    """Where this machine reaches a server that listens on `host`."""
    return "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - a comparison, not a bind


def worker_child(name: str = "worker") -> Child:
    """A worker as a child of the supervisor."""
    return Child(name, instep_command("worker"), MIGRATES)


def refuse_taken(host: str, port: int) -> None:
    """Say in one line what the server would say in a traceback, and then forget."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(found[0]) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(found[4])
    except OSError as error:
        raise InputError(
            f"Cannot listen on {host}:{port}: {error.strerror or error}.",
            cure="Choose another port with --port, or stop what uses it.",
            code="PORT",
        ) from None
