"""Salesforce as a `Crm`: one connected org, composed of the modules of this folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from instep.core.changes import Write
from instep.core.crm_schema import ObjectSchema
from instep.core.errors import InputError, Scope
from instep.core.lookup import CrmUser, Lookup, Observed
from instep.crm.port import Applied, Call, Crm, Identity, Limits, ReadOne
from instep.crm.salesforce import install as installing
from instep.crm.salesforce.apply import apply
from instep.crm.salesforce.auth import (
    LoadTokens,
    Lock,
    SalesforceAuth,
    SalesforceCredentials,
    SaveTokens,
    check_org_url,
    user_id_of,
)
from instep.crm.salesforce.client import SalesforceClient
from instep.crm.salesforce.describe import describe, schema_of
from instep.crm.salesforce.names import OLDEST_VERSION, USER
from instep.crm.salesforce.observe import ask, find_users, observe
from instep.crm.salesforce.pack import PARTS_PER_COMPOSITE, collections, composites, ranks
from instep.crm.salesforce.package import zip_bytes
from instep.crm.salesforce.soql import Statement, equal
from instep.crm.transport import Transport, shared

__all__ = [
    "SalesforceAuth",
    "SalesforceClient",
    "SalesforceCredentials",
    "SalesforceCrm",
    "check_org_url",
    "connect",
    "zip_bytes",
]

_ORGANIZATION = Statement(
    "SELECT Id, Name, OrganizationType, IsSandbox FROM Organization LIMIT 1", "Organization"
)


class SalesforceCrm(Crm):
    """One connected org; implements `port.Crm`. Not shared by threads: each takes a `fork()`."""

    reads_in_a_write = PARTS_PER_COMPOSITE - 1

    def __init__(self, client: SalesforceClient) -> None:
        self.client = client
        self.calls: list[Call] = client.calls

    def fork(self) -> SalesforceCrm:
        """The same org with a list of calls of its own, for a batch in flight on another thread."""
        return SalesforceCrm(self.client.fork())

    @property
    def limits(self) -> Limits:
        """The last word of the org about its API calls of the rolling day."""
        return self.client.limits

    @property
    def api_version(self) -> str:
        """The API version in use; worth keeping, so that it need not be negotiated again."""
        return self.client.version

    def whoami(self) -> Identity:
        """The API User and the organization behind the token, read in one call."""
        tokens = self.client.auth.tokens()
        user_id = user_id_of(tokens)
        asked = (equal(USER, ("Username", "Email", "Name"), {"Id": user_id}), _ORGANIZATION)
        user, organization = (rows[0] if rows else {} for rows in ask(self.client, asked, "whoami"))
        return Identity(
            org_id=tokens.org_id,
            user_id=user_id,
            username=str(user.get("Username") or ""),
            email=str(user.get("Email") or ""),
            display_name=str(user.get("Name") or ""),
            org_name=str(organization.get("Name") or ""),
            sandbox=bool(organization.get("IsSandbox")),
            edition=str(organization.get("OrganizationType") or ""),
        )

    def describe(
        self, objects: Sequence[str], known: Mapping[str, Mapping[str, Any]] | None = None
    ) -> Mapping[str, Mapping[str, Any]]:
        """Describe documents by object, revalidated against `known`; invisible objects are left out."""
        return describe(self.client, objects, known)

    def schema_of(self, document: Mapping[str, Any]) -> ObjectSchema:
        """A kept describe document as an `ObjectSchema`."""
        return schema_of(document)

    def users(self, emails: Sequence[str] | None = None) -> tuple[CrmUser, ...]:
        """All users who can own records, or whoever has one of these addresses, inactive ones too."""
        return find_users(self.client, emails)

    def observe(self, lookup: Lookup) -> Observed:
        """Read what `lookup` asks, in one call wherever its limits allow."""
        return observe(self.client, lookup)

    def calls_for(self, writes: Sequence[Write]) -> int:
        """How many Composites these writes take."""
        return len(composites((), collections(writes, ranks(writes))))

    def apply(
        self,
        writes: Sequence[Write],
        reads: Sequence[ReadOne] = (),
        before_write: Callable[[], None] = lambda: None,
    ) -> Applied:
        """Send writes in as few calls as the limits allow, parents before children."""
        return apply(self.client, writes, reads, before_write)

    def install(self) -> Mapping[str, Any]:
        """Deploy, assign and verify the connector's fields and permission set."""
        return installing.install(self.client, self._user_id())

    def preflight(self) -> Mapping[str, Any]:
        """What the connected user lacks; changes nothing."""
        return installing.preflight(self.client, self._user_id())

    def record_url(self, object_name: str, record_id: str) -> str:
        """The address of a record's page for people."""
        return f"{self.client.instance_url}/lightning/r/{object_name}/{record_id}/view"

    def _user_id(self) -> str:
        return user_id_of(self.client.auth.tokens())


def connect(
    credentials: SalesforceCredentials,
    *,
    api_version: str = "",
    load_tokens: LoadTokens = lambda: None,
    save_tokens: SaveTokens = lambda new, previous: None,
    lock: Lock = nullcontext,
    allow: Sequence[str] = (),
    transport: Transport | None = None,
) -> SalesforceCrm:
    """A `SalesforceCrm` for what an admin entered; nothing is sent before its first use.

    The three callables keep tokens between processes (see `SalesforceAuth`). `api_version` pins one like
    "62.0"; empty: the org is asked. `allow` lists private hosts or networks that may be called.
    """
    if api_version and (
        not re.fullmatch(r"\d{2}\.\d", api_version) or float(api_version) < float(OLDEST_VERSION)
    ):
        raise InputError(
            f"{api_version!r} is no API version that Instep can use.",
            code="bad_api_version",
            cure=f"Name one from {OLDEST_VERSION} on, like 62.0.",
            scope=Scope.CONNECTION,
        )
    sender = transport or shared(tuple(allow))
    auth = SalesforceAuth(credentials, sender, load_tokens, save_tokens, lock)
    return SalesforceCrm(SalesforceClient(auth, sender, api_version))
