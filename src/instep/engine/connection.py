"""One connection as an admin sees it: does it work, what may its user do, is everything installed.

What the CRM said is kept in the connection's row (`installed`), so that no page has to ask:
{"fields": {"Event.X": bool}, "objects": {name: [missing rights]}, "permission_set": bool, "assigned": bool,
"hidden": [{"object", "field", "why"}], "checked_at", "looked_at": ISO moments of the last try and of the last one
that was answered, "error" and "install_error": what went wrong then, {"message", "cure", "code", "since"} or None,
"baseline": codes of what was so at the first look (`watch`)}.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from attrs import asdict, frozen

from instep.core.crm_schema import Schema, mappable
from instep.core.errors import InputError, InstepError, NeedsAdmin, Wait
from instep.core.profile import Profile
from instep.core.refusal import NO_RIGHT
from instep.core.rules import SyncConfig
from instep.crm.vendors import vendor_of
from instep.engine import pauses, watch
from instep.engine.connecting import install_fields
from instep.engine.lane import Lane, load_config, open_crm, open_lane, refresh
from instep.engine.policy import Policy
from instep.engine.schemas import schemas_of
from instep.engine.watch import HIDDEN, NOT_SEARCHABLE, READ_ONLY
from instep.store import credentials, item_queries, lane_queries, statements

#: the task that installs; its job is locked for each connection like a drain's
INSTALL_TASK = "install"


@frozen
class Closed:
    """A field that a mapping or a look-up needs, and why the connected user cannot use it."""

    object: str
    field: str
    why: str


def closed_fields(config: SyncConfig, profile: Profile, schema: Schema) -> list[Closed]:
    """Fields of visible objects that the configuration needs and the connected user cannot use. Pure."""
    closed = []
    for name, rows in config.rows.items():
        described = schema.get(name)
        if described is None:
            continue  # the whole object is missing: its rights say so
        person = next((p for p in profile.persons if p.role == name), None)
        wanted = dict.fromkeys(row.field for row in rows)
        if person is not None:
            wanted[person.email_field] = None
        for field_name in wanted:
            field = described.get(field_name)
            if field is None:
                closed.append(Closed(name, field_name, HIDDEN))
            elif not mappable(described, field) and not field.writable:
                closed.append(Closed(name, field_name, READ_ONLY))
            elif person is not None and field_name == person.email_field and not field.filterable:
                # an encrypted address: nobody is ever found by it
                closed.append(Closed(name, field_name, NOT_SEARCHABLE))
    return closed


def check(account_id: int, row: dict[str, Any], *, by_person: bool = False) -> InstepError | None:
    """Ask the CRM who we are and what we may do, and keep its answer; what went wrong, or None.

    `by_person`: somebody has asked for it, perhaps after changing the CRM (`lane.refresh`).

    A lane that stood still goes on when the CRM answers, unless scopes that it was held for are still missing; one
    whose sign-in is refused asks to reconnect.
    """
    if row["state"] == credentials.DISABLED:
        raise InputError(
            "This connection is disconnected: there is nothing to check.",
            cure="Connect it again.",
            code="NOT_CONNECTED",
        )
    connection_id = int(row["id"])
    try:
        found = _look(account_id, row, by_person)
    except InstepError as error:
        _keep(account_id, row, checked_at=_now(), error=_told(error, (row["installed"] or {}).get("error")))
        if error.code in pauses.NEEDS_CONNECT or isinstance(error, Wait):
            pauses.stop(account_id, row, error, Policy())
        return error
    _keep(account_id, row, **found, checked_at=_now(), looked_at=_now(), error=None)
    still_lacking = row["hold_code"] == NO_RIGHT and bool(found.get("scopes"))
    if not still_lacking and credentials.works_again(account_id, connection_id):
        lane_queries.clear_alerts(account_id, connection_id)
        lane_queries.wake(connection_id)
    return None


def _look(account_id: int, row: dict[str, Any], by_person: bool) -> dict[str, Any]:
    crm = open_crm(account_id, row, hurried=True)
    identity, rights = crm.whoami(), crm.preflight()
    # what is missing is worth knowing, most of all where it makes the rest of the look fail
    row["installed"] = {**(row["installed"] or {}), **rights}
    lane = open_lane(account_id, row, hurried=True)
    try:
        refresh(lane, force=True, by_person=by_person)
    except NeedsAdmin as error:
        # the scopes that it takes are known to be missing, and told all together
        if error.code != NO_RIGHT or not rights.get("scopes"):
            raise
    credentials.save_identity(account_id, lane.id, asdict(identity), crm.limits.used, crm.limits.allowed)
    lane_queries.count_calls(account_id, lane.id, len(crm.calls), 0)
    hidden = closed_fields(lane.config, lane.vendor.profile, lane.schema)
    ours = rights["fields"]
    # our own fields are spoken of with the installation
    other = [asdict(one) for one in hidden if f"{one.object}.{one.field}" not in ours]
    told = {**rights, "hidden": other, **({"install_error": None} if all(ours.values()) else {})}
    profile = lane.vendor.profile
    found = watch.troubles(lane.config, profile, lane.schema, told, profile.label)
    return {**told, "baseline": watch.compare(account_id, row, found)}


def reconsider(account_id: int, connection_id: int) -> None:
    """Compare a configuration that was just saved with what is remembered of the CRM: what it cures is told no more.

    Nothing is asked; a connection that nobody has looked at yet is left to its first look.
    """
    row = lane_queries.connection_by_id(account_id, connection_id)
    known = (row or {}).get("installed") or {}
    if row is None or "baseline" not in known:
        return
    vendor = vendor_of(row["vendor"])
    config, profile = load_config(row), vendor.profile
    schema = schemas_of(account_id, connection_id, row["vendor"], vendor.schema_of)
    hidden = closed_fields(config, profile, schema)
    other = [asdict(one) for one in hidden if f"{one.object}.{one.field}" not in (known.get("fields") or {})]
    found = watch.troubles(config, profile, schema, {**known, "hidden": other}, profile.label)
    _keep(account_id, row, hidden=other, baseline=watch.compare(account_id, row, found))


def _keep(account_id: int, row: dict[str, Any], **news: Any) -> None:
    credentials.save_installed(account_id, int(row["id"]), {**(row["installed"] or {}), **news})


def _told(error: InstepError, before: dict[str, str] | None = None) -> dict[str, str]:
    """An error as it is kept; `since` is when it came first."""
    same = before is not None and before.get("code") == error.code
    since = before.get("since", "") if before is not None and same else ""
    return {"message": error.message, "cure": error.cure, "code": error.code, "since": since or _now()}


def _now() -> str:
    # compared with moments of the database: in whole seconds a look would seem older than a write before it
    return datetime.now(UTC).isoformat(timespec="microseconds")


# -- installing from a page: by a worker, for the CRM may take minutes ----------------------------


def ask_to_install(connection_id: int) -> None:
    """Have a worker create the connector's fields; a second ask while one waits is that same ask."""
    statements.run(
        """INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args)
           VALUES ('drain', %s, %s, %s, jsonb_build_object('connection_id', %s::bigint))
           ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING""",
        [INSTALL_TASK, *2 * (f"{INSTALL_TASK}:{connection_id}",), connection_id],
    )


def is_installing(connection_id: int) -> bool:
    """Whether a worker installs, or is about to."""
    found = statements.rows_of(
        """SELECT EXISTS (SELECT 1 FROM procrastinate_jobs
                           WHERE lock = %s AND status IN ('todo', 'doing')) AS there""",
        [f"{INSTALL_TASK}:{connection_id}"],
    )
    return bool(found[0]["there"])


def install(account_id: int, connection_id: int) -> None:
    """Create the connector's fields and rights, look at what is there then, and compare every booking again."""
    row = lane_queries.connection_by_id(account_id, connection_id)
    if row is None or row["state"] == credentials.DISABLED:
        return
    try:
        lane: Lane = open_lane(account_id, row)
        install_fields(lane)
        refresh(lane, force=True)
    except InstepError as error:
        _keep(account_id, row, install_error=_told(error))
        return
    item_queries.mark_in_lane(account_id, connection_id)
    lane_queries.wake(connection_id)
    # the rights that came with the permission set
    current = lane_queries.connection_by_id(account_id, connection_id)
    if current is not None and current["state"] != credentials.DISABLED:
        check(account_id, current)
