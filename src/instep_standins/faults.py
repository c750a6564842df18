"""Faults to order, as every stand-in knows them: what they meet, how often, and effects that come late.

Which kinds there are, and what each does to an answer, is the business of the stand-in that has them.
"""

import itertools
import random
import re
import threading
from collections.abc import Callable
from typing import Any

import attrs


@attrs.frozen
class Operation:
    """What a call or a part of it is about to do, as faults match it and the journal tells it.

    kinds: query create update upsert delete read describe token …; those of whole collections have one for that too.
    """

    method: str
    path: str
    kinds: frozenset[str]
    object: str | None = None
    records: tuple[dict[str, Any], ...] = ()
    text: str = ""


@attrs.frozen
class Match:
    """Which operations a fault meets; an absent part meets all. `path` is a regular expression."""

    method: str | None = None
    path: str | None = None
    object: str | None = None
    op: str = "any"
    field: str | None = None
    equals: Any = None
    contains: str | None = None

    def call(self, operation: Operation) -> bool:
        """Whether the operation is of the wanted kind, its records aside."""
        if self.method and self.method.upper() != operation.method.upper():
            return False
        if self.path and not re.search(self.path, operation.path):
            return False
        if self.object and self.object.lower() not in (operation.object or "").lower().split(","):
            return False
        return self.op == "any" or self.op in operation.kinds

    def values(self, record: dict[str, Any]) -> bool:
        """Whether one record holds the wanted value; without `field`, whether any of its values does."""
        if self.field is None and self.equals is None and self.contains is None:
            return True
        lower = {key.lower(): value for key, value in record.items()}
        held = [lower.get(self.field.lower())] if self.field else list(lower.values())
        if self.equals is not None:
            return self.equals in held
        if self.contains is not None:
            return any(isinstance(value, str) and self.contains.lower() in value.lower() for value in held)
        return held[0] is not None

    def whole(self, operation: Operation) -> bool:
        if not self.call(operation):
            return False
        if self.field is None and self.equals is None and self.contains is None:
            return True
        if self.contains is not None and self.contains.lower() in operation.text.lower():
            return True
        return any(self.values(record) for record in operation.records)


@attrs.define
class Fault:
    id: int
    kind: str
    match: Match
    times: int | None = 1
    after: int = 0
    probability: float = 1.0
    details: dict[str, Any] = attrs.field(factory=dict)
    drawn: int = 0
    dice: random.Random = attrs.field(factory=random.Random, repr=False)

    def draw(self) -> bool:
        """Whether a matching operation is hit: uses up `after`, chance and `times` in that order."""
        if self.times is not None and self.drawn >= self.times:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.probability < 1.0 and self.dice.random() >= self.probability:
            return False
        self.drawn += 1
        return True

    def told(self) -> dict[str, Any]:
        body = attrs.asdict(self, filter=lambda attribute, _: attribute.name not in ("dice", "details"))
        return {**body, **self.details}


def _match(asked: Any) -> Match:
    known = attrs.fields_dict(Match)
    if not isinstance(asked, dict) or asked.keys() - known.keys():
        raise ValueError(f"The fault's match is not understood: {asked!r}; it may have {', '.join(known)}.")
    try:
        re.compile(asked.get("path") or "")
    except (TypeError, re.error) as problem:
        raise ValueError(f"The fault's match has a path that is not understood: {problem}.") from None
    return Match(**asked)


class Armed:
    """The armed faults. One lock makes a draw atomic under concurrent requests.

    kinds: all that may be armed; on_requests: those that are drawn once per request.
    """

    def __init__(self, kinds: frozenset[str], on_requests: frozenset[str]) -> None:
        self._kinds, self._on_requests = kinds, on_requests
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._armed: list[Fault] = []
        self._pending = 0

    def arm(self, order: dict[str, Any]) -> Fault:
        """Arm one fault from its JSON order. Raises ValueError that says what is wrong with it."""
        order = dict(order)
        kind = order.pop("kind", None)
        if not isinstance(kind, str) or kind not in self._kinds:
            raise ValueError(f"Fault kind {kind!r} is unknown; use one of {', '.join(sorted(self._kinds))}.")
        match = _match(order.pop("match", None) or {})
        times = order.pop("times", 1)
        if times is not None and not isinstance(times, int):
            raise ValueError(f"A fault's times must be a number, or null for ever; not {times!r}.")
        fault = Fault(
            next(self._numbers), kind, match,
            times=times, after=int(order.pop("after", 0)),
            probability=float(order.pop("probability", 1.0)), dice=random.Random(order.pop("seed", None)),
            details=order,
        )  # fmt: skip
        with self._lock:
            self._armed.append(fault)
        return fault

    def clear(self, number: int | None = None) -> None:
        """Disarm one fault by its number, or all of them."""
        with self._lock:
            self._armed = [] if number is None else [fault for fault in self._armed if fault.id != number]

    def told(self) -> dict[str, Any]:
        with self._lock:
            return {"faults": [fault.told() for fault in self._armed], "pendingCommits": self._pending}

    def on_request(self, operations: list[Operation]) -> list[Fault]:
        """Faults that hit this request as a whole. A status fault must meet the request's own operation."""
        with self._lock:
            hit = []
            for fault in self._armed:
                if fault.kind not in self._on_requests:
                    continue
                met = operations[:1] if fault.kind == "status" else operations
                if any(fault.match.whole(operation) for operation in met) and fault.draw():
                    hit.append(fault)
            return hit

    def first(
        self,
        kind: str,
        wanted: Callable[[Match], bool] | None,
        test: Callable[[Fault], bool] | None = None,
    ) -> Fault | None:
        with self._lock:
            for fault in self._armed:
                if fault.kind != kind:
                    continue
                if (test(fault) if test else wanted(fault.match)) and fault.draw():  # type: ignore[misc]
                    return fault
        return None

    def commit_later(self, seconds: float, effect: Callable[[], None]) -> None:
        """Run a write's effect when its time has come, long after its connection is gone."""

        def run() -> None:
            try:
                effect()
            finally:
                with self._lock:
                    self._pending -= 1

        with self._lock:
            self._pending += 1
        timer = threading.Timer(seconds, run)
        timer.daemon = True
        timer.start()
