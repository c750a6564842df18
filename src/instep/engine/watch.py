"""The setup of a connection is watched: what a person changed in the CRM is told before the next booking fails on it.

A look compares the configuration with what the CRM says now. What was so at the first look is a step that is still to
be done and no news: it is kept as the baseline. What comes later is an alert, on the dashboard and by mail, and it is
cleared by the look that does not find it any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import structlog
from attrs import frozen

from instep.core.catalogue import static_value
from instep.core.causes import SETUP, Cause, alert_code
from instep.core.crm_schema import Schema
from instep.core.field_validation import State, required_fields
from instep.core.mapping import convert
from instep.core.picklists import is_retired
from instep.core.profile import Profile
from instep.core.rules import SyncConfig, case_calendars, system_fields
from instep.engine.policy import Policy
from instep.store import alert_queries, credentials, lane_queries, statements

log = structlog.get_logger(__name__)

#: the task that looks; its job is locked for each connection like a drain's
CHECK_TASK = "check"
#: why the connected user cannot use a field
HIDDEN, READ_ONLY, NOT_SEARCHABLE = "hidden", "read-only", "not searchable"
#: where the baseline stands in what is kept of a connection's looks
_BASELINE = "baseline"


@frozen
class Trouble:
    """One difference that will hurt: its cause, the object or field, and a sentence."""

    cause: Cause
    subject: str
    message: str

    @property
    def code(self) -> str:
        """The code of its alert."""
        return alert_code(self.cause, self.subject)


def troubles(
    config: SyncConfig, profile: Profile, schema: Schema, found: Mapping[str, Any], crm: str
) -> tuple[Trouble, ...]:
    """Everything about the setup that will hurt, from what a look found. Pure.

    `found` has "objects", "scopes", "fields", "permission_set", "assigned" and "hidden", as a check keeps them.
    """
    return tuple(
        {
            one.code: one
            for part in (
                _rights(config, profile, found, crm),
                _ours(found, crm),
                _mapped(profile, schema, found, crm),
                _values(config, profile, schema, crm),
                _record_types(config, profile, schema, crm),
                _required(config, profile, schema, crm),
            )
            for one in part
        }.values()
    )


def made_objects(config: SyncConfig, profile: Profile) -> frozenset[str]:
    """The objects of which new records are made."""
    made = {profile.object_of(config.person_object)}
    if config.events or any(rules.event for rules in config.calendars.values()):
        made.add(profile.activity.name)
    if profile.case and case_calendars(config):
        made.add(profile.case.name)
    return frozenset(made)


def _rights(config: SyncConfig, profile: Profile, found: Mapping[str, Any], crm: str) -> Iterator[Trouble]:
    if scopes := found.get("scopes"):
        # what they take away is told with them
        yield Trouble(
            Cause.RIGHTS, "", f"Scopes are missing from Instep's key or app in {crm}: {', '.join(scopes)}."
        )
        return
    made = made_objects(config, profile)
    for name, missing in (found.get("objects") or {}).items():
        if name in made and missing:
            rights = ", ".join(missing)
            yield Trouble(
                Cause.RIGHTS, name, f"The connected user may not {rights} {name} in {crm} any more."
            )


def _ours(found: Mapping[str, Any], crm: str) -> Iterator[Trouble]:
    gone = [name for name, seen in (found.get("fields") or {}).items() if not seen]
    # None: the connected user may not view the setup, and nobody knows
    if False in (found.get("permission_set"), found.get("assigned")):
        # without the set its fields look gone: one trouble, not two, until it is back and they still are
        hidden = f" Hidden for that: {', '.join(gone)}." if gone else ""
        yield Trouble(
            Cause.PERMISSION_SET,
            "",
            f"Instep's permission set is not assigned to the connected user of {crm} any more.{hidden}",
        )
    elif gone:
        yield Trouble(
            Cause.FIELDS_GONE, "", f"Fields of Instep's are gone from {crm}, or hidden: {', '.join(gone)}."
        )


def _mapped(profile: Profile, schema: Schema, found: Mapping[str, Any], crm: str) -> Iterator[Trouble]:
    addresses = {(person.role, person.email_field) for person in profile.persons}
    for one in found.get("hidden") or ():
        name = f"{one['object']}.{one['field']}"
        described = schema.get(one["object"])
        target = described.get(one["field"]) if described else None
        # what is hidden has no label: nothing is described of it
        called = f"{target.label} ({name})" if target else name
        if (one["object"], one["field"]) in addresses and one["why"] != READ_ONLY:
            said = (
                f"{called} is {one['why']} for the connected user of {crm}: nobody can be looked for by it."
            )
            yield Trouble(Cause.NOT_SEARCHABLE, name, said)
            continue
        yield Trouble(
            Cause.MAPPED_FIELD, name, f"{called} is mapped and {one['why']} for the connected user of {crm}."
        )


def _values(config: SyncConfig, profile: Profile, schema: Schema, crm: str) -> Iterator[Trouble]:
    """Fixed values of rows that the CRM does not take any more."""
    for role, rows in config.rows.items():
        described = schema.get(role) or schema.get(profile.object_of(role))
        for row in rows:
            target = described.get(row.field) if described else None
            if target is None:
                continue
            for value in (static_value(row.source), row.fallback):
                if value and (convert(value, target).refused or is_retired(value, target)):
                    name = f"{role}.{target.name}"
                    said = f"{target.label} ({name})"
                    yield Trouble(
                        Cause.VALUE_RETIRED, name, f"{said}: “{value}” is no value of {crm} any more."
                    )


def _record_types(config: SyncConfig, profile: Profile, schema: Schema, crm: str) -> Iterator[Trouble]:
    """Record types that new records should get and cannot: those of the connection, then those of calendars."""
    chosen = [(role, wanted, "") for role, wanted in config.record_types.items()]
    for name, rules in config.calendars.items():
        chosen += [(role, wanted, name) for role, wanted in rules.record_types.items()]
    users: dict[tuple[str, str], list[str]] = {}
    for role, wanted, calendar in chosen:
        described = schema.get(profile.object_of(role))
        if not wanted or described is None:
            continue
        found = described.record_type(wanted)
        if found is None or not found.available:
            users.setdefault((role, found.name if found else wanted), []).append(calendar)
    for (role, name), by in users.items():
        calendars = len([calendar for calendar in by if calendar])
        who = ["the creation rules"] if "" in by else []
        who += [f"{calendars} calendar{'s' if calendars > 1 else ''}"] if calendars else []
        yield Trouble(
            Cause.RECORD_TYPE,
            f"{role}.{name}",
            f"The record type “{name}” of {role}, chosen by {' and '.join(who)}, is gone from {crm}, inactive, or not "
            "assigned to the connected user any more: new records get the user's default type.",
        )


def _required(config: SyncConfig, profile: Profile, schema: Schema, crm: str) -> Iterator[Trouble]:
    for name in sorted(made_objects(config, profile)):
        described = schema.get(name)
        if described is None:
            continue
        for one in required_fields(described, config.rows.get(name, ()), system_fields(profile, name)):
            where = f"{name}.{one.target.name}"
            if one.state is State.BLOCKED:
                yield Trouble(
                    Cause.UNFILLABLE_REQUIRED,
                    where,
                    f"{crm} requires {one.target.label} ({where}) now, and nothing can fill a field of its type.",
                )
            elif one.is_open:
                yield Trouble(
                    Cause.NEW_REQUIRED,
                    where,
                    f"{crm} requires {one.target.label} ({where}) of new records now, and nothing fills it.",
                )


def compare(account_id: int, row: Mapping[str, Any], now: tuple[Trouble, ...]) -> tuple[str, ...]:
    """Raise alerts for what is new since the last look and clear those that are over; the new baseline."""
    connection_id = int(row["id"])
    before = (row["installed"] or {}).get(_BASELINE)
    codes = {one.code for one in now}
    # the first look finds what is still to be set up; what is done of it leaves the baseline for good
    baseline = codes if before is None else codes & set(before)
    raised = [(one.code, one.message) for one in now if one.code not in baseline]
    alert_queries.set_alerts(account_id, connection_id, SETUP, raised)
    return tuple(sorted(baseline))


# -- looking daily and when the CRM has changed ---------------------------------------------------


def ask_to_check(connection_id: int) -> None:
    """Have a worker look at the setup; a second ask while one waits is that same ask."""
    statements.run(
        """INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args)
           VALUES ('drain', %s, %s, %s, jsonb_build_object('connection_id', %s::bigint))
           ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING""",
        [CHECK_TASK, *2 * (f"{CHECK_TASK}:{connection_id}",), connection_id],
    )


def check_due(policy: Policy | None = None) -> int:
    """Ask for a look at every connection that nobody has looked at for a day; how many there were."""
    due = lane_queries.unwatched((policy or Policy()).refresh_after, credentials.CONNECTED)
    for connection_id in due:
        ask_to_check(connection_id)
    return len(due)
