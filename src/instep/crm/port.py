"""What the engine asks of a CRM. One folder for each vendor implements it; none of them knows a database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from attrs import field, frozen

from instep.core.changes import Write
from instep.core.crm_schema import ObjectSchema
from instep.core.errors import InstepError
from instep.core.lookup import CrmUser, Lookup, Observed, Record


@frozen
class Call:
    """One counted request to the CRM. `ms` is its duration; `request_id` the CRM's own id, if given."""

    method: str
    path: str
    status: int
    ms: float
    request_id: str = ""
    purpose: str = ""


@frozen
class Identity:
    """Who we are in the CRM: the API User and its organization (ids in their long form)."""

    org_id: str
    user_id: str
    username: str
    email: str = ""
    display_name: str = ""
    org_name: str = ""
    sandbox: bool = False
    edition: str = ""


@frozen
class Limits:
    """API calls of the rolling day as the CRM last told: used and allowed, None when it did not say."""

    used: int | None = None
    allowed: int | None = None


@frozen
class WriteResult:
    """The CRM's answer to one write.

    `void` is True when the CRM did not try it because a record it refers to was refused. On success
    `id` is set and `created` says whether the record is new. `error` is set on a refusal.
    """

    ref: str
    id: str = ""
    created: bool = False
    void: bool = False
    error: InstepError | None = None

    @property
    def ok(self) -> bool:
        """True when the record now says what the write wanted."""
        return self.error is None and not self.void


@frozen
class Applied:
    """The answers to one batch of writes, by their `ref`, and the records read in the same call.

    `reads` maps (object, id) to the record as it was just before the writes, None where it is gone.
    """

    results: Mapping[str, WriteResult] = field(factory=dict)
    reads: Mapping[tuple[str, str], Record | None] = field(factory=dict)


@frozen
class ReadOne:
    """One record to read by id just before the writes, with the fields wanted."""

    object: str
    id: str
    select: tuple[str, ...]


class Crm(Protocol):
    """One connected CRM. Every method may raise `InstepError`s whose class is the decision."""

    #: every request since the object was made, in order, also those that failed
    calls: list[Call]
    #: how many records can be read in the very call that writes; 0 where the CRM has no such call
    reads_in_a_write: int

    @property
    def limits(self) -> Limits:
        """The last word of the CRM about its API limits."""
        ...

    @property
    def api_version(self) -> str:
        """The API version in use."""
        ...

    def fork(self) -> Crm:
        """The same CRM with a list of calls of its own, for another thread."""
        ...

    def whoami(self) -> Identity:
        """The API User and organization behind the token."""
        ...

    def describe(
        self, objects: Sequence[str], known: Mapping[str, Mapping[str, Any]] | None = None
    ) -> Mapping[str, Mapping[str, Any]]:
        """Describe documents by object, to be kept and handed back as `known` for revalidation.

        Each is {"schema": vendor body, "last_modified": str}; `schema_of` turns one into values.
        """
        ...

    def schema_of(self, document: Mapping[str, Any]) -> ObjectSchema:
        """A kept describe document as an `ObjectSchema`."""
        ...

    def users(self, emails: Sequence[str] | None = None) -> tuple[CrmUser, ...]:
        """All users who can own records, or whoever has one of these addresses, inactive ones too."""
        ...

    def observe(self, lookup: Lookup) -> Observed:
        """Read what `lookup` asks in one call where the CRM allows it.

        Raises `Retry` (scope batch) when any part could not be read: a look-up that failed is never
        an empty answer. Raises `NeedsAdmin` (scope record) when the CRM finds a value unreadable.
        """
        ...

    def calls_for(self, writes: Sequence[Write]) -> int:
        """How many calls these writes take where nothing is refused."""
        ...

    def apply(
        self,
        writes: Sequence[Write],
        reads: Sequence[ReadOne] = (),
        before_write: Callable[[], None] = lambda: None,
    ) -> Applied:
        """Send writes in as few calls as the CRM allows, parents before children.

        `before_write` is called before every request that changes something; what it raises stops the
        rest. A batch whose outcome is unknown raises `Retry` with `outcome_unknown`.
        """
        ...

    def install(self) -> Mapping[str, Any]:
        """Create the connector's fields and permission set; idempotent; says what is there now."""
        ...

    def preflight(self) -> Mapping[str, Any]:
        """What the connected user lacks: {"fields": {name: seen}, "objects": {name: [missing rights]}}."""
        ...

    def record_url(self, object_name: str, record_id: str) -> str:
        """The address of a record's page for people."""
        ...
