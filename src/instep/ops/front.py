"""The door of the web server: an ASGI application that hands whole requests to a WSGI one in threads.

    request → body read here, within limits → thread: pages (WSGI) → whole answer → sent from here

A thread is taken only for a request that is all there, and given back before the answer travels: however many
callers send their bodies slowly, or read their answers slowly, the threads are free for the others. A server that
reads the body in its threads stops when as many strangers as it has threads send one byte each.

Answers of its own: 400 for half a body, 408 too slow, 413 too large (nothing is read of what says so itself),
500 when the pages fail, 503 + Retry-After when the bodies being read fill their share of the memory.
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote_to_bytes

import structlog
from attrs import frozen

Environment = dict[str, Any]
Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

#: A body must be there after so many seconds, and one more for each so many bytes that have come.
BODY_SECONDS = 10.0
SLOWEST_BYTES_PER_SECOND = 500_000

#: Bodies of so many bytes (events, forms) are taken even while large ones fill the room.
SMALL = 64 * 1024

#: A WSGI application; its answer is an iterable of bytes, perhaps with `close`.
WsgiApplication = Callable[[Environment, Any], Any]

log = structlog.get_logger(__name__)


@frozen
class Answer:
    """A whole answer: status, headers in their order, body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Refused(Exception):
    """The body is not taken; `answer` says why."""

    def __init__(self, status: int, code: str, message: str, headers: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        body = json.dumps({"error": {"code": code, "message": message}}).encode()
        # What is left of the body would be taken for the next request, so the connection ends here.
        own = [("Content-Type", "application/json"), ("Connection", "close")]
        self.answer = Answer(status, [*own, *headers, ("Content-Length", str(len(body)))], body)


class Front:
    """An ASGI application around a WSGI one: `limit` bytes a body, `threads` requests in progress at once."""

    def __init__(
        self, pages: WsgiApplication, limit: int, threads: int, body_seconds: float = BODY_SECONDS
    ) -> None:
        self._pages = pages
        self._limit = limit
        self._body_seconds = body_seconds
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="web")
        self._room = limit * threads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise ValueError(f"Only HTTP is served here, not {scope['type']}.")
        taken = _Taken()
        try:
            body = await self._body(scope, receive, taken)
            environ = _environment(scope, body)
            answer = await asyncio.get_running_loop().run_in_executor(self._threads, self._ask, environ)
        except Refused as refused:
            answer = refused.answer
        finally:
            self._room += taken.bytes
        headers = [(name.lower().encode("latin-1"), text.encode("latin-1")) for name, text in answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _body(self, scope: Scope, receive: Receive, taken: _Taken) -> bytes:
        """The whole body; `Refused` when it is too large, too slow, or not all there."""
        declared = self._declared(scope)
        started, pieces, more = time.monotonic(), [], True
        while more:
            until = started + self._body_seconds + taken.bytes / SLOWEST_BYTES_PER_SECOND
            try:
                async with asyncio.timeout(until - time.monotonic()):
                    message = await receive()
            except TimeoutError:
                raise Refused(408, "BODY_TOO_SLOW", "The request's body did not come in time.") from None
            if message["type"] == "http.disconnect":
                raise Refused(400, "BODY_INCOMPLETE", "The connection ended before the request did.")
            piece, more = message.get("body", b""), message.get("more_body", False)
            taken.bytes += len(piece)
            self._room -= len(piece)
            if taken.bytes > self._limit:
                raise self._too_large()
            if self._room < 0 and taken.bytes > SMALL:
                said = "Too many large requests are on their way."
                raise Refused(503, "BUSY", said, [("Retry-After", "5")])
            pieces.append(piece)
        if declared is not None and taken.bytes < declared:
            raise Refused(400, "BODY_INCOMPLETE", "The body is shorter than its Content-Length.")
        return b"".join(pieces)

    def _declared(self, scope: Scope) -> int | None:
        for name, value in scope["headers"]:
            if name.lower() == b"content-length":
                if not value.isdigit():
                    raise Refused(400, "CONTENT_LENGTH", "Content-Length is no number.")
                if int(value) > self._limit:
                    raise self._too_large()
                return int(value)
        return None

    def _too_large(self) -> Refused:
        said = f"The request is larger than {self._limit} bytes, the most that is accepted."
        return Refused(413, "BODY_TOO_LARGE", said)

    def _ask(self, environ: Environment) -> Answer:
        """Run the pages, in a thread, to the end of their answer."""
        said: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None, /) -> None:
            said.append((status, headers))

        try:
            answer = self._pages(environ, start_response)
            try:
                body = b"".join(answer)
            finally:
                close = getattr(answer, "close", None)
                if close is not None:
                    close()
            status, headers = said[-1]
            return Answer(int(status.split(" ", 1)[0]), headers, body)
        except Exception:
            # The last to know: without an answer from here the caller would wait for ever.
            log.exception("request_failed", method=environ["REQUEST_METHOD"], path=environ["PATH_INFO"])
            return Refused(500, "INTERNAL", "Something went wrong here; the log says what.").answer


class _Taken:
    """How many bytes of a body have come so far: they are given back when the request is over."""

    def __init__(self) -> None:
        self.bytes = 0


def _environment(scope: Scope, body: bytes) -> Environment:
    """The WSGI environment of a whole request (PEP 3333): bytes as latin-1 text."""
    server, client = scope.get("server") or ("", 0), scope.get("client") or ("", 0)
    environ: Environment = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": _path(scope).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        # `X_Forwarded_For` would be read as `X-Forwarded-For`, which the proxy guards and this it does not.
        if "_" in name or name in ("content-length", "transfer-encoding"):
            continue
        key = "CONTENT_TYPE" if name == "content-type" else f"HTTP_{name.upper().replace('-', '_')}"
        if key in environ:
            value = f"{environ[key]}{'; ' if name == 'cookie' else ','}{value}"
        environ[key] = value
    return environ


def _path(scope: Scope) -> bytes:
    """The path's bytes; ASGI's text of it has lost those that are no UTF-8."""
    raw = scope.get("raw_path")
    return scope["path"].encode() if raw is None else unquote_to_bytes(raw)
