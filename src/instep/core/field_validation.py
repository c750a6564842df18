"""The fields that a CRM requires of every new record and gives no default of its own: what fills each of them.

Source: OnceHub 2.3. A field is listed while it is universally required and has no default in the CRM.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum

from attrs import evolve, frozen

from instep.core.catalogue import static_value
from instep.core.crm_schema import LOCATION, Field, ObjectSchema, mappable
from instep.core.mapping import Row, default_for

#: a default of today is told as such: the moment itself means nothing
_ANY_DAY = datetime(2000, 1, 1, tzinfo=UTC)
#: the default of a geolocation, for both of its parts
_NOWHERE = "0.000000, 0.000000"


class State(StrEnum):
    """What happens to a required field of a new record."""

    FILLED = "filled"
    """A field, a static value or a fallback fills it, whatever the guest says."""
    AT_TIMES = "at_times"
    """A field fills it; where that is empty the documented default is sent."""
    DEFAULT = "default"
    """Nothing fills it: the documented default is sent, and each time is a field validation error."""
    REFUSED = "refused"
    """Nothing fills it and its type has no default: new records are refused."""
    BLOCKED = "blocked"
    """Its type cannot be filled at all: it has to be solved in the CRM."""


@frozen
class Required:
    """One required field, the row that feeds it, and what is sent where that gives nothing (empty: nothing can be)."""

    object: str
    target: Field
    state: State
    row: Row | None = None
    default: str = ""

    @property
    def is_open(self) -> bool:
        """Whether an admin has to do something before new records are right."""
        return self.state in (State.DEFAULT, State.REFUSED, State.BLOCKED)


def required_fields(described: ObjectSchema, rows: Sequence[Row], own: frozenset[str]) -> list[Required]:
    """The required fields of an object, the open ones first; `own` are those that Instep fills itself."""
    by_field = {target.name: row for row in rows if (target := described.get(row.field)) is not None}
    found = [
        _required(described, target, by_field.get(target.name))
        for target in described.asked()
        if target.name not in own and not target.reserved
    ]
    return sorted(found, key=lambda one: not one.is_open)


def _required(described: ObjectSchema, target: Field, row: Row | None) -> Required:
    default = _NOWHERE if target.type == LOCATION else _default(target)
    if not mappable(described, target):
        return Required(described.name, target, State.BLOCKED)
    if row is None:
        state = State.DEFAULT if default else State.REFUSED
    elif static_value(row.source) or row.fallback is not None:
        state = State.FILLED
    else:
        state = State.AT_TIMES
    return Required(described.name, target, state, row, default)


def _default(target: Field) -> str:
    done = default_for(target, _ANY_DAY)
    if done.refused:
        return ""
    if target.type == "date":
        return "the day of the booking"
    if target.type == "datetime":
        return "the present moment"
    # zeros as the documented defaults have them, which people recognise
    return {"currency": "$0.00", "percent": "0%"}.get(target.type, str(done.value))


def with_row(
    rows: Sequence[Row], described: ObjectSchema, field_name: str, row: Row | None
) -> tuple[Row, ...]:
    """The rows with this one in the place of whatever fed its field; None takes that away. Overwrite stays."""
    done, placed = [], False
    for old in rows:
        target = described.get(old.field)
        if (target.name if target else old.field) != field_name:
            done.append(old)
        elif row is not None and not placed:
            done.append(evolve(row, overwrite=old.overwrite))
            placed = True
    return (*done, row) if row is not None and not placed else tuple(done)
