"""The moving parts of one batch, as the steps hand them on: what was read, planned, written and refused so far."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from instep.core.desired import Setting
from instep.core.errors import InstepError
from instep.core.lookup import Observed
from instep.core.plan import BatchPlan
from instep.core.work import Memory, Quarantined, QuarantineKey, Work
from instep.crm.port import Applied, Crm

#: loads what is remembered of records by (object, id)
Recall = Callable[[list[tuple[str, str]]], Memory]


@define
class Run:
    """The moving parts of one batch."""

    crm: Crm
    setting: Setting
    works: tuple[Work, ...]
    memory: Memory
    observed: Observed = field(factory=Observed)
    rounds: list[tuple[BatchPlan, Applied]] = field(factory=list)
    problems: dict[str, InstepError] = field(factory=dict)
    look_again: set[str] = field(factory=set)
    quarantine: dict[QuarantineKey, Quarantined] = field(factory=dict)
    #: by write, what was left out because the CRM named no field
    suspects: dict[str, frozenset[QuarantineKey]] = field(factory=dict)
    parked: set[str] = field(factory=set)
    #: fields by object that are required although no describe says so
    learned: dict[str, set[str]] = field(factory=dict)
    #: users whom a refusal has shown to be active no more
    inactive: set[str] = field(factory=set)
    #: records that a refusal has named and that nobody has read yet
    to_read: set[tuple[str, str]] = field(factory=set)
    recall: Recall = lambda keys: Memory()
    asked_hosts: tuple[str, ...] = ()
    writes: int = 0
    schema_stale: bool = False
