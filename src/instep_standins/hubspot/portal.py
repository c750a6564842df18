"""The portal: its rows, its properties, its settings, and the lock and transaction that keep them together."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import attrs

from ..journal import Journal
from ..storage import Storage
from . import associations, calculated, seed, times
from .faults import Faults
from .rates import Rates
from .schema import OBJECT_TYPES, ObjectType, Option, Property, catalogue
from .search_index import SearchIndex
from .tables import GROUPS, KINDS, OWNERS, PROPERTIES, RECORD_KINDS, Row, Tables
from .tokens import ALL_SCOPES, Tokens

# Every object type counts for itself: a contact may have the id of a meeting.
_FIRST_ID = 30_200_000_001


@attrs.define
class Settings:
    """What `/__fake__/settings` can change. Seconds, counts; `clock` is an offset in seconds."""

    tokenSeconds: int = 1800
    searchLag: float = 2.0  # from a write to when search sees it
    clock: float = 0.0
    burst: int = 190  # calls of one app in ten seconds
    searchPerSecond: int = 5  # searches of the whole account
    daily: int = 625_000
    dailyUsed: int = 0
    dailyOf: str = ""  # the account's day on which those calls were counted
    retryAfter: bool = False  # HubSpot does not promise it on 429
    marketplace: bool = False  # a marketplace app has no daily limit, and 110 calls in ten seconds
    autoApprove: bool = False
    tokenScopes: list[str] = attrs.field(factory=lambda: list(ALL_SCOPES))  # of the static token
    tokenRevoked: bool = False
    appScopes: list[str] | None = None  # what the app's own configuration asks for; null: whatever is asked
    meetingIds: str = (
        "unique"  # may meetings have unique properties: unique, plain (no), none (no property at all)
    )
    lifecycleDefault: str = "lead"
    mergeKeepsId: bool = False
    secondaryByEmail: bool = True  # whether reading by a secondary address finds the contact
    autoCompany: bool = False  # a company for a contact's domain
    required: dict[str, list[str]] = attrs.field(
        factory=dict
    )  # object type → properties a new record must have
    # [{"object", "property", "value", "require": [...]}]: where the property has that value, the others are required
    conditional: list[dict[str, Any]] = attrs.field(factory=list)
    # "contacts.firstname" → [{"ruleType", "ruleArguments"}]
    validations: dict[str, list[dict[str, Any]]] = attrs.field(factory=dict)


class Portal:
    """One HubSpot account.

    data: an SQLite file that outlives the process; None keeps everything in memory.
    clock: seconds since 1970, for tests that need a fixed time.
    Everything that reads or writes holds `lock`; writes happen inside `transaction()`.
    """

    def __init__(
        self,
        data: Path | None = None,
        *,
        client_id: str | None = None,
        client_secret: str | None = None,
        token: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.lock = threading.RLock()
        self._clock = clock
        self._storage = Storage(Path(data)) if data else None
        self._dirty: set[str] = set()
        self._forgotten: list[tuple[str, str]] = []
        self.faults = Faults()
        self.journal = Journal()
        saved = self._storage.meta() if self._storage else {}
        kept = saved.get("credentials", {})
        self.client_id = (
            client_id or kept.get("client_id") or str(UUID(bytes=secrets.token_bytes(16), version=4))
        )
        self.client_secret = (
            client_secret or kept.get("client_secret") or str(UUID(bytes=secrets.token_bytes(16), version=4))
        )
        made = f"pat-eu1-{UUID(bytes=secrets.token_bytes(16), version=4)}"
        self.token = token or kept.get("token") or made
        self._fresh_state()
        with self.transaction():
            if saved.get("counters") is not None:
                self._restore(saved)
            else:
                self._seed()
            self.touch("credentials", "settings", "counters")

    def _fresh_state(self) -> None:
        self.tables = Tables()
        self.settings = Settings()
        self.counters: dict[str, int] = {}
        self.tokens = Tokens(self)
        self.rates = Rates(self)
        self.index = SearchIndex(self)
        self._schema: dict[str, dict[str, Property]] = {}

    def _seed(self) -> None:
        for row in seed.owners(self.stamp()):
            self.tables.put(OWNERS, row)

    def _restore(self, saved: dict[str, Any]) -> None:
        self.settings = Settings(**saved["settings"])
        self.counters = saved["counters"]
        self.tokens.restore(saved.get("tokens", {}))
        for kind, row, _ in self._storage.records():  # type: ignore[union-attr]
            if kind in KINDS:
                self.tables.put(kind, row)
        self.tables.take_changes()
        for row in self.tables.rows(PROPERTIES).values():
            self._index_unique(row)
        for kind in RECORD_KINDS:
            for row in self.tables.rows(kind).values():
                self.index.put_now(kind, row)

    # -- time -------------------------------------------------------------------------------------

    def seconds(self) -> float:
        """Now, in seconds since 1970."""
        return self._clock() + self.settings.clock

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds(), UTC)

    def stamp(self) -> str:
        return times.told(self.now())

    # -- transaction ------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the lock; save what changed before leaving, or take it back when an exception passes."""
        with self.lock:
            start = self.tables.mark()
            try:
                yield
            except BaseException:
                self.tables.rollback(start)
                raise
            finally:
                self._save()

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """One record of a batch: taken back alone when an exception passes."""
        start = self.tables.mark()
        try:
            yield
        except BaseException:
            self.tables.rollback(start)
            raise

    def _save(self) -> None:
        changes = self.tables.take_changes()
        for kind, row_id, _, new in changes:
            self.index.note(kind, row_id, new)
            if kind == PROPERTIES:
                self._schema.clear()
        if self._storage and (changes or self._forgotten or self._dirty):
            gone = [(kind, f"{kind}/{row_id}", None, []) for kind, row_id in self._forgotten]
            saved = [(kind, f"{kind}/{row_id}", new, []) for kind, row_id, _, new in changes]
            self._storage.write([*gone, *saved], {name: self._meta(name) for name in sorted(self._dirty)})
        self._dirty.clear()
        self._forgotten.clear()

    def touch(self, *names: str) -> None:
        """Say which meta values changed, so that the transaction saves them."""
        self._dirty.update(names)

    def _meta(self, name: str) -> Any:
        if name == "credentials":
            return {"client_id": self.client_id, "client_secret": self.client_secret, "token": self.token}
        if name == "settings":
            return attrs.asdict(self.settings)
        return {"counters": self.counters, "tokens": self.tokens.dump()}[name]

    # -- properties -------------------------------------------------------------------------------

    def properties(self, name: str) -> dict[str, Property]:
        """All properties of an object type, archived ones included; those of the portal over HubSpot's."""
        found = self._schema.get(name)
        if found is None:
            own = {
                row["definition"]["name"]: _thaw(row["definition"])
                for row in self.tables.rows(PROPERTIES).values()
                if row["object"] == name
            }
            found = self._schema[name] = {**catalogue(name)[0], **own}
        return found

    def property(self, name: str, property_name: str) -> Property | None:
        """A living property."""
        found = self.properties(name).get(property_name)
        return None if found is None or found.archived_at else found

    def put_property(self, name: str, made: Property) -> None:
        row = {"id": f"{name}/{made.name}", "object": name, "definition": attrs.asdict(made)}
        self.tables.put(PROPERTIES, row)
        self._schema.clear()
        self._index_unique(row)

    def _index_unique(self, row: Row) -> None:
        if row["definition"]["unique"]:
            self.tables.add_index(row["object"], row["definition"]["name"])

    def groups(self, name: str) -> dict[str, str]:
        """Labels of the property groups by their names."""
        own = {r["name"]: r["label"] for r in self.tables.rows(GROUPS).values() if r["object"] == name}
        return {**catalogue(name)[1], **own}

    def options(self, found: Property, name: str) -> tuple[Option, ...]:
        """What an enumeration may hold; owners and pipelines are those of the portal."""
        pipelines = seed.PIPELINES.get(name, [])
        if found.reference == "pipeline":
            return tuple(Option(one, label) for one, label, _ in pipelines)
        if found.reference == "stage":
            return tuple(Option(one, label) for _, _, stages in pipelines for one, label, _ in stages)
        return found.options

    # -- records ----------------------------------------------------------------------------------

    def mint(self, kind: str) -> str:
        self.counters[kind] = self.counters.get(kind, 0) + 1
        self.touch("counters")
        return str(_FIRST_ID + self.counters[kind])

    def resolve(self, kind: str, record_id: str) -> Row | None:
        """The living record of an id, also of one that a merge took over."""
        row = self.tables.get(kind, record_id)
        while row is not None and row.get("mergedInto"):
            row = self.tables.get(kind, row["mergedInto"])
        return None if row is None or row.get("archived") else row

    def owner(self, owner_id: str) -> Row | None:
        return self.tables.get(OWNERS, owner_id)

    def object_type(self, kind: str) -> ObjectType:
        return OBJECT_TYPES[kind]

    def associated(self, kind: str, record_id: str, to_kind: str) -> list[str]:
        """Ids of the living records of one kind that a record is associated with."""
        return [one for one, _ in associations.of(self, kind, record_id, to_kind)]

    def refresh(self, contacts: set[str]) -> None:
        """Calculate anew what contacts tell of their meetings."""
        for record_id in contacts:
            calculated.refresh(self, record_id)

    def reset(self, keep_schema: bool = False) -> None:
        """Back to the first day: owners, no records, no own properties, no faults. Sign-ins stay valid."""
        with self.transaction():
            kept = {kind: list(self.tables.rows(kind).values()) for kind in (PROPERTIES, GROUPS, OWNERS)}
            self._forgotten = [(kind, row_id) for kind in KINDS for row_id in self.tables.rows(kind)]
            tokens = self.tokens.dump()
            self._fresh_state()
            self.tokens.restore(tokens)
            self.faults.clear()
            self.journal.clear()
            self._seed()
            if keep_schema:
                for kind, rows in kept.items():
                    for row in rows:
                        self.tables.put(kind, row)
                        self._index_unique(row) if kind == PROPERTIES else None
            self.touch("settings", "counters", "tokens")

    def close(self) -> None:
        if self._storage:
            self._storage.close()


def _thaw(body: dict[str, Any]) -> Property:
    return Property(**{**body, "options": tuple(Option(**one) for one in body["options"])})
