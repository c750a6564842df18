"""`/search`: filters over records as they were a moment ago. No limit headers; at most 10,000 results."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..routing import Answer
from . import errors, records, times
from .call import Call
from .schema import ObjectType, Property
from .tables import Row

if TYPE_CHECKING:
    from .portal import Portal

_MOST_GROUPS, _MOST_FILTERS, _MOST_IN_ALL, _MOST_ROWS, _MOST_RESULTS, _LONGEST = 5, 6, 18, 200, 10_000, 3000
_OPERATORS = frozenset(
    [
        "EQ",
        "NEQ",
        "LT",
        "LTE",
        "GT",
        "GTE",
        "BETWEEN",
        "IN",
        "NOT_IN",
        "HAS_PROPERTY",
        "NOT_HAS_PROPERTY",
        "CONTAINS_TOKEN",
        "NOT_CONTAINS_TOKEN",
    ]
)
# What `query` looks into.
_QUERIED = {
    "contacts": ("email", "firstname", "lastname", "phone", "company", "hs_additional_emails"),
    "companies": ("name", "domain", "phone", "website"),
    "deals": ("dealname",),
    "tickets": ("subject", "content"),
    "meetings": ("hs_meeting_title", "hs_meeting_body"),
}
Test = Callable[[Row], bool]


def handle(call: Call, otype: ObjectType) -> Answer:
    """One search."""
    body = call.json()
    if len(str(body)) > _LONGEST:
        raise errors.invalid(f"The search is longer than {_LONGEST} characters")
    tests = _groups(call.portal, otype, body.get("filterGroups") or [], body.get("filters"))
    limit, after = body.get("limit", 10), str(body.get("after") or "0")
    if not isinstance(limit, int) or isinstance(limit, bool) or not 0 <= limit <= _MOST_ROWS:
        raise errors.invalid(f"The limit {limit} is not valid: it must be between 0 and {_MOST_ROWS}")
    if not isinstance(body.get("properties") or [], list):
        raise errors.bad_json(1, 1, "properties must be a list")
    if not after.isdecimal():
        raise errors.invalid(f"The paging cursor {after} is not valid")
    if int(after) + limit > _MOST_RESULTS:
        raise errors.invalid(f"Paging through more than {_MOST_RESULTS} results is not possible")
    words = str(body.get("query") or "").lower().split()
    found = [
        row for row in call.portal.index.rows(otype.name)
        if (not tests or any(all(test(row) for test in group) for group in tests)) and _says(otype, row, words)
    ]  # fmt: skip
    found = _sorted(call.portal, otype, found, body.get("sorts") or [])
    start = int(after)
    asked = body.get("properties") or []
    told = [
        records.told(call.portal, otype, row, [str(name) for name in asked])
        for row in found[start : start + limit]
    ]
    answer: dict[str, Any] = {"total": len(found), "results": told}
    if start + limit < len(found) and limit:
        answer["paging"] = {"next": {"after": str(start + limit)}}
    return Answer(200, answer)


def _groups(portal: "Portal", otype: ObjectType, groups: Any, single: Any) -> list[list[Test]]:
    if single and isinstance(groups, list):
        groups = [{"filters": single}, *groups]
    if not isinstance(groups, list):
        raise errors.bad_json(1, 1, "filterGroups must be a list")
    if len(groups) > _MOST_GROUPS:
        raise errors.invalid(f"too many filterGroups (count: {len(groups)}, max allowed: {_MOST_GROUPS})")
    listed = [one.get("filters") or [] for one in groups if isinstance(one, dict)]
    if not all(isinstance(one, list) for one in listed):
        raise errors.bad_json(1, 1, "filters must be a list")
    if any(len(one) > _MOST_FILTERS for one in listed):
        raise errors.invalid(f"too many filters (max allowed: {_MOST_FILTERS})")
    if sum(len(one) for one in listed) > _MOST_IN_ALL:
        raise errors.invalid(f"too many filters in all groups (max allowed: {_MOST_IN_ALL})")
    return [[_test(portal, otype, one) for one in group] for group in listed if group]


def _test(portal: "Portal", otype: ObjectType, asked: Any) -> Test:
    name, operator = (
        (asked.get("propertyName"), asked.get("operator")) if isinstance(asked, dict) else (None, None)
    )
    missing = [word for word, value in (("propertyName", name), ("operator", operator)) if not value]
    if missing:
        words = f"Cannot build Filter, some of required attributes are not set [{', '.join(missing)}]"
        raise errors.bad_json(1, 1, words)
    if not isinstance(operator, str) or operator not in _OPERATORS:
        raise errors.bad_json(1, 1, f"Cannot deserialize value of type Filter$Operator from {operator!r}")
    held = portal.property(otype.name, str(name))
    if held is None:
        raise errors.invalid(f"There was a problem with the request: property {name} does not exist")
    if operator in ("IN", "NOT_IN"):
        wanted = asked.get("values")
        if not isinstance(wanted, list) or not wanted:
            raise errors.invalid(f"Filter {name} {operator} requires values")
        # Texts are looked up in their indexed form, and what is sent is not turned into it.
        keys = {str(one) for one in wanted}
        return _listed(held, keys, operator == "IN")
    if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        if "value" in asked:
            raise errors.invalid(f"Filter {name} {operator} takes no value")
        return lambda row: bool(row["properties"].get(held.name)) == (operator == "HAS_PROPERTY")
    if asked.get("value") is None:
        raise errors.invalid(f"Filter {name} {operator} requires a value")
    return _compared(held, operator, str(asked["value"]), asked.get("highValue"))


def _listed(held: Property, keys: set[str], inside: bool) -> Test:
    def test(row: Row) -> bool:
        value = row["properties"].get(held.name)
        if not value:
            return False
        text = value.lower() if held.kind == "string" else value
        parts = set(text.split(";")) if held.many else {text}
        return bool(parts & keys) == inside

    return test


def _order_key(held: Property, text: str) -> Any:
    """What values are compared by. Raises 400 for what is no value of the property."""
    try:
        if held.kind in ("datetime", "date"):
            return times.milliseconds(times.read(text))
        if held.kind == "number":
            return float(text)
    except ValueError:
        raise errors.invalid(f"{text} is not a valid value of {held.name}") from None
    return text.lower()


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "EQ": lambda a, b: a == b, "NEQ": lambda a, b: a != b, "LT": lambda a, b: a < b,
    "LTE": lambda a, b: a <= b, "GT": lambda a, b: a > b, "GTE": lambda a, b: a >= b,
}  # fmt: skip


def _compared(held: Property, operator: str, value: str, high: Any) -> Test:
    if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        return lambda row: (
            _has_token(row["properties"].get(held.name, ""), value) == (operator == "CONTAINS_TOKEN")
        )
    wanted = _order_key(held, value)
    if operator == "BETWEEN":
        if high is None:
            raise errors.invalid(f"Filter {held.name} BETWEEN requires highValue")
        top = _order_key(held, str(high))
        return lambda row: _between(held, row, wanted, top)
    compare = _COMPARE[operator]

    def test(row: Row) -> bool:
        text = row["properties"].get(held.name)
        if not text:
            return operator == "NEQ"
        parts = text.split(";") if held.many else [text]
        return any(compare(_order_key(held, one), wanted) for one in parts)

    return test


def _between(held: Property, row: Row, low: Any, high: Any) -> bool:
    text = row["properties"].get(held.name)
    return bool(text) and low <= _order_key(held, text) <= high


def _tokens(text: str) -> list[str]:
    return "".join(char if char.isalnum() else " " for char in text.lower()).split()


def _has_token(text: str, wanted: str) -> bool:
    """Whether the text holds all words that are wanted; a star stands for any end or beginning."""
    held = _tokens(text)
    for one in wanted.lower().replace("*", " * ").split("*") if "*" in wanted else [wanted]:
        for token in _tokens(one):
            if not any(token in word if "*" in wanted else token == word for word in held):
                return False
    return bool(held)


def _says(otype: ObjectType, row: Row, words: list[str]) -> bool:
    if not words:
        return True
    text = " ".join(row["properties"].get(name, "") for name in _QUERIED[otype.name]).lower()
    return all(word in text for word in words)


def _sorted(portal: "Portal", otype: ObjectType, rows: list[Row], sorts: Any) -> list[Row]:
    """By one property; without one, by when records were made."""
    if not isinstance(sorts, list) or len(sorts) > 1:
        raise errors.invalid("only one sort is allowed")
    asked = sorts[0] if sorts else otype.created
    name = asked.get("propertyName") if isinstance(asked, dict) else str(asked).lstrip("-")
    down = asked.get("direction") == "DESCENDING" if isinstance(asked, dict) else str(asked).startswith("-")
    held = portal.property(otype.name, str(name))
    if held is None:
        raise errors.invalid(f"There was a problem with the request: property {name} does not exist")
    filled = [row for row in rows if row["properties"].get(held.name)]
    bare = [row for row in rows if not row["properties"].get(held.name)]
    filled.sort(
        key=lambda row: (_order_key(held, row["properties"][held.name]), int(row["id"])), reverse=down
    )
    return [*filled, *bare]
