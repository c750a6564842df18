"""Lists that go on: the place of the last row shown travels in the address as `before`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Generic, TypeVar

from attrs import frozen
from django.http import HttpRequest

Row = TypeVar("Row")
Place = tuple[datetime, int]


@frozen
class Page(Generic[Row]):
    """One page of a list. `older` is the query string of the next one, empty at the end."""

    rows: Sequence[Row]
    older: str
    is_first: bool
    newest: str


def key_of(text: str) -> int | None:
    """A key from an address; None for what cannot be one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def place(request: HttpRequest) -> Place | None:
    """Where the page begins; an address that was tampered with begins at the top."""
    at, _, key = request.GET.get("before", "").partition("~")
    try:
        moment = datetime.fromisoformat(at)
        found = moment.astimezone(UTC), int(key)
    except (ValueError, OverflowError):
        return None
    return found if moment.tzinfo and 0 <= found[1] < 2**63 else None


def page_of(
    request: HttpRequest, rows: Sequence[Row], size: int, place_of: Callable[[Row], Place]
) -> Page[Row]:
    """A page from up to `size` + 1 rows: the one too many says that there are more."""
    query = request.GET.copy()
    query.pop("before", None)
    newest = query.urlencode()
    older = ""
    if len(rows) > size:
        at, key = place_of(rows[size - 1])
        query["before"] = f"{at.astimezone(UTC).isoformat()}~{key}"
        older = query.urlencode()
    return Page(rows[:size], older, place(request) is None, newest)
