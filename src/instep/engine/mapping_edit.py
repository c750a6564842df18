"""The mapping of one object, edited on a page: checked against the live CRM, saved without losing anyone's work.

Kept in a connection's settings: {"config": the whole configuration, "mapping_saved": {object: {"at", "by"}}}.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import evolve, frozen
from django.db import transaction

from instep.core.config_document import to_document
from instep.core.crm_schema import ObjectSchema, RecordType
from instep.core.errors import InputError
from instep.core.mapping import Row
from instep.core.mapping_check import FIELD, Fault, doubled, hints, row_faults
from instep.core.rules import system_fields
from instep.engine.connection import reconsider
from instep.engine.lane import MAPPING_SAVED, Lane, describe_again, load_config, open_lane
from instep.store import connection_queries, credentials, item_queries, lane_queries, memory_queries

#: a describe that is older than so many seconds is read anew before anything is saved
RECENT = 180.0


@frozen
class Saved:
    """When an object's mapping was saved last, and by whom."""

    at: datetime
    by: str


@frozen
class Outcome:
    """What came of saving. `faults` are (place of the row, fault): then nothing was saved.

    `theirs` is what somebody else saved meanwhile: then nothing was saved either. `hints` are worth reading afterwards.
    """

    faults: tuple[tuple[int, Fault], ...] = ()
    theirs: tuple[Row, ...] | None = None
    hints: tuple[str, ...] = ()

    @property
    def saved(self) -> bool:
        """True when the rows count from now on."""
        return not self.faults and self.theirs is None


def version_of(rows: Sequence[Row]) -> str:
    """A short text that is another one for other rows: tells whether somebody saved meanwhile."""
    said = json.dumps([[row.source, row.field, row.overwrite, row.fallback] for row in rows])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def saved_at(row: Mapping[str, Any], name: str) -> Saved | None:
    """When an object's mapping was saved last on a page; None where it is the default or came from a file."""
    kept = ((row["settings"] or {}).get(MAPPING_SAVED) or {}).get(name)
    return Saved(datetime.fromisoformat(kept["at"]), str(kept["by"])) if kept else None


def read_again(account_id: int, row: dict[str, Any], names: Sequence[str], older_than: float) -> None:
    """Have the CRM describe these objects now, where what is held is older. Raises the CRM's own errors."""
    check_connected(row)
    describe_again(open_lane(account_id, row, hurried=True), names, older_than)


def save_rows(
    account_id: int, row: dict[str, Any], name: str, rows: Sequence[Row], version: str, by: str, now: datetime
) -> Outcome:
    """Save an object's rows where nothing is wrong with them and nobody saved since `version`.

    Every booking is compared again. Raises the CRM's own errors where it cannot be asked, and then saves nothing.
    """
    check_connected(row)
    lane = open_lane(account_id, row, hurried=True)
    describe_again(lane, [name], RECENT)
    described = lane.schema.get(name)
    faults = _faults(lane, name, rows, described)
    if faults:
        return Outcome(faults=faults)
    with transaction.atomic():
        settings = connection_queries.locked_settings(account_id, lane.id)
        config = load_config({**row, "settings": settings})
        present = config.rows.get(name, ())
        if version_of(present) != version:
            return Outcome(theirs=present)
        wanted = evolve(config, rows={**config.rows, name: tuple(rows)})
        stamp = {"at": now.isoformat(timespec="seconds"), "by": by}
        settings[MAPPING_SAVED] = {**settings.get(MAPPING_SAVED, {}), name: stamp}
        credentials.save_settings(account_id, lane.id, {**settings, "config": to_document(wanted)})
        memory_queries.lift_quarantine(account_id, lane.id)
        item_queries.mark_in_lane(account_id, lane.id)
        # the wake comes last, for it takes the queue's locks
        lane_queries.wake(lane.id)
    reconsider(account_id, lane.id)
    return Outcome(hints=tuple(hints(rows, described, _chosen(lane, name, described))) if described else ())


def _chosen(lane: Lane, name: str, described: ObjectSchema) -> list[RecordType]:
    """The record types that new records of an object may get, for all calendars or for one."""
    named = [lane.config.record_types.get(name, "")]
    named += [rules.record_types.get(name, "") for rules in lane.config.calendars.values()]
    found = (described.record_type(one) for one in dict.fromkeys(named) if one)
    return [one for one in found if one is not None]


def check_connected(row: Mapping[str, Any]) -> None:
    """Raises `InputError` for a connection that is disconnected: nothing can be checked there."""
    if row["state"] == credentials.DISABLED:
        raise InputError(
            "This connection is disconnected: the mapping cannot be checked against the CRM.",
            cure="Connect it again; the mapping is kept.",
            code="NOT_CONNECTED",
        )


def _faults(
    lane: Lane, name: str, rows: Sequence[Row], described: ObjectSchema | None
) -> tuple[tuple[int, Fault], ...]:
    """Everything that would fail, by the row's place. A row that stood there before its field went is left alone."""
    crm = lane.vendor.profile.label
    known = lane.config.rows.get(name, ())
    if described is None:
        if tuple(rows) == known:
            return ()
        text = f"{crm} has no object {name}, or hides it from the connected user."
        return tuple((place, Fault(FIELD, text)) for place in range(len(rows)))
    own = system_fields(lane.vendor.profile, name)
    found = [
        (place, fault)
        for place, row in enumerate(rows)
        if not (described.get(row.field) is None and row in known)
        for fault in row_faults(row, described, own, crm, lane.custom)
    ]
    twice = [
        (place, Fault(FIELD, "mapped twice; one field takes one source."))
        for place in doubled(rows, described)
    ]
    return tuple(sorted((*found, *twice), key=lambda pair: pair[0]))
