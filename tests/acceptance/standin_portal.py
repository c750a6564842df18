"""A HubSpot stand-in as its own process, ordered about and compared like the portals of the fault tests."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2

from faults.portal import Portal
from instep_process import InstepHome


def start_portal(home: InstepHome, *options: str) -> Portal:
    """Spawn `instep standin hubspot` on a free port and wait for the line that says where."""
    process = home.spawn("standin", "hubspot", "--port", "0", *options)
    log: Path = process.log  # type: ignore[attr-defined]
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        for line in log.read_text().splitlines():
            if line.startswith('{"base_url"'):
                said: dict[str, Any] = json.loads(line)
                running: Any = SimpleNamespace(base_url=said["base_url"], portal=SimpleNamespace(**said))
                return Portal(running, httpx2.Client(timeout=120))
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    raise AssertionError(f"The stand-in said nothing within 30 s: {log.read_text()}")
