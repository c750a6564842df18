"""What the web server's door makes of requests, without a server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse

from instep.ops.front import SMALL, Environment, Front

LIMIT = 1_000_000


def pages(environ: Environment, start_response: StartResponse) -> Iterable[bytes]:
    """Answers with what it was asked."""
    if environ["PATH_INFO"] == "/broken":
        raise RuntimeError("broken")
    asked = {name: value for name, value in environ.items() if isinstance(value, str)}
    start_response("200 OK", [("X-Page", "yes")])
    return [json.dumps(asked | {"body": len(environ["wsgi.input"].read())}).encode()]


def ask(
    front: Front,
    *pieces: bytes,
    path: bytes = b"/",
    headers: Iterable[tuple[bytes, bytes]] = (),
    ends: bool = True,
) -> tuple[int, dict[bytes, bytes], dict[str, Any]]:
    """One request; with `ends` false its body stays away after the pieces."""
    scope = {
        "type": "http", "method": "POST", "scheme": "http", "http_version": "1.1", "path": "?", "raw_path": path,
        "query_string": b"", "server": ("127.0.0.1", 8000), "client": ("192.0.2.1", 4000), "headers": list(headers),
    }  # fmt: skip
    coming = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    if ends:
        coming.append({"type": "http.request", "body": b"", "more_body": False})
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return coming.pop(0) if coming else await asyncio.Future()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(front(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"]), json.loads(sent[1]["body"])


def test_the_pages_see_the_request_as_it_was() -> None:
    headers = [
        (b"cookie", b"a=1"), (b"cookie", b"b=2"), (b"x-real", b"1"), (b"x-real", b"2"), (b"x_real", b"forged"),
        (b"content-type", b"text/plain"), (b"content-length", b"3"), (b"transfer-encoding", b"chunked"),
    ]  # fmt: skip
    status, answered, asked = ask(Front(pages, LIMIT, 2), b"ab", b"c", path=b"/th%C3%A9%ff", headers=headers)
    assert (status, answered[b"x-page"], asked["body"]) == (200, b"yes", 3)
    assert asked["PATH_INFO"].encode("latin-1") == b"/th\xc3\xa9\xff"
    assert (asked["HTTP_COOKIE"], asked["HTTP_X_REAL"]) == ("a=1; b=2", "1,2")
    assert (asked["CONTENT_TYPE"], asked["CONTENT_LENGTH"], asked["REMOTE_ADDR"]) == (
        "text/plain",
        "3",
        "192.0.2.1",
    )
    assert "HTTP_TRANSFER_ENCODING" not in asked


def test_what_is_not_taken_says_why_and_ends_the_connection() -> None:
    front = Front(pages, LIMIT, 2, body_seconds=0.05)
    too_large = [(b"content-length", b"1000001")]
    for answer, expected in (
        (ask(front, headers=too_large, ends=False), (413, "BODY_TOO_LARGE")),
        (ask(front, b"x" * LIMIT, b"x", ends=False), (413, "BODY_TOO_LARGE")),
        (ask(front, b"x", ends=False), (408, "BODY_TOO_SLOW")),
        (ask(front, b"x", headers=[(b"content-length", b"2")]), (400, "BODY_INCOMPLETE")),
        (ask(front, headers=[(b"content-length", b"-1")]), (400, "CONTENT_LENGTH")),
        (ask(front, path=b"/broken"), (500, "INTERNAL")),
    ):
        status, headers, body = answer
        assert (status, body["error"]["code"]) == expected
        assert headers[b"connection"] == b"close"


def test_large_bodies_leave_room_for_small_ones_and_give_it_back() -> None:
    front = Front(pages, LIMIT, 2)

    async def full() -> list[int]:
        """Two bodies at the limit wait for their end; two more come, one of them small."""
        statuses: list[int] = []
        end = asyncio.Event()

        async def one(length: int, waits: bool) -> None:
            pieces = [{"type": "http.request", "body": b"x" * length, "more_body": True}]

            async def receive() -> dict[str, Any]:
                if pieces:
                    return pieces.pop()
                if waits:
                    await end.wait()
                return {"type": "http.request", "body": b"", "more_body": False}

            async def send(message: dict[str, Any]) -> None:
                statuses.extend([message["status"]] if "status" in message else [])

            scope = {"type": "http", "method": "POST", "scheme": "http", "http_version": "1.1", "path": "/",
                     "query_string": b"", "headers": []}  # fmt: skip
            await front(scope, receive, send)

        waiting = [asyncio.create_task(one(LIMIT, True)) for _ in range(2)]
        await asyncio.sleep(0.01)
        await one(SMALL + 1, False)
        await one(SMALL, False)
        end.set()
        await asyncio.gather(*waiting)
        await one(LIMIT, False)
        return statuses

    assert asyncio.run(full()) == [503, 200, 200, 200, 200]
