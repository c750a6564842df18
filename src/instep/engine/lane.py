"""One connection's lane, opened: the CRM behind it, its configuration, schema and users.

Everything that a drain, a plan or a page needs to speak for one connection is put together here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from attrs import asdict, define, field
from django.conf import settings

from instep.core.catalogue import Property, custom_key
from instep.core.causes import OF_RULES
from instep.core.config_document import from_document, to_document
from instep.core.crm_schema import ObjectSchema
from instep.core.desired import Setting
from instep.core.errors import InputError, InstepError
from instep.core.lookup import CrmUser
from instep.core.rules import Directory, SyncConfig, checked, default_config, plain_email, warnings
from instep.core.work import Known, Memory, Quarantined, sent_of
from instep.crm.oauth import Tokens
from instep.crm.port import Crm
from instep.crm.vendors import VENDORS, Keeper, Vendor, vendor_of
from instep.engine.policy import Policy
from instep.engine.schemas import carried, parsed, taught
from instep.store import credentials, item_queries, lane_queries, memory_queries, statements

#: the part of a connection's settings that says who saved which object's mapping last (`engine.mapping_edit`)
MAPPING_SAVED = "mapping_saved"
#: the part that says that somebody has saved the creation rules, be it as they were suggested
RULES_SAVED = "rules_saved"
#: what stands in a lane's `refused` where the CRM has refused values
QUARANTINED = "quarantined"
#: advisory-lock class of token refreshes, any number that nothing else uses
_TOKEN_LOCK = 0x70C


@define
class Lane:
    """An opened lane. `row` is the connection's row as of opening."""

    account_id: int
    row: dict[str, Any]
    vendor: Vendor
    crm: Crm
    policy: Policy
    schema: dict[str, ObjectSchema]
    config: SyncConfig
    custom: dict[str, Property]
    #: not empty when items fell due again while they were worked; shared by the batches in flight
    again: list[str] = field(factory=list)
    #: not empty when values are in quarantine for this connection; shared as well
    refused: list[str] = field(factory=list)

    @property
    def id(self) -> int:
        """The connection's key."""
        return int(self.row["id"])

    def setting(self, hosts: Iterable[str] = ()) -> Setting:
        """Everything planning needs; the directory holds the users of these hosts' addresses."""
        identity = self.row["identity"] or {}
        users = memory_queries.users_known(self.account_id, self.id, hosts)
        directory = Directory(
            {}, str(identity.get("user_id", "")), str(identity.get("display_name", ""))
        ).with_users(
            tuple(CrmUser(u["crm_id"], u["email_key"], True, u["name"], u["username"]) for u in users)
        )
        return Setting(
            self.vendor.profile, self.config, self.schema, directory, datetime.now(UTC), self.custom
        )

    def unknown_hosts(self, setting: Setting, hosts: Iterable[str]) -> frozenset[str]:
        """Addresses that the directory does not know and that were not asked for lately."""
        missing = [h for h in map(plain_email, hosts) if h and setting.directory.user(h) is None]
        wait = self.policy.unknown_host_for
        return frozenset(missing) - memory_queries.hosts_settled(self.account_id, self.id, missing, wait)

    def recall(self, keys: list[tuple[str, str]]) -> Memory:
        """What is remembered of these records, and what is in quarantine for them."""
        if not keys:
            return Memory()
        return self.memory(keys, [record_id for _, record_id in keys])

    def memory(self, records: Iterable[tuple[str, str]], quarantine_keys: Iterable[str]) -> Memory:
        """Memory of records by (object, id), and quarantine by record keys."""
        known = {
            (row["object"], row["crm_id"]): Known(
                row["snapshot"],
                sent_of(row["sent"], row["snapshot"]),
                row["made_by_us"],
            )
            for row in memory_queries.records_known(self.account_id, self.id, records)
        }
        refused = {
            (row["object"], row["record_key"], row["field"]): Quarantined(row["value_hash"], row["message"])
            for row in (
                memory_queries.quarantined(self.account_id, self.id, quarantine_keys) if self.refused else ()
            )
        }
        return Memory(known, refused)


def open_lane(
    account_id: int,
    row: dict[str, Any],
    policy: Policy | None = None,
    *,
    hurried: bool = False,
    kept: statements.Row | None = None,
) -> Lane:
    """Open a connection's lane; describes and users are refreshed when they are old or missing.

    `kept` is what opening takes (`memory_queries.OPENING`), where it is at hand.
    """
    vendor = vendor_of(row["vendor"])
    kept = kept or memory_queries.opening(account_id, int(row["id"]))
    lane = Lane(
        account_id,
        row,
        vendor,
        open_crm(account_id, row, hurried),
        policy or Policy(),
        {},
        load_config(row),
        _by_key(kept["properties"] or []),
        refused=[QUARANTINED] if kept["any_refused"] else [],
    )
    refresh(lane, kept["describes"] or {})
    return lane


def open_crm(account_id: int, row: dict[str, Any], hurried: bool = False) -> Crm:
    """A client of the connection's CRM, with tokens kept in the database under a lock.

    `hurried`: a person waits for its answers.
    """
    connection_id = int(row["id"])
    at_hand = [row["tokens"]]

    def load() -> Tokens | None:
        # those of the row serve for the first request; whoever asks again wants to know of newer ones
        opened = credentials.tokens_in(at_hand.pop()) if at_hand else None
        kept_tokens = opened or credentials.load_tokens(account_id, connection_id)
        return Tokens(**kept_tokens) if kept_tokens else None

    def save(new: Tokens, previous: Tokens | None) -> None:
        before = previous.refresh_token if previous else ""
        credentials.save_tokens(account_id, connection_id, asdict(new), before)

    keeper = Keeper(load, save, lock=lambda: token_lock(connection_id))
    # what the operator allows now, whatever was allowed when it was connected
    kept = {**credentials.entered_in(row["credentials"]), "allow": settings.INSTEP.private_hosts}
    vendor = vendor_of(row["vendor"])
    return vendor.open(kept, str(row["org_id"]), str(row["api_version"]), keeper, hurried)


@contextmanager
def token_lock(connection_id: int) -> Iterator[None]:
    """Hold out every other process that would refresh the same tokens, or do away with them."""
    with statements.advisory_lock(_TOKEN_LOCK, connection_id):
        yield


def load_config(row: dict[str, Any]) -> SyncConfig:
    """The configuration kept with the connection, on top of the vendor's defaults."""
    base = default_config(vendor_of(row["vendor"]).profile)
    kept = (row["settings"] or {}).get("config")
    return from_document(kept, base) if kept else base


def config_document(row: dict[str, Any]) -> dict[str, Any]:
    """The configuration as a document for people."""
    return to_document(load_config(row))


def custom_properties(account_id: int) -> dict[str, Property]:
    """Custom properties of the account by catalogue key."""
    return _by_key(memory_queries.properties(account_id))


def _by_key(properties: Iterable[statements.Row]) -> dict[str, Property]:
    return {
        key: Property(key, p["object"], p["label"], p["type"], "Custom fields", True, p["archived"])
        for p in properties
        if (key := custom_key(p["object"], p["identifier"]))
    }


def refresh(
    lane: Lane,
    kept: Mapping[str, statements.Row] | None = None,
    *,
    force: bool = False,
    by_person: bool = False,
) -> None:
    """Bring schema and users up to date: at connect, daily, and when the CRM calls a field unknown.

    `kept` are the describes that are held, where they are at hand. `by_person`: somebody asks, see `_describe`.
    """
    if kept is None:
        kept = memory_queries.describes(lane.account_id, lane.id)
    objects = lane.vendor.profile.objects
    missing = [name for name in objects if name not in kept]
    old = [name for name in objects if name in kept and kept[name]["age"] > lane.policy.refresh_after]
    before = len(lane.crm.calls)
    if todo := list(objects) if force else [*missing, *old]:
        _describe(lane, todo, force, known=bool(kept), by_person=by_person)
        kept = memory_queries.describes(lane.account_id, lane.id)
    digests = {name: row["digest"] for name, row in kept.items()}
    lane.schema = parsed(lane.account_id, lane.id, lane.row["vendor"], lane.crm.schema_of, digests)
    if force or _users_old(lane):
        _refresh_users(lane)
    if calls := len(lane.crm.calls) - before:
        lane_queries.count_calls(lane.account_id, lane.id, calls, 0)


def describe_again(lane: Lane, objects: Iterable[str], older_than: float) -> None:
    """Have the CRM describe these objects anew where what we hold of them is as old as so many seconds.

    0 seconds are asked for by a person only, see `_describe`. Raises the CRM's own errors.
    """
    kept = memory_queries.describes(lane.account_id, lane.id)
    todo = [name for name in objects if name not in kept or kept[name]["age"] >= older_than]
    if not todo:
        return
    before = len(lane.crm.calls)
    _describe(lane, todo, force=True, known=bool(kept), by_person=not older_than)
    digests = {
        name: row["digest"] for name, row in memory_queries.describes(lane.account_id, lane.id).items()
    }
    lane.schema = parsed(lane.account_id, lane.id, lane.row["vendor"], lane.crm.schema_of, digests)
    lane_queries.count_calls(lane.account_id, lane.id, len(lane.crm.calls) - before, 0)


def _describe(lane: Lane, objects: list[str], force: bool, known: bool, by_person: bool = False) -> None:
    """Have the CRM describe these objects and keep what it says; `known`: some were described before.

    No description tells that a field is not required any more which only refusals have told to be. Who looks again in
    person may have changed that: it is forgotten, what waits is tried, and a refusal would teach it anew.
    """
    documents = memory_queries.describe_documents(lane.account_id, lane.id, objects)
    # a right that was granted changes what we see but not the CRM's own date of the object: when it
    # matters (after an install, at a new mapping) nothing that we hold is good enough to be confirmed
    held = {} if force else {name: document for name, document in documents.items() if document}
    seen = lane.crm.describe(objects, held)
    # an object that is hidden from us is remembered as such, or each drain would ask for it again
    forgets = by_person and any(map(taught, documents.values()))
    fresh = {
        name: seen.get(name, {}) if forgets else carried(documents.get(name), seen.get(name, {}))
        for name in objects
    }
    memory_queries.keep_describes(lane.account_id, lane.id, fresh)
    if known and any(documents.get(name) != document for name, document in fresh.items()):
        memory_queries.lift_quarantine(lane.account_id, lane.id, but=OF_RULES)
        item_queries.try_refused_again(lane.account_id, lane.id, but=OF_RULES)
    if forgets:
        item_queries.mark_in_lane(lane.account_id, lane.id)
        lane_queries.wake(lane.id)


def _users_old(lane: Lane) -> bool:
    at = lane.row["users_refreshed_at"]
    return at is None or (datetime.now(UTC) - at).total_seconds() > lane.policy.refresh_after


def user_rows(users: Iterable[CrmUser]) -> list[dict[str, Any]]:
    """Users of the CRM as they are kept; hosts are compared with `email_key`."""
    return [
        {
            "crm_id": user.id,
            "email_key": plain_email(user.email),
            "username": user.username,
            "name": user.name,
            "active": user.active,
            "licence": user.licence,
        }
        for user in users
    ]


def _refresh_users(lane: Lane) -> None:
    users = lane.crm.users()
    # of those who have none, the reason is worth a look: an inactive user is not a missing one
    known = {plain_email(user.email) for user in users}
    without = memory_queries.hosts_without(lane.account_id, lane.id, known)
    users += lane.crm.users(without) if without else ()
    new = memory_queries.replace_users(lane.account_id, lane.id, user_rows(users))
    if new:
        item_queries.mark_in_lane(lane.account_id, lane.id, new)
    lane.row = {**lane.row, "users_refreshed_at": datetime.now(UTC)}


def apply_config(account_id: int, row: dict[str, Any], document: dict[str, Any]) -> list[str]:
    """Check a configuration against the live schema and keep it; every booking is compared again.

    Returns what an admin may not expect of it. Raises `InputError` with all faults; then nothing was changed.
    """
    lane = open_lane(account_id, row)
    refresh(lane, force=True)
    profile = lane.vendor.profile
    config = checked(from_document(document, lane.config), profile, lane.schema, lane.custom, lane.config)
    # who saved which tab last is true no more; the whole of it is somebody's choice
    chosen = {"config": to_document(config), MAPPING_SAVED: {}, RULES_SAVED: True}
    settings = {**(row["settings"] or {}), **chosen}
    credentials.save_settings(account_id, lane.id, settings)
    memory_queries.lift_quarantine(account_id, lane.id)
    item_queries.mark_in_lane(account_id, lane.id)
    lane_queries.wake(lane.id)
    return warnings(config, profile, lane.schema)


def standing_warnings(account_id: int, row: dict[str, Any]) -> list[str]:
    """What the present configuration does that an admin may not expect, against the schema as last seen."""
    lane = open_lane(account_id, row)
    return warnings(lane.config, lane.vendor.profile, lane.schema)


def the_connection(account_id: int, vendor: str = "") -> dict[str, Any]:
    """The account's connection (of that vendor). Raises `InputError` when there is none."""
    rows = [r for r in lane_queries.connections(account_id) if not vendor or r["vendor"] == vendor]
    if not rows:
        ways = " or ".join(f"`instep connect {name}`" for name in ([vendor] if vendor else VENDORS))
        raise InputError("No CRM is connected.", code="NOT_CONNECTED", cure=f"Run {ways} first.")
    return rows[0]


RecordUrl = Callable[[str, str], str]


def record_url_of(account_id: int, connection_key: int) -> RecordUrl:
    """A function from object and id to the record's address for people: empty where it cannot be told.

    No request is sent. A connection whose tokens or keys are lost shows its records without links.
    """
    try:
        row = lane_queries.connection_by_id(account_id, connection_key)
        if row is None or credentials.load_tokens(account_id, connection_key) is None:
            return lambda name, record_id: ""
        crm = open_crm(account_id, row)
        crm.record_url("", "")
    except InstepError:
        return lambda name, record_id: ""
    return lambda name, record_id: crm.record_url(name, record_id) if record_id else ""


def with_links(document: dict[str, Any], url_of: RecordUrl) -> dict[str, Any]:
    """A plan or receipt document whose records and candidates carry their addresses in the CRM."""
    writes = [{**w, "url": url_of(w["object"], w["id"])} for w in document.get("writes") or []]
    match = document.get("match")
    if match:
        listed = [{**c, "url": url_of(c["object"], c["id"])} for c in match["candidates"]]
        match = {**match, "candidates": listed}
    return {**document, "match": match, "writes": writes}
