"""HTTP for the stand-ins: HTTP/1.1 with keep-alive and chunked bodies, and connections that can be dropped unanswered.

The standard library's server carries it: a WSGI server proper cannot close a connection without an answer, which is
exactly what a lost answer is.
"""

import argparse
import io
import re
import signal
import socket
import socketserver
import ssl
import struct
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs

from . import certificates

LARGEST_BODY = 50 * 1024 * 1024
LOOPBACK = "127.0.0.1"
_IDLE_SECONDS = 120


class ConnectionDropped(ConnectionResetError):
    """The stand-in closes the connection without an answer, as an ordered fault demands."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one packet
    timeout = _IDLE_SECONDS
    app: Callable[..., Any]

    def log_message(self, format: str, *args: Any) -> None:
        """The journal tells what was called; standard error stays quiet."""

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        declared = self.headers.get("Content-Length") or "0"
        if not declared.isdecimal():
            raise ValueError("Content-Length is no number")
        return self.rfile.read(self._within(int(declared)))

    def _within(self, length: int) -> int:
        """So much of a body as the application needs to see that it is too large; the connection ends with the rest."""
        if length > LARGEST_BODY:
            self.close_connection = True
        return min(length, LARGEST_BODY + 1)

    def _chunks(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            length = int(self.rfile.readline(1024).partition(b";")[0].strip() or b"0", 16)
            if length < 0:
                raise ValueError("a chunk of negative length")
            if length == 0:
                while self.rfile.readline(65536).strip():
                    pass
                return b"".join(parts)
            parts.append(self.rfile.read(self._within(size + length) - size))
            size += length
            if size > LARGEST_BODY:
                return b"".join(parts)
            self.rfile.readline(8)

    def _environ(self, body: bytes) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        host, port = self.server.server_address[:2]
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": query,
            "REQUEST_URI": self.path, "SERVER_NAME": str(host), "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": self.request_version, "wsgi.version": (1, 0),
            "wsgi.url_scheme": self.server.scheme,  # type: ignore[attr-defined]
            "wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr, "wsgi.multithread": True,
            "wsgi.multiprocess": False, "wsgi.run_once": False, "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
        }  # fmt: skip
        for name, value in self.headers.items():
            key = "HTTP_" + name.upper().replace("-", "_")
            if key not in ("HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"):
                environ[key] = value
        return environ

    def _is_called_by_its_name(self) -> bool:
        """A page of any name that was made to lead here could otherwise read all with a visitor's browser."""
        host = self.headers.get("Host", LOOPBACK).strip().lower()
        return re.fullmatch(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?", host) is not None

    def _serve(self) -> None:
        if not self._is_called_by_its_name():
            self.close_connection = True
            self.send_error(421, explain="Call it localhost or 127.0.0.1.")
            return
        try:
            environ = self._environ(self._body())
        except (ValueError, OSError):
            self.close_connection = True
            self.send_error(400)
            return

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            code, _, reason = status.partition(" ")
            self.send_response(int(code), reason)
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()

        try:
            content = b"".join(self.server.app(environ, start_response))  # type: ignore[attr-defined]
        except ConnectionDropped:
            self._drop()
            return
        if self.command != "HEAD":
            self.wfile.write(content)

    def _drop(self) -> None:
        """Close without an answer, hard: the client sees a reset, not a polite end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = do_HEAD = _serve


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(
        self, address: tuple[str, int], app: Callable[..., Any], tls: tuple[Path, Path] | None = None
    ) -> None:
        self.app = app
        self.scheme = "https" if tls else "http"
        self._tls = None
        if tls:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(*tls)
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        """A new connection. The handshake is the first read's matter: a slow client holds up its own thread only."""
        connection, address = super().get_request()
        if self._tls:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Broken connections are ordinary here; anything else is a bug and must be seen."""
        if not isinstance(sys.exc_info()[1], OSError | ValueError):
            super().handle_error(request, client_address)


@attrs.frozen
class Running:
    """A stand-in that serves on a thread of its own."""

    base_url: str
    _server: _Server
    _thread: threading.Thread

    def stop(self) -> None:
        """Stop listening; the stand-in and its data stay."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve(app: Callable[..., Any], port: int = 0, tls: tuple[Path, Path] | None = None) -> Running:
    """Serve a WSGI application on 127.0.0.1; port 0 takes a free one. A thread per connection, no limit.

    tls: the PEM files of a certificate and its key; `certificates.make` makes a pair.
    """
    server = _Server((LOOPBACK, port), app, tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    return Running(f"{server.scheme}://{LOOPBACK}:{server.server_address[1]}", server, thread)


def add_arguments(parser: argparse.ArgumentParser, kept: str) -> None:
    """The options that every stand-in has; `kept` says what its data file keeps."""
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--data", type=Path, help=f"SQLite file that keeps {kept} between starts")
    parser.add_argument("--client-id", help="OAuth client id; random on the first start")
    parser.add_argument("--client-secret", help="OAuth client secret; random on the first start")
    parser.add_argument(
        "--tls", action="store_true", help="serve https, with a certificate of its own if none is given"
    )
    parser.add_argument("--certificate", type=Path, help="PEM file of the certificate for --tls")
    parser.add_argument("--key", type=Path, help="PEM file of the certificate's key")


def _pair(options: argparse.Namespace, folder: str) -> tuple[Path, Path] | None:
    """The certificate and key to serve with; made in the folder where none are given."""
    if not (options.tls or options.certificate):
        return None
    if options.certificate:
        return options.certificate, options.key or options.certificate
    return certificates.make(Path(folder))


def serve_until_stopped(
    options: argparse.Namespace, app: Callable[..., Any], ready: Callable[[str, Path | None], None]
) -> int:
    """Serve until SIGTERM or SIGINT; 0. Returns 1 with a message where the port is taken.

    ready: called once with the address and the certificate to trust.
    """
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with TemporaryDirectory(prefix="instep-standin-") as folder:
        try:
            tls = _pair(options, folder)
            running = serve(app, options.port, tls)
        except (ssl.SSLError, FileNotFoundError) as problem:
            print(
                f"The certificate cannot be used: {problem}. Give PEM files, or --tls alone.", file=sys.stderr
            )
            return 1
        except OSError as problem:
            print(
                f"Port {options.port} cannot be opened: {problem.strerror}. Choose another with --port.",
                file=sys.stderr,
            )
            return 1
        ready(running.base_url, tls[0] if tls else None)
        stopped.wait()
        running.stop()
    return 0
