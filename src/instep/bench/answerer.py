"""A lean answerer for the line with a thousand connections: it speaks for any number of orgs and keeps nothing.

A stand-in org takes more CPU for a booking than the engine does, so with a thousand of them on the same two
cores the bench would measure the stand-in. This one answers Composite calls in Salesforce's form: every query
finds nothing, every write succeeds with a new id. It counts what it was sent, so that the bench can check that
everything came, once. Run as a process: `python -m instep.bench.answerer PORT MILLISECONDS`.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from typing import Any

from attrs import define, field

from instep.ops.lifetime import die_with_supervisor

_PREFIXES = {"Lead": "00Q", "Event": "00U", "Contact": "003", "Account": "001", "Case": "500"}


@define
class _Counts:
    """What was sent: calls, and the external ids of records by object."""

    calls: int = 0
    written: dict[str, set[str]] = field(factory=dict)
    made: int = 0


class _Connection(asyncio.Protocol):
    """One kept-alive HTTP connection; a request is answered before the next one comes."""

    def __init__(self, counts: _Counts, seconds: float) -> None:
        self._counts = counts
        self._seconds = seconds
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        head, ends, rest = self._held.partition(b"\r\n\r\n")
        if not ends:
            return
        length = _length(head)
        if len(rest) < length:
            return
        self._held = rest[length:]
        if head.startswith(b"GET "):
            self._answer(self._told())
            return
        self._counts.calls += 1
        answer = _composite(json.loads(rest[:length]), self._counts)
        asyncio.get_running_loop().call_later(self._seconds, self._answer, answer)

    def _told(self) -> Any:
        return {"calls": self._counts.calls, "written": {k: len(v) for k, v in self._counts.written.items()}}

    def _answer(self, body: Any) -> None:
        content = json.dumps(body).encode()
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nSforce-Limit-Info: api-usage=1/10000000\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        self._transport.write(head.encode() + content)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _composite(body: Any, counts: _Counts) -> Any:
    parts = []
    for request in body["compositeRequest"]:
        answer: Any
        if request["method"] == "GET":
            answer = {"totalSize": 0, "done": True, "records": []}
        elif "records" in request["body"]:
            answer = [_write(row, counts) for row in request["body"]["records"]]
        else:
            # a single upsert: .../sobjects/<object>/<field>/<external id>
            name, key, value = request["url"].rsplit("/", 3)[1:]
            answer = _write({"attributes": {"type": name}, key: value}, counts)
        parts.append(
            {"body": answer, "httpHeaders": {}, "httpStatusCode": 200, "referenceId": request["referenceId"]}
        )
    return {"compositeResponse": parts}


def _write(row: dict[str, Any], counts: _Counts) -> dict[str, Any]:
    name = row["attributes"]["type"]
    key = row.get("Instep_Booking_Id__c") or row.get("Instep_Contact_Id__c") or ""
    counts.written.setdefault(name, set()).add(key)
    counts.made += 1
    return {"id": f"{_PREFIXES[name]}{counts.made:012d}AAA", "success": True, "errors": [], "created": True}


async def _serve(port: int, seconds: float) -> None:
    counts = _Counts()
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = await loop.create_server(lambda: _Connection(counts, seconds), "127.0.0.1", port, backlog=512)
    await stopped.wait()
    server.close()


if __name__ == "__main__":
    die_with_supervisor()
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2]) / 1000))
