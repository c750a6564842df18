"""A call on its way through the portal, and its answer."""

from typing import TYPE_CHECKING, Any

import attrs

from .errors import ApiError, bad_json, missing_scopes
from .faults import refusal
from .tokens import Grant

if TYPE_CHECKING:
    from ..faults import Fault, Operation
    from .portal import Portal


@attrs.frozen
class Call:
    """Who calls, on which version, what; `parts` are the segments after the version, `query` has all values."""

    portal: "Portal"
    grant: Grant
    version: str
    method: str
    parts: tuple[str, ...]
    query: dict[str, list[str]]
    body: Any
    base_url: str
    path: str
    operation: "Operation"

    def need(self, *one_of: str) -> None:
        """Raises 403 where the token has none of these scopes."""
        if not self.grant.has(one_of):
            raise missing_scopes(one_of)

    def one(self, name: str, default: str = "") -> str:
        return self.query.get(name, [default])[-1]

    def listed(self, name: str) -> list[str]:
        """A parameter that may be repeated, or hold several values between commas."""
        found = [part.strip() for value in self.query.get(name, []) for part in value.split(",")]
        return [part for part in found if part]

    def json(self) -> dict[str, Any]:
        """The body as an object. Raises 400."""
        if not isinstance(self.body, dict):
            raise bad_json(1, 1, "an object is expected")
        return self.body

    def ordered(self, kind: str, op: str, record: dict[str, Any]) -> ApiError | None:
        """The refusal that a fault orders for one record."""
        fault = self.portal.faults.on_row(self.operation, kind, op, record)
        return None if fault is None else refusal(fault)

    def lost_associations(self, kind: str, record: dict[str, Any]) -> "Fault | None":
        """The fault by which a record is made and its associations are not."""
        return self.portal.faults.on_associations(self.operation, kind, record)
