"""The request body, made safe before Django sees it: never larger than the limit, always with a length.

Django takes a body that comes in chunks (no Content-Length) for an empty one, and answers a body over its own
limit with 400. Here the chunks are read and counted, and too large a body gets a 413 that says so.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from typing import Any, Protocol

Environment = dict[str, Any]

#: A client that still sends reads no answer: so much more is taken and thrown away, in limits.
PATIENCE = 4
PIECE = 64 * 1024


class StartResponse(Protocol):
    """WSGI's `start_response`."""

    def __call__(self, status: str, headers: list[tuple[str, str]]) -> object: ...


class Application(Protocol):
    """A WSGI application."""

    def __call__(self, environ: Environment, start_response: StartResponse) -> Iterable[bytes]: ...


class BodyLimit:
    """A WSGI application around another one, with a limit on request bodies in bytes."""

    def __init__(self, application: Application, limit: int) -> None:
        self._application = application
        self._limit = limit

    def __call__(self, environ: Environment, start_response: StartResponse) -> Iterable[bytes]:
        declared = environ.get("CONTENT_LENGTH") or ""
        if declared and not declared.isdecimal():
            return _refuse(
                start_response, "400 Bad Request", "CONTENT_LENGTH", "Content-Length is no number."
            )
        if not declared and "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
            body = _read(environ["wsgi.input"], self._limit + 1)
            environ["wsgi.input"] = io.BytesIO(body)
            environ["CONTENT_LENGTH"] = declared = str(len(body))
        if declared and int(declared) > self._limit:
            _read_away(environ["wsgi.input"], self._limit * PATIENCE)
            said = f"The request is larger than {self._limit} bytes, the most that is accepted."
            return _refuse(start_response, "413 Content Too Large", "BODY_TOO_LARGE", said)
        return self._application(environ, start_response)


def _read(stream: io.BufferedIOBase, most: int) -> bytes:
    pieces = []
    while most > 0 and (piece := stream.read(min(PIECE, most))):
        pieces.append(piece)
        most -= len(piece)
    return b"".join(pieces)


def _read_away(stream: io.BufferedIOBase, most: int) -> None:
    while most > 0 and (piece := stream.read(PIECE)):
        most -= len(piece)


def _refuse(start_response: StartResponse, status: str, code: str, message: str) -> Iterable[bytes]:
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
