"""Orders that every stand-in takes at its admin endpoint: what was asked of it, and which faults are armed."""

from collections.abc import Callable
from typing import Any, Protocol

from .faults import Armed
from .journal import Journal

Body = dict[str, Any]
Query = dict[str, str]
#: (the stand-in, what was sent, the query) → what is answered
Order = Callable[[Any, Body, Query], Any]


class Watched(Protocol):
    """A stand-in: its journal of calls and its armed faults."""

    journal: Journal
    faults: Armed


def orders(refuse: Callable[[int, str], Exception]) -> dict[tuple[str, str], Order]:
    """The orders by method and name; `refuse` makes a stand-in's own error of a status and its words."""

    def arm(standin: Watched, body: Body, query: Query) -> Any:
        try:
            return standin.faults.arm(body).told()
        except (ValueError, TypeError) as problem:
            raise refuse(400, str(problem)) from None

    return {
        ("GET", "journal"): _journal,
        ("POST", "journal/clear"): _clear_journal,
        ("GET", "calls"): _calls,
        ("GET", "faults"): _faults,
        ("POST", "faults"): arm,
        ("DELETE", "faults"): _disarm,
    }


def _journal(standin: Watched, body: Body, query: Query) -> Any:
    return standin.journal.entries()


def _clear_journal(standin: Watched, body: Body, query: Query) -> Any:
    standin.journal.clear()
    return {}


def _calls(standin: Watched, body: Body, query: Query) -> Any:
    return {"counted": standin.journal.counted, "total": standin.journal.total}


def _faults(standin: Watched, body: Body, query: Query) -> Any:
    return standin.faults.told()


def _disarm(standin: Watched, body: Body, query: Query) -> Any:
    standin.faults.clear(body.get("id"))
    return {}
