"""What search sees: records as they were a moment ago."""

from collections import deque
from typing import TYPE_CHECKING

from .tables import RECORD_KINDS, Row

if TYPE_CHECKING:
    from .portal import Portal


class SearchIndex:
    """A copy of the records that follows their writes after `searchLag` seconds. Callers hold the portal's lock."""

    def __init__(self, portal: "Portal") -> None:
        self._portal = portal
        self._rows: dict[str, dict[str, Row]] = {kind: {} for kind in RECORD_KINDS}
        self._waiting: deque[tuple[float, str, str, Row | None]] = deque()

    def note(self, kind: str, row_id: str, row: Row | None) -> None:
        if kind in self._rows:
            self._waiting.append((self._portal.seconds(), kind, row_id, row))
            self._catch_up()

    def put_now(self, kind: str, row: Row) -> None:
        self._put(kind, row["id"], row)

    def _put(self, kind: str, row_id: str, row: Row | None) -> None:
        if row is None or row.get("archived"):
            self._rows[kind].pop(row_id, None)
        else:
            self._rows[kind][row_id] = row

    def _catch_up(self) -> None:
        """Take over what was written long enough ago."""
        seen = self._portal.seconds() - self._portal.settings.searchLag
        while self._waiting and self._waiting[0][0] <= seen:
            _, kind, row_id, row = self._waiting.popleft()
            self._put(kind, row_id, row)

    def rows(self, kind: str) -> list[Row]:
        """The records of a kind as search knows them by now."""
        self._catch_up()
        return list(self._rows[kind].values())
