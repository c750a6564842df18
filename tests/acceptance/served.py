"""`instep serve` as a process of its own, spoken to over HTTP."""

from __future__ import annotations

import json
import socket
import time
from datetime import UTC, datetime
from typing import Any

import httpx2
from events import signature

from instep_process import InstepHome


class Served:
    """A running Instep and the address that its OnceHub webhook has."""

    def __init__(self, home: InstepHome) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        told = home.json("webhook", "oncehub")
        self.path, self.secret = str(told["path"]), str(told["secret"])
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = home.spawn("serve", "--port", str(self.port))
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        ends = time.monotonic() + 60
        while time.monotonic() < ends:
            try:
                answer = httpx2.get(f"{self.url}/readyz", timeout=5)
            except httpx2.TransportError:
                answer = None
            if answer is not None and answer.status_code == 200 and answer.json()["workers"]:
                return
            assert self.process.poll() is None, self.said()
            time.sleep(0.1)
        raise AssertionError(f"not ready within 60 s: {self.said()}")

    def said(self) -> str:
        """What the processes wrote to their log."""
        return str(self.process.log.read_text(errors="replace"))  # type: ignore[attr-defined]

    def post(self, body: bytes | dict[str, Any], **headers: str) -> httpx2.Response:
        """Post a body, signed now with the webhook's secret unless `signature` says otherwise."""
        raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        signed = headers.pop("signature", signature(raw, self.secret, datetime.now(UTC)))
        path = headers.pop("path", self.path)
        return httpx2.post(
            self.url + path, content=raw, timeout=30,
            headers={"Content-Type": "application/json", "Oncehub-Signature": signed.encode("latin-1"), **headers},
        )  # fmt: skip
