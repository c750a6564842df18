"""The parts of a plan: matches, field changes and writes, each with its reason. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from attrs import field, frozen


class Action(StrEnum):
    """How a record is written."""

    UPSERT = "upsert"
    """Create by our external id; a second try finds what the first one made."""
    UPDATE = "update"
    """Change the record with a known id; never creates."""
    CREATE = "create"
    """Plain create, for objects without an external id of ours (a retry's read finds them)."""


class Verdict(StrEnum):
    """What a plan does with one mapped field."""

    WRITE = "write"
    KEEP = "keep"
    LEAVE_OUT = "leave_out"


# a tuple is made in half the time of any other frozen value, and a plan makes one for each mapped field
class Change(NamedTuple):
    """One field of one record: from `old` to `new` (wire values), with rule and source in words.

    `source` is the catalogue key or empty for system fields. `old_known` is False where nothing was
    read before the write. `note` says what was changed on the way (cut, default used, kept because …).
    `optional` fields may be left out when the CRM refuses them.
    """

    field: str
    label: str
    new: Any
    old: Any = None
    old_known: bool = True
    rule: str = ""
    source: str = ""
    note: str = ""
    verdict: Verdict = Verdict.WRITE
    optional: bool = True
    #: the value of our source when this was planned; compared next time to see whether it changed
    source_value: str = ""
    #: True for a fallback or default: real data may replace it later
    stand_in: bool = False
    #: the stamp of the booking that a booking-fed value of a person came from
    spoke: str = ""
    #: True where the CRM, freshly read, said the same already
    already: bool = False


@frozen
class Candidate:
    """A record that a look-up found: why it counts, and whether it was chosen."""

    object: str
    id: str
    name: str
    why: str
    modified: str = ""
    chosen: bool = False
    #: why it was not chosen, or which rule chose it
    reason: str = ""


@frozen
class Match:
    """How the person of an item was looked for, and what came of it.

    `outcome` is "found", "create", "linked" or "waits"; `rule` says it in words. `doubled`: the CRM refused to make
    a new record and named this one.
    """

    outcome: str
    rule: str
    object: str = ""
    id: str = ""
    candidates: tuple[Candidate, ...] = ()
    doubled: bool = False


@frozen
class Write:
    """One record to write. `ref` names it within a batch; `item` is the booking or contact it serves.

    `key` is (external id field, value) for upserts. `parents` maps a reference field to the `ref` of a
    write of the same batch whose id it takes. `alone` keeps it out of collections with other children,
    so that a refusal of its parent voids nobody else. `auto_assign` asks for the CRM's assignment rules;
    `save_doubles` has a record saved although a duplicate rule warns of it.
    """

    ref: str
    item: str
    action: Action
    object: str
    changes: tuple[Change, ...]
    id: str = ""
    key: tuple[str, str] | None = None
    parents: Mapping[str, str] = field(factory=dict)
    alone: bool = False
    auto_assign: bool = False
    save_doubles: bool = False

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """The wire values to send, by API name, without the external id and the parents."""
        return {c.field: c.new for c in self.changes if c.verdict is Verdict.WRITE}


class Answer(Protocol):
    """The CRM's answer to one write, as far as the pure code looks at it."""

    @property
    def ok(self) -> bool: ...
    @property
    def id(self) -> str: ...
    @property
    def created(self) -> bool: ...
    @property
    def void(self) -> bool: ...
    @property
    def error(self) -> Any: ...
