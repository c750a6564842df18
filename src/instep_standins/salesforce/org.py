"""The org: its records, its schema, its settings, and the lock and transaction that keep them together."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs

from ..journal import Journal
from ..storage import Storage
from . import config, custom_fields, features, ids, person_accounts, record_types, seed, times
from .access import Access
from .faults import Faults
from .history import FIRST_DAY, Cause, History
from .schema import Field, SObject, load_catalogue
from .tables import Record, Tables
from .tokens import Tokens

ARCHIVED_AFTER = timedelta(days=365)
# What stays of an org that loses its records only.
SETUP_OBJECTS = (
    "AssignmentRule", "BusinessProcess", "CurrencyType", "DuplicateRule", "Group", "Organization", "PermissionSet",
    "PermissionSetAssignment", "Profile", "QueueSobject", "RecordType", "ValidationRule",
)  # fmt: skip


@attrs.define
class Settings:
    """What `/__fake__/settings` can change. Seconds, counts; `clock` is an offset in seconds."""

    rotation: bool = False
    sessionSeconds: int = 7200
    clientCredentials: bool = True
    clientCredentialsUser: str | None = seed.INTEGRATION_USERNAME
    authorizeUser: str | None = seed.INTEGRATION_USERNAME
    autoApprove: bool = False
    apiMax: int = 15000
    apiUsed: int = 0
    clock: float = 0.0
    duplicateKey: str = "duplicateResut"  # misspelt in real orgs; some versions may spell it right
    permissions: dict[str, bool] = attrs.field(factory=dict)  # UserPermissionAccess fields that are not true
    jwtCertificate: str | None = None  # PEM of the certificate (or public key) that the app has uploaded
    preAuthorised: list[str] | None = None  # usernames; null: whoever has approved the app
    apiEnabled: bool = True  # false: an edition without the API
    wholeRefusal: bool = False  # an unknown field in one row refuses the whole collection


class Org:
    """One Salesforce org.

    data: an SQLite file that outlives the process; None keeps everything in memory.
    clock: seconds since 1970, for tests that need a fixed time.
    Everything that reads or writes records holds `lock`; writes happen inside `transaction()`.
    """

    def __init__(
        self,
        data: Path | None = None,
        seed_users: bool = True,
        *,
        client_id: str | None = None,
        client_secret: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.lock = threading.RLock()
        self._clock = clock
        self._seed_users = seed_users
        self._storage = Storage(Path(data)) if data else None
        self._dirty: set[str] = set()
        self._forgotten: list[tuple[str, str]] = []  # records that a reset leaves behind on disk
        self._cause = FIRST_DAY
        self.faults = Faults()
        self.journal = Journal()
        saved = self._storage.meta() if self._storage else {}
        credentials = saved.get("credentials", {})
        self.client_id = client_id or credentials.get("client_id") or "3MVG9" + secrets.token_hex(20)
        self.client_secret = (
            client_secret or credentials.get("client_secret") or secrets.token_hex(32).upper()
        )
        self._fresh_state()
        with self.transaction():
            if saved.get("counters"):
                self._restore(saved)
            else:
                self._seed()
            self.touch("credentials", "settings")

    def _fresh_state(self) -> None:
        self.catalogue: dict[str, SObject] = load_catalogue()
        self.tables = Tables(self.catalogue)
        self.history = History()
        self.settings = Settings()
        self.config = config.Config()
        self.counters: dict[str, int] = {}
        self.access = Access(self)
        self.tokens = Tokens(self)
        self.locators: dict[str, Any] = {}
        self.deployments: dict[str, Any] = {}
        self.schema_stamp = int(self.now().timestamp())

    def _seed(self) -> None:
        for name, fields in seed.records(self._seed_users):
            self.insert(name, fields)
            # Seeded ids are fixed; the next one minted comes after them.
            prefix = self.catalogue[name].prefix
            self.counters[prefix] = self.counters.get(prefix, 0) + 1
        self.touch("counters")

    def _restore(self, saved: dict[str, Any]) -> None:
        self.settings = Settings(**saved["settings"])
        self.config = config.Config(**saved.get("config", {}))
        self.counters = saved["counters"]
        for name, fields in saved.get("custom_fields", {}).items():
            for body in fields:
                self.add_field(name, Field(**seed.thaw_field(body)))
        self.access.restore(saved.get("access", {}))
        self.tokens.restore(saved.get("tokens", {}))
        for name, record, history in self._storage.records():  # type: ignore[union-attr]
            self.tables.put(name, record)
            self.history.restore(record["Id"], history)
        self.tables.take_changes()
        features.restore(self)

    # -- time -------------------------------------------------------------------------------------

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock() + self.settings.clock, UTC)

    def stamp(self) -> str:
        return times.format_datetime(self.now())

    def archive_limit(self) -> str:
        """Events that started before this stored datetime are archived."""
        return times.format_datetime(self.now() - ARCHIVED_AFTER)

    # -- transaction ------------------------------------------------------------------------------

    @contextmanager
    def transaction(self, cause: Cause | None = None) -> Iterator[None]:
        """Hold the lock; save what changed before leaving, or take it back when an exception passes.

        cause: what the records' history will say of the changes; a transaction within another has that one's.
        """
        with self.lock:
            start = self.tables.mark()
            outer, self._cause = self._cause, cause or self._cause
            try:
                yield
            except BaseException:
                self.tables.rollback(start)
                raise
            finally:
                self._save()
                self._cause = outer

    def _save(self) -> None:
        changes = self.tables.take_changes()
        if changes:
            at, cause = self.stamp(), (self._cause.told(), self._cause.user_id)
            for _, record_id, old, new in changes:
                self.history.note(record_id, old, new, at, cause)
        if self._storage and (changes or self._forgotten or self._dirty):
            saved = [(name, rid, new, self.history.dump(rid) if new else []) for name, rid, _, new in changes]
            gone = [(name, rid, None, []) for name, rid in self._forgotten]
            self._storage.write([*gone, *saved], {name: self._meta(name) for name in sorted(self._dirty)})
        self._dirty.clear()
        self._forgotten.clear()

    def touch(self, *names: str) -> None:
        """Say which meta values changed, so that the transaction saves them."""
        self._dirty.update(names)

    def _meta(self, name: str) -> Any:
        if name == "credentials":
            return {"client_id": self.client_id, "client_secret": self.client_secret}
        if name in ("settings", "config"):
            return attrs.asdict(getattr(self, name))
        if name == "custom_fields":
            return {
                obj.name: [attrs.asdict(f) for f in obj.fields.values() if f.custom]
                for obj in self.catalogue.values()
            }
        return {"counters": self.counters, "access": self.access.dump(), "tokens": self.tokens.dump()}[name]

    # -- schema -----------------------------------------------------------------------------------

    def add_field(self, name: str, field: Field) -> None:
        self.catalogue[name] = self.catalogue[name].with_field(field)
        if field.external_id or field.unique:
            self.tables.add_index(name, field.name)
        for part in custom_fields.parts_of(field):
            self.add_field(name, part)
        if name == "Contact" and person_accounts.is_shared(field) and self.config.has(config.PERSON_ACCOUNTS):
            self.add_field("Account", person_accounts.on_account(field))
        self.touch("custom_fields")
        self.schema_changed()

    def remove_field(self, name: str, field: str) -> None:
        held = self.catalogue[name].fields.get(field)
        self.catalogue[name] = self.catalogue[name].without_field(field)
        for part in custom_fields.parts_of(held) if held else ():
            self.remove_field(name, part.name)
        if name == "Contact" and field.endswith("__c"):
            self.remove_field("Account", field.removesuffix("__c") + "__pc")
        self.touch("custom_fields")
        self.schema_changed()

    def schema_changed(self) -> None:
        """Make cached views and every earlier If-Modified-Since stale, even within the same second."""
        self.access.forget_views()
        self.schema_stamp = max(int(self.now().timestamp()) + 1, self.schema_stamp + 1)

    # -- records ----------------------------------------------------------------------------------

    def mint(self, prefix: str) -> str:
        self.counters[prefix] = self.counters.get(prefix, 0) + 1
        self.touch("counters")
        return ids.mint(prefix, self.counters[prefix])

    def next_number(self, name: str) -> int:
        self.counters[name] = self.counters.get(name, 0) + 1
        self.touch("counters")
        return self.counters[name]

    def insert(self, name: str, fields: dict[str, Any]) -> Record:
        """Store a record as it is, with id and stamps; no rule is asked."""
        record_id = fields.get("Id") or self.mint(self.catalogue[name].prefix)
        known = self.catalogue[name].fields
        now = self.stamp()
        record = {"Id": record_id, "IsDeleted": False} if "IsDeleted" in known else {"Id": record_id}
        record |= {n: now for n in ("CreatedDate", "LastModifiedDate", "SystemModstamp") if n in known}
        record |= {k: v for k, v in fields.items() if v is not None and k != "Id"}
        self.tables.put(name, record)
        if name == "RecordType":
            record_types.show_field(self, record.get("SobjectType", ""))
        return record

    def object_of_id(self, record_id: str) -> SObject | None:
        return next((o for o in self.catalogue.values() if o.prefix == record_id[:3]), None)

    def live(self, name: str, record_id: str) -> Record | None:
        record = self.tables.get(name, record_id)
        return None if record is None or record.get("IsDeleted") else record

    @property
    def organization(self) -> Record:
        return next(iter(self.tables.rows("Organization").values()))

    def user(self, username: str) -> Record | None:
        found = self.tables.find("User", "Username", username)
        return self.tables.get("User", found[0]) if found else None

    def permissions(self, user_id: str) -> Record:
        """The one row of UserPermissionAccess: what a user may do beyond objects and fields."""
        return {"Id": ids.mint("0UP", 1), **self.access.permissions(user_id)}

    def reset(self, keep_metadata: bool = False) -> None:
        """Back to the first day: seed users, no records, no custom fields, no faults. Sign-ins stay valid."""
        with self.transaction():
            setup = {name: self.tables.rows(name).copy() for name in SETUP_OBJECTS}
            profiles = {key: row.get("ProfileId") for key, row in self.tables.rows("User").items()}
            kept = (self.catalogue, self.access, self.config, setup) if keep_metadata else None
            self._forgotten = [(name, rid) for name in self.catalogue for rid in self.tables.rows(name)]
            tokens = self.tokens.dump()
            self._fresh_state()
            self.tokens.restore(tokens)
            self.faults.clear()
            self.journal.clear()
            self._seed()
            if kept:
                self._keep(*kept)
                for key, user in list(self.tables.rows("User").items()):
                    self.tables.put("User", {**user, "ProfileId": profiles.get(key, user["ProfileId"])})
            self.schema_changed()
            self.touch("settings", "config", "counters", "custom_fields", "access", "tokens")

    def _keep(self, catalogue: dict, access: Access, setup: config.Config, tables: dict) -> None:
        for obj in catalogue.values():
            for field in obj.fields.values():
                if field.custom:
                    self.add_field(obj.name, field)
        self.access.restore(access.dump())
        self.config = setup
        for name, rows in tables.items():
            for record in rows.values():
                if self.tables.get(name, record["Id"]) is None:
                    self.counters[record["Id"][:3]] = self.counters.get(record["Id"][:3], 0) + 1
                self.tables.put(name, record)
        features.restore(self)

    def close(self) -> None:
        if self._storage:
            self._storage.close()
