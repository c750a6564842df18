"""The request journal: what was called, when, for how long, and whether it counted as an API call."""

import threading
from collections import deque
from typing import Any

import attrs

_KEPT = 5000


@attrs.frozen
class Entry:
    """One request. `at` is UTC; `ms` the time to answer; status 0 means that no answer was sent."""

    n: int
    at: str
    method: str
    path: str
    status: int
    counted: bool
    ms: float
    summary: list[str]


class Journal:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        with self._lock:
            self._entries: deque[Entry] = deque(maxlen=_KEPT)
            self.total = 0
            self.counted = 0

    def add(self, **values: Any) -> None:
        with self._lock:
            self.total += 1
            self.counted += values["counted"]
            self._entries.append(Entry(n=self.total, **values))

    def entries(self) -> list[dict[str, Any]]:
        with self._lock:
            return [attrs.asdict(entry) for entry in self._entries]
