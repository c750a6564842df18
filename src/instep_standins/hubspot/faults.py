"""The portal's faults: armed by `/__fake__/faults`, drawn by requests that match.

Request faults are drawn once per request. Row faults (row, associations) are drawn per record, in whatever call it
travels; row_limit by the number of records in one call.
"""

from typing import Any

import attrs

from ..faults import Armed, Fault, Operation
from . import errors
from .errors import ApiError, Problem, invalid_values
from .rates import POLICIES
from .seed import PORTAL_ID

REQUEST_KINDS = frozenset(
    {"status", "limit", "latency", "drop_before", "drop_after", "late_commit", "session", "malformed"}
)
ROW_KINDS = frozenset({"row", "row_limit", "associations"})

_NUMBERS = frozenset({"status", "ms", "hold", "max", "retryAfter"})

# What HubSpot says with a status where an order says nothing else.
_SAID = {
    401: ("Authentication credentials not found.", errors.INVALID_AUTHENTICATION),
    403: ("This app hasn't been granted all required scopes to make this call.", errors.MISSING_SCOPES),
    409: ("The record was changed by another request at the same time.", errors.CONFLICT),
    423: ("The record is locked by another request. Try again in 2 seconds.", None),
    429: ("You have reached your ten_secondly_rolling limit.", "RATE_LIMITS"),
    477: ("This account is being migrated to another data center.", None),
    500: ("internal error", None),
}


def refusal(fault: Fault) -> ApiError:
    """The answer of a status or row fault: HubSpot's envelope, unless a body is ordered."""
    d = fault.details
    status = int(d.get("status", 400 if fault.kind == "row" else 503))
    headers = {str(k): str(v) for k, v in (d.get("headers") or {}).items()}
    if "body" in d:
        return ApiError(status, d["body"], headers)
    if d.get("property"):
        code = str(d.get("code", "INVALID_VALUE"))
        return invalid_values(
            PORTAL_ID, [Problem(str(d["property"]), code, str(d.get("message", "Not valid.")))]
        )
    if status >= 500 and status != 500 and "message" not in d:
        # A gateway's answer is no JSON of HubSpot's.
        return ApiError(status, None, headers)
    message, category = _SAID.get(status, ("The request was not valid.", errors.VALIDATION_ERROR))
    if status == 477:
        headers.setdefault("Retry-After", str(d.get("retryAfter", 60)))
    more = {"errors": d["errors"]} if d.get("errors") else {}
    found = errors.error(status, str(d.get("message", message)), d.get("category", category), **more)
    return ApiError(found.status, found.body, headers)


def limited(fault: Fault) -> ApiError:
    """429 by the ordered policy."""
    found = errors.rate_limited(str(fault.details.get("policy", POLICIES[0])))
    seconds = fault.details.get("retryAfter")
    return attrs.evolve(found, headers={} if seconds is None else {"Retry-After": str(seconds)})


class Faults(Armed):
    """The armed faults of a portal."""

    def __init__(self) -> None:
        super().__init__(REQUEST_KINDS | ROW_KINDS, REQUEST_KINDS)

    def arm(self, order: dict[str, Any]) -> Fault:
        if order.get("kind") == "limit" and order.get("policy", POLICIES[0]) not in POLICIES:
            raise ValueError(f"Policy {order['policy']!r} is unknown; use one of {', '.join(POLICIES)}.")
        for name in _NUMBERS & order.keys():
            if not isinstance(order[name], int | float) or isinstance(order[name], bool) or order[name] < 0:
                raise ValueError(f"A fault's {name} must be a number; not {order[name]!r}.")
        return super().arm(order)

    def on_row(self, operation: Operation, kind: str, op: str, record: dict[str, Any]) -> Fault | None:
        """The fault that refuses one record of a create, update, upsert, delete or associate."""
        single = attrs.evolve(operation, object=kind, kinds=operation.kinds | {op})
        return self.first("row", lambda match: match.call(single) and match.values(record))

    def on_associations(self, operation: Operation, kind: str, record: dict[str, Any]) -> Fault | None:
        single = attrs.evolve(operation, object=kind, kinds=operation.kinds | {"create", "associate"})
        return self.first("associations", lambda match: match.call(single) and match.values(record))

    def on_size(self, operation: Operation) -> Fault | None:
        """The fault that refuses a batch because it is too large."""
        return self.first(
            "row_limit",
            None,
            lambda fault: (
                fault.match.call(operation) and len(operation.records) > int(fault.details.get("max", 25))
            ),
        )
