"""HubSpot: one folder, the same file names as every CRM here. This file puts its parts together as a `Crm`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from instep.core.changes import Write
from instep.core.crm_schema import ObjectSchema
from instep.core.errors import NeedsAdmin
from instep.core.lookup import CrmUser, Lookup, Observed
from instep.core.refusal import NO_RIGHT
from instep.crm.hubspot import install as installing
from instep.crm.hubspot import names
from instep.crm.hubspot.apply import apply
from instep.crm.hubspot.auth import (
    HubSpotAuth,
    HubSpotCredentials,
    LoadTokens,
    Lock,
    SaveTokens,
    check_api_url,
)
from instep.crm.hubspot.client import HubSpotClient
from instep.crm.hubspot.describe import describe, schema_of
from instep.crm.hubspot.observe import find_users, observe, user_of
from instep.crm.hubspot.pack import batches, contacts_of
from instep.crm.port import Applied, Call, Crm, Identity, Limits, ReadOne
from instep.crm.transport import Transport, shared

__all__ = [
    "HubSpotAuth",
    "HubSpotClient",
    "HubSpotCredentials",
    "HubSpotCrm",
    "check_api_url",
    "connect",
]


class HubSpotCrm(Crm):
    """One connected account; implements `port.Crm`. Not shared by threads: each takes a `fork()`."""

    reads_in_a_write = 0

    def __init__(self, client: HubSpotClient) -> None:
        self.client = client
        self.calls: list[Call] = client.calls

    def fork(self) -> HubSpotCrm:
        """The same account with a list of calls of its own, for a batch in flight on another thread."""
        return HubSpotCrm(self.client.fork())

    @property
    def limits(self) -> Limits:
        """The last word of the account about its API calls of the day."""
        return self.client.limits

    @property
    def api_version(self) -> str:
        """The API version in use, a date."""
        return self.client.version

    def whoami(self) -> Identity:
        """The account behind the token, and its user as far as HubSpot tells who that is."""
        details = self.client.request("GET", "/account-info/{V}/details", purpose="whoami").body or {}
        portal = str(details.get("portalId") or "")
        pages = str(details.get("uiDomain") or names.APP_URL.partition("://")[2])
        self.client.auth.learn(portal, f"https://{pages}")
        owner, email = self._owner()
        kind = str(details.get("accountType") or "")
        return Identity(
            org_id=portal,
            user_id=owner.id if owner else "",
            username=email or f"HubSpot {portal}",
            email=email,
            display_name=owner.name if owner else "",
            org_name=str(details.get("portalName") or f"Portal {portal}"),
            sandbox=kind in names.SANDBOX_TYPES,
            edition=kind,
        )

    def _owner(self) -> tuple[CrmUser | None, str]:
        """The connected user as an owner, and its address; a service key is nobody's."""
        told = self.client.auth.introspected()
        user_id = str(told.get("user_id") or told.get("userId") or "")
        email = str(told.get("user") or "")
        if not user_id:
            return None, email
        try:
            path = f"/crm/owners/{{V}}/{user_id}?idProperty=userId"
            row = self.client.request("GET", path, purpose="whoami", refusals=True)
        except NeedsAdmin as error:
            if error.code != NO_RIGHT:
                raise
            return None, email
        if row.status >= 400:
            return None, email
        owner = user_of(row.body)
        return owner, email or owner.email

    def describe(
        self, objects: Sequence[str], known: Mapping[str, Mapping[str, Any]] | None = None
    ) -> Mapping[str, Mapping[str, Any]]:
        """Describe documents by object; invisible objects are left out. HubSpot cannot be asked for what is new."""
        return describe(self.client, objects)

    def schema_of(self, document: Mapping[str, Any]) -> ObjectSchema:
        """A kept describe document as an `ObjectSchema`."""
        return schema_of(document)

    def users(self, emails: Sequence[str] | None = None) -> tuple[CrmUser, ...]:
        """All owners, or whoever has one of these addresses, archived ones too."""
        return find_users(self.client, emails)

    def observe(self, lookup: Lookup) -> Observed:
        """Read what `lookup` asks, one call for each key."""
        return observe(self.client, lookup)

    def calls_for(self, writes: Sequence[Write]) -> int:
        """How many batches these writes take, with the associations of meetings that are there."""
        related = any(w.object == names.MEETING and w.id and contacts_of(w, lambda ref: "") for w in writes)
        return len(batches(writes)) + related

    def apply(
        self,
        writes: Sequence[Write],
        reads: Sequence[ReadOne] = (),
        before_write: Callable[[], None] = lambda: None,
    ) -> Applied:
        """Send writes in as few calls as the limits allow, people before their meetings."""
        return apply(self.client, writes, reads, before_write)

    def install(self) -> Mapping[str, Any]:
        """Make the connector's properties and look at what is there then."""
        return installing.install(self.client)

    def preflight(self) -> Mapping[str, Any]:
        """What the token lacks; changes nothing."""
        return installing.preflight(self.client, self.client.granted())

    def record_url(self, object_name: str, record_id: str) -> str:
        """The address of a record's page for people."""
        tokens = self.client.auth.tokens()
        kind = names.OBJECT_TYPES.get(object_name, "0-1")
        return f"{tokens.instance_url or names.APP_URL}/contacts/{tokens.org_id}/record/{kind}/{record_id}"


def connect(
    credentials: HubSpotCredentials,
    *,
    api_version: str = "",
    load_tokens: LoadTokens = lambda: None,
    save_tokens: SaveTokens = lambda new, previous: None,
    lock: Lock = nullcontext,
    allow: Sequence[str] = (),
    transport: Transport | None = None,
) -> HubSpotCrm:
    """A `HubSpotCrm` for what an admin entered; nothing is sent before its first use.

    The three callables keep tokens between processes (see `HubSpotAuth`). `api_version` pins one like "2026-03".
    """
    sender = transport or shared(tuple(allow))
    auth = HubSpotAuth(credentials, sender, load_tokens, save_tokens, lock, api_version)
    return HubSpotCrm(HubSpotClient(auth, sender, api_version))
