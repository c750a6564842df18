"""The CRMs that Instep knows. A new one is a folder beside this file and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from attrs import field, frozen

from instep.core.crm_schema import ObjectSchema
from instep.core.errors import InputError, NeedsAdmin
from instep.core.profile import Profile
from instep.crm.hubspot import HubSpotCredentials, check_api_url
from instep.crm.hubspot import auth as hubspot_auth
from instep.crm.hubspot import connect as connect_hubspot
from instep.crm.hubspot import install as hubspot_install
from instep.crm.hubspot import names as hubspot_names
from instep.crm.hubspot.describe import schema_of as hubspot_schema_of
from instep.crm.hubspot.profile import PROFILE as HUBSPOT
from instep.crm.new_field import NewField
from instep.crm.oauth import JWT_BEARER, Pkce, Tokens
from instep.crm.port import Crm
from instep.crm.salesforce import SalesforceCredentials, auth, check_org_url, zip_bytes
from instep.crm.salesforce import connect as connect_salesforce
from instep.crm.salesforce.describe import schema_of
from instep.crm.salesforce.ids import checked_id
from instep.crm.salesforce.names import CONNECTOR_LABEL, LINK_IDS, USER_RIGHTS
from instep.crm.salesforce.package import CREATES
from instep.crm.salesforce.profile import PROFILE as SALESFORCE
from instep.crm.salesforce.sharing import SHARING
from instep.crm.sharing import Sharing
from instep.crm.transport import shared

Kept = Mapping[str, Any]


@frozen
class Keeper:
    """Where a client keeps its tokens: `save(new, previous)` and `load` are called inside `lock`."""

    load: Callable[[], Tokens | None]
    save: Callable[[Tokens, Tokens | None], None]
    lock: Callable[[], AbstractContextManager[Any]]


class Opener(Protocol):
    """Opens a client from what is kept; `hurried` when a person waits for its answers."""

    def __call__(
        self, kept: Kept, org_id: str, api_version: str, keeper: Keeper, hurried: bool = False
    ) -> Crm: ...


@frozen
class Consent:
    """How a person signs in to one CRM through the browser (authorization code with PKCE)."""

    #: (what is kept, callback address, state, proof key) -> where the browser is sent
    url: Callable[[Kept, str, str, Pkce], str]
    #: (what is kept, org id or "", code, verifier, callback address) -> the first tokens
    exchange: Callable[[Kept, str, str, str, str], Tokens]
    #: (error, description) that the browser brought back -> what it means
    refused: Callable[[str, str], NeedsAdmin]
    #: name of an environment -> address of its sign-in for people; empty where all share one
    logins: Mapping[str, str]
    #: what a sign-in must have been granted, or it would not last or not work
    scopes: tuple[str, ...] = ()
    #: other name of a scope -> the name in `scopes` that it stands for
    same_scope: Mapping[str, str] = field(factory=dict)


@frozen
class Vendor:
    """One CRM: its profile, and how a client is opened from kept credentials."""

    profile: Profile
    #: (what the admin entered, private hosts that the operator allows) -> what is kept; raises `InputError`
    prepare: Callable[[Mapping[str, str], Sequence[str]], dict[str, Any]]
    open: Opener
    consent: Consent
    #: (what is kept, tokens) -> nothing; the CRM forgets the tokens. Raises `InstepError` when it does not.
    revoke: Callable[[Kept, Tokens], None]
    #: what the installation creates, and the name of the set of rights that comes with it, empty where none does
    creates: Sequence[NewField]
    rights: str
    #: permissions of the connected user that matter, and what the CRM's pages call them
    user_rights: Mapping[str, str]
    #: a kept describe document -> the object as a value
    schema_of: Callable[[Mapping[str, Any]], ObjectSchema]
    #: parameters of personalised links, by the names that a booking's record ids have
    link_ids: Mapping[str, str]
    #: an id as a link says it -> its one form, or empty where it cannot be one
    record_id: Callable[[str], str]
    #: merge fields and buttons by which the CRM's own pages and mails link to a booking page
    sharing: Sharing
    #: the connector's fields and rights as a file that an admin can deploy by hand, where the CRM knows such files
    package: Callable[[], bytes] | None = None
    #: scopes that a token needs for all that is written, those that only the installation takes, and those of them
    #: that not every account has
    scopes: tuple[str, ...] = ()
    install_scopes: tuple[str, ...] = ()
    optional_scopes: tuple[str, ...] = ()


def _allowed(kept: Kept) -> tuple[str, ...]:
    """Private hosts or networks that were allowed when the connection was made."""
    return tuple(kept.get("allow") or ())


def _opener(credentials_of: Callable[[Kept, str], Any], connect: Callable[..., Crm]) -> Opener:
    """Opens stored connections of one vendor by its own `connect`."""

    def open_crm(kept: Kept, org_id: str, api_version: str, keeper: Keeper, hurried: bool = False) -> Crm:
        return connect(
            credentials_of(kept, org_id),
            api_version=api_version,
            load_tokens=keeper.load,
            save_tokens=keeper.save,
            lock=keeper.lock,
            transport=shared(_allowed(kept), hurried),
        )

    return open_crm


def _salesforce_kept(entered: Mapping[str, str], allow: Sequence[str]) -> dict[str, Any]:
    checked = {**entered, "url": check_org_url(entered["url"], allow)}
    if checked.get("grant") == JWT_BEARER:
        auth.check_assertion_host(checked["url"], allow)
    return {**SalesforceCredentials.of(checked).kept(), "allow": list(allow)}


_SALESFORCE_CONSENT = Consent(
    url=lambda kept, callback, state, pkce: auth.consent_url(
        SalesforceCredentials.of(kept), callback, state, pkce
    ),
    exchange=lambda kept, org_id, code, verifier, callback: auth.exchange_code(
        SalesforceCredentials.of(kept, org_id), shared(_allowed(kept), True), code, verifier, callback
    ),
    refused=auth.consent_refused,
    logins={"production": auth.PRODUCTION_LOGIN, "sandbox": auth.SANDBOX_LOGIN},
    # without the second nobody stays signed in
    scopes=("api", "refresh_token"),
    same_scope={"offline_access": "refresh_token", "full": "api"},
)


def _hubspot_kept(entered: Mapping[str, str], allow: Sequence[str]) -> dict[str, Any]:
    checked = {**entered, "url": check_api_url(entered.get("url", ""), allow)}
    return {**HubSpotCredentials.of(checked).kept(), "allow": list(allow)}


_HUBSPOT_CONSENT = Consent(
    url=lambda kept, callback, state, pkce: hubspot_auth.consent_url(
        HubSpotCredentials.of(kept), callback, state, pkce
    ),
    exchange=lambda kept, org_id, code, verifier, callback: hubspot_auth.exchange_code(
        HubSpotCredentials.of(kept, org_id), shared(_allowed(kept), True), code, verifier, callback
    ),
    refused=hubspot_auth.consent_refused,
    # sandboxes are accounts like any other: people choose theirs after signing in
    logins={},
    scopes=(hubspot_names.OAUTH_SCOPE, *hubspot_names.SCOPES),
)

VENDORS: Mapping[str, Vendor] = {
    "salesforce": Vendor(
        SALESFORCE,
        _salesforce_kept,
        _opener(SalesforceCredentials.of, connect_salesforce),
        _SALESFORCE_CONSENT,
        revoke=lambda kept, tokens: auth.revoke(
            SalesforceCredentials.of(kept), tokens, shared(_allowed(kept), True)
        ),
        creates=CREATES,
        rights=CONNECTOR_LABEL,
        user_rights=USER_RIGHTS,
        schema_of=schema_of,
        link_ids=LINK_IDS,
        record_id=checked_id,
        sharing=SHARING,
        package=zip_bytes,
    ),
    "hubspot": Vendor(
        HUBSPOT,
        _hubspot_kept,
        _opener(HubSpotCredentials.of, connect_hubspot),
        _HUBSPOT_CONSENT,
        revoke=lambda kept, tokens: hubspot_auth.revoke(
            HubSpotCredentials.of(kept), tokens, shared(_allowed(kept), True)
        ),
        # made by the API or by hand: HubSpot has no file of properties that could be deployed
        creates=hubspot_install.CREATES,
        rights="",
        user_rights={},
        schema_of=hubspot_schema_of,
        link_ids={},
        record_id=lambda text: "",
        sharing=Sharing((), (), ("", "")),
        scopes=tuple(hubspot_names.SCOPES),
        install_scopes=hubspot_names.INSTALL_SCOPES,
        optional_scopes=hubspot_names.OPTIONAL_SCOPES,
    ),
}


def vendor_of(name: str) -> Vendor:
    """The vendor of that name. Raises `InputError` for an unknown one."""
    try:
        return VENDORS[name]
    except KeyError:
        raise InputError(f"“{name}” is no CRM that Instep knows.", cure=f"Known: {', '.join(VENDORS)}.")
