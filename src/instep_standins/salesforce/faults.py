"""The org's faults: armed by `/__fake__/faults`, drawn by requests that match.

Request faults (status, latency, drop_before, drop_after, late_commit, session) are drawn once per request that holds
a matching operation; a status fault that matches only a composite's sub-request fails that sub-request.
Row faults (row, row_limit) are drawn per record, in whatever call it travels.
"""

from collections.abc import Iterable
from typing import Any

import attrs

from ..faults import Armed, Fault
from . import errors
from .errors import ApiError, RowError
from .operations import Operation

REQUEST_KINDS = frozenset({"status", "latency", "drop_before", "drop_after", "late_commit", "session"})
ROW_KINDS = frozenset({"row", "row_limit"})

_CPU_LIMIT = (
    "BookingTrigger: execution of BeforeInsert caused by: System.LimitException: Apex CPU time limit exceeded"
)
_ANY_COMPOSITE = Operation("POST", "/services/data/v68.0/composite", frozenset({"composite"}))


def error_of(fault: Fault) -> ApiError:
    """The answer of a status fault: a JSON error where a code is ordered, else an empty body."""
    status = int(fault.details.get("status", 503))
    headers = {str(k): str(v) for k, v in (fault.details.get("headers") or {}).items()}
    code = fault.details.get("errorCode")
    body = (
        [{"message": fault.details.get("message", ""), "errorCode": code}]
        if code
        else fault.details.get("body")
    )
    return ApiError(status, body, headers)


class Faults(Armed):
    """The armed faults of an org."""

    def __init__(self) -> None:
        super().__init__(REQUEST_KINDS | ROW_KINDS, REQUEST_KINDS)

    def on_sub_request(self, operation: Operation) -> Fault | None:
        """The status fault that hits one sub-request of a composite."""
        # An order that meets the composite itself is about the whole request and was drawn there.
        return self.first("status", lambda match: match.whole(operation) and not match.whole(_ANY_COMPOSITE))

    def on_row(self, operation: Operation, record: dict[str, Any]) -> RowError | None:
        """The refusal ordered for one record of a create, update, upsert or delete."""
        fault = self.first("row", lambda match: match.call(operation) and match.values(record))
        if fault is None:
            return None
        d = fault.details
        return RowError(
            d.get("errorCode", errors.UNKNOWN_EXCEPTION), d.get("message", "An unexpected error occurred."),
            list(d.get("fields") or []), dict(d.get("extra") or {}), d.get("status"),
        )  # fmt: skip

    def on_collection(self, operation: Operation, sizes: Iterable[tuple[str, int]]) -> dict[str, RowError]:
        """The org's own automation: object → refusal of all its rows, where a collection is too large for it."""
        refused = {}
        for name, size in sizes:
            single = attrs.evolve(operation, object=name)

            def too_many(fault: Fault, single: Operation = single, size: int = size) -> bool:
                return fault.match.call(single) and size > int(fault.details.get("max", 25))

            fault = self.first("row_limit", None, too_many)
            if fault:
                refused[name] = RowError(
                    fault.details.get("errorCode", errors.CANNOT_ACTIVATE_ENTITY),
                    fault.details.get("message", _CPU_LIMIT),
                )
        return refused
