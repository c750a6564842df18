"""Signing in to one Salesforce org, and staying signed in: one refresh at a time, rotation-safe.

With refresh token rotation each refresh kills the token it used, and using a dead one kills everything
(reference 1.4). So: one refresher per connection over all processes, and the new token is stored
before anything uses it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from urllib.parse import urlsplit

from attrs import field, frozen

from instep.core.errors import InputError, NeedsAdmin, Retry, Scope
from instep.crm.addresses import Resolver, check_url, is_loopback, is_named, resolve
from instep.crm.oauth import (
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    JWT_BEARER,
    RECONNECT,
    Pkce,
    TokenEndpoint,
    Tokens,
    authorize_url,
)
from instep.crm.salesforce.ids import long_id
from instep.crm.salesforce.jwt_bearer import assertion
from instep.crm.transport import Transport

SCOPES = ("api", "refresh_token", "id")
TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 - an address
AUTHORIZE_PATH = "/services/oauth2/authorize"
REVOKE_PATH = "/services/oauth2/revoke"

#: Where people of any org sign in. Apps sign in on the org's own address only (reference 1.1).
PRODUCTION_LOGIN = "https://login.salesforce.com"
SANDBOX_LOGIN = "https://test.salesforce.com"
#: Whoever is signed in to Salesforce already would be connected without being asked (reference OnceHub 2.1).
_ASK_WHO = "login consent"

#: Hosts of pages for people; the API answers on the org's My Domain (reference 1.1).
_PAGE_HOSTS = re.compile(r"(\.lightning\.force\.com|\.my\.salesforce-setup\.com)\Z", re.IGNORECASE)
_MY_DOMAIN = ".my.salesforce.com"
_SALESFORCE = ".salesforce.com"

_CHECK_KEY = "Check the consumer key; a new app takes up to ten minutes until Salesforce knows it."
_INSTALL = (
    "Check that the consumer key is that of an External Client App of this very org (a sandbox has apps of its "
    "own), and that its Distribution State is Local."
)
_APPROVE = "In the app's policies allow the user: pre-authorized profiles or permission sets must include it."
#: error or error_description in lower case -> cure (reference 1.5, 1.7)
CURES: Mapping[str, str] = {
    "expired access/refresh token": "Connect Salesforce again.",
    "expired authorization code": "Start connecting again: the code had expired.",
    "invalid authorization code": "Start connecting again: the code was used already.",
    "no client credentials user enabled": "Choose a Run As user in the app's client credentials flow.",
    "request not supported on this domain": "Use the org's My Domain address (https://….my.salesforce.com).",
    "client credentials flow not enabled": "Enable the client credentials flow in the app's settings.",
    "ip restricted": "Allow Instep's address in the app's IP rules.",
    "client identifier invalid": _CHECK_KEY,
    "invalid client credentials": "Check the consumer secret.",
    "invalid code verifier": "Start connecting again: the sign-in was begun more than once.",
    "missing required code challenge": "Start connecting again from Instep's own page.",
    "app must be installed into org": "Install or approve the app in Salesforce.",
    "inactive_user": "Activate the user, or connect with another one.",
    "inactive_org": "The org is locked, closed or suspended: ask Salesforce.",
    "invalid_client_id": _CHECK_KEY,
    "invalid_client": "Check the consumer secret.",
    "invalid_app_access": _APPROVE,
    "oauth_app_access_denied": _APPROVE,
    "oauth_ec_app_not_found": _INSTALL,
    "app_not_found": _INSTALL,
    "oauth_approval_error_generic": _INSTALL,
    "oauth_app_blocked": "An administrator has blocked the app: unblock it in Salesforce's setup.",
    "invalid_scope": "Add the OAuth scopes that Instep lists to the app, then connect again.",
    "redirect_uri_mismatch": "Enter Instep's callback address in the app exactly as Instep shows it.",
    "access_denied": "Consent was denied: connect again and allow access.",
    "unsupported_grant_type": "Choose another way to sign in for this connection.",
}

#: The same for assertions, where the endpoint's words mean something else (reference 1.6).
JWT_CURES: Mapping[str, str] = {
    **CURES,
    "user hasn't approved this consumer": (
        "In the app's policies choose “Admin approved users are pre-authorized”, and add a profile or permission set "
        "of this user."
    ),
    "audience is invalid": "Choose the environment that the org is: production, sandbox, or its own address.",
    "audience validation failed": "Choose the environment that the org is: production, sandbox, or its own address.",
    "expired authorization code": "Set this machine's clock: the assertion was out of date when it came.",
    "invalid assertion": (
        "Upload Instep's certificate to the app (Use digital signatures), and check the Consumer Key and the username."
    ),
}

LoadTokens = Callable[[], Tokens | None]
SaveTokens = Callable[[Tokens, Tokens | None], None]
Lock = Callable[[], AbstractContextManager[Any]]


@frozen
class SalesforceCredentials:
    """What an admin entered: the app's key and secret, the org's address, and how we sign in.

    `grant` is "client_credentials", "authorization_code" or "jwt_bearer"; the last one needs the `username` to work
    as and a `private_key` (PEM). `org_id` is the org that was connected (empty on the first sign-in): tokens of any
    other org are refused.
    """

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    grant: str = CLIENT_CREDENTIALS
    org_id: str = ""
    username: str = ""
    private_key: str = field(default="", repr=False)

    def kept(self) -> dict[str, str]:
        """What to store of them, encrypted; `of` reads it back."""
        return {
            "url": self.url,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "grant": self.grant,
            **(
                {"username": self.username, "private_key": self.private_key}
                if self.grant == JWT_BEARER
                else {}
            ),
        }

    @classmethod
    def of(cls, kept: Mapping[str, Any], org_id: str = "") -> SalesforceCredentials:
        """The credentials from what was stored."""
        return cls(
            url=str(kept["url"]),
            client_id=str(kept["client_id"]),
            client_secret=str(kept.get("client_secret") or ""),
            grant=str(kept.get("grant") or CLIENT_CREDENTIALS),
            org_id=org_id,
            username=str(kept.get("username") or ""),
            private_key=str(kept.get("private_key") or ""),
        )


def check_org_url(url: str, allow: Sequence[str] = (), *, resolver: Resolver | None = resolve) -> str:
    """The address of an org as the API wants it; addresses of pages are rewritten to My Domain."""
    shown = url.strip() if "://" in url else f"https://{url.strip()}"
    try:
        host = urlsplit(shown).hostname or ""
    except ValueError:
        host = ""  # `check_url` says what is wrong with it
    if shown.rstrip("/") in (PRODUCTION_LOGIN, SANDBOX_LOGIN):
        resolver = None  # no typing error to find; the transport checks where it leads when it connects
    if _PAGE_HOSTS.search(host):
        shown = f"https://{_PAGE_HOSTS.sub(_MY_DOMAIN, host)}"
    return check_url(shown, allow, resolver=resolver)


def check_assertion_host(url: str, allow: Sequence[str] = ()) -> None:
    """Refuse to send an assertion anywhere but to Salesforce: whoever gets it signs in with it, for minutes.

    `allow` may name stand-ins. Raises `InputError`.
    """
    host = urlsplit(url).hostname or ""
    if not host.lower().endswith(_SALESFORCE) and not is_named(host, allow):
        raise InputError(
            f"{host} is no sign-in of Salesforce, so that the key of this account signs nothing for it.",
            code="url_not_salesforce",
            cure=f"Give the org's My Domain address (https://…{_MY_DOMAIN}).",
            scope=Scope.CONNECTION,
        )


def endpoint(credentials: SalesforceCredentials, transport: Transport) -> TokenEndpoint:
    """The org's token endpoint for the admin's app."""
    return TokenEndpoint(
        url=f"{credentials.url.rstrip('/')}{TOKEN_PATH}",
        client_id=credentials.client_id,
        client_secret=credentials.client_secret,
        transport=transport,
        cures=JWT_CURES if credentials.grant == JWT_BEARER else CURES,
    )


def consent_url(credentials: SalesforceCredentials, redirect_uri: str, state: str, pkce: Pkce) -> str:
    """Where to send the admin's browser; keep `state` and the verifier until it comes back."""
    return authorize_url(
        f"{credentials.url.rstrip('/')}{AUTHORIZE_PATH}",
        client_id=credentials.client_id,
        redirect_uri=redirect_uri,
        scopes=SCOPES,
        state=state,
        challenge=pkce.challenge,
        prompt=_ASK_WHO,
    )


def consent_refused(error: str, description: str) -> NeedsAdmin:
    """What the browser brought back instead of a code, in plain words (reference 1.3, 1.7)."""
    told = (description or error)[:300]
    cure = CURES.get(told.lower()) or CURES.get(error.lower()) or "Connect Salesforce again."
    return NeedsAdmin(
        f"Salesforce did not sign us in: {told}.", code=error[:100], cure=cure, scope=Scope.CONNECTION
    )


def exchange_code(
    credentials: SalesforceCredentials, transport: Transport, code: str, verifier: str, redirect_uri: str
) -> Tokens:
    """The first tokens of the code flow; the answer's signature is verified (reference 1.3)."""
    raw = endpoint(credentials, transport).exchange_code(code, verifier, redirect_uri)
    if credentials.client_secret:
        _verify_signature(raw, credentials.client_secret)
    tokens = _tokens(raw, AUTHORIZATION_CODE, credentials, transport)
    check_org(tokens, credentials.org_id)
    return tokens


def revoke(credentials: SalesforceCredentials, tokens: Tokens, transport: Transport) -> None:
    """Have Salesforce forget the tokens: a refresh token takes its sessions with it (reference 1.8).

    Tokens that Salesforce does not know any more are as good as revoked. Raises `Retry` when it cannot be told.
    """
    token = tokens.refresh_token or tokens.access_token
    answer = transport.send(
        "POST", f"{credentials.url.rstrip('/')}{REVOKE_PATH}", data={"token": token}, changes=True
    )
    if answer.status not in (200, 400):
        raise Retry(
            f"Salesforce did not revoke the tokens (HTTP {answer.status}).",
            code=f"http_{answer.status}",
            scope=Scope.CONNECTION,
        )


def check_org(tokens: Tokens, org_id: str) -> None:
    """Refuse tokens of another org than the connected one: a sandbox must never pass for production."""
    if org_id and tokens.org_id[:15] != org_id[:15]:
        raise NeedsAdmin(
            f"Salesforce signed us in to the org {tokens.org_id}, but this connection is for {org_id}.",
            code="wrong_org",
            cure=(
                "Sign in with a user of the connected org. To take the setup to the other org, choose Switch "
                "environment on the connection's page."
            ),
            scope=Scope.CONNECTION,
        )


def _verify_signature(raw: Mapping[str, Any], secret: str) -> None:
    signed = f"{raw.get('id', '')}{raw.get('issued_at', '')}".encode()
    wanted = base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode("ascii")
    if not hmac.compare_digest(wanted.encode(), str(raw.get("signature", "")).encode()):
        raise NeedsAdmin(
            "The answer to the sign-in was not signed with this app's secret.",
            code="bad_signature",
            cure="Check the consumer secret and the org's address, then connect again.",
            scope=Scope.CONNECTION,
        )


def _tokens(
    raw: Mapping[str, Any],
    grant: str,
    credentials: SalesforceCredentials,
    transport: Transport,
    refresh_token: str = "",
) -> Tokens:
    """The raw answer as values. The instance address is read anew each time: an org may have moved."""
    id_url = str(raw.get("id", ""))
    parts = urlsplit(id_url).path.strip("/").split("/")
    return Tokens(
        access_token=str(raw["access_token"]),
        refresh_token=str(raw.get("refresh_token") or refresh_token),
        # The transport checks the resolved address when it connects.
        instance_url=_instance_url(str(raw.get("instance_url", "")), credentials, transport),
        issued_at=str(raw.get("issued_at", "")),
        scope=str(raw.get("scope", "")),
        id_url=id_url,
        org_id=long_id(parts[-2]) if len(parts) >= 2 else "",
        grant=grant,
    )


def _instance_url(url: str, credentials: SalesforceCredentials, transport: Transport) -> str:
    """Where the org says it lives; it may send us to our own machine only when the admin did."""
    origin = check_url(url, transport.allow, resolver=None)
    host = urlsplit(origin).hostname or ""
    own = urlsplit(credentials.url).hostname or ""
    if is_loopback(host) and not is_loopback(own):
        raise InputError(
            f"{own} says that the org lives at {origin}, which is this machine.",
            code="url_private",
            cure="Check the org's address.",
            scope=Scope.CONNECTION,
        )
    return origin


def user_id_of(tokens: Tokens) -> str:
    """The user behind the tokens: the last part of the identity address (reference 1.8).

    Read from there and not from the address's own answer, which takes a scope that an app may lack.
    """
    return long_id(urlsplit(tokens.id_url).path.rpartition("/")[2])


class SalesforceAuth:
    """The tokens of one connection, shared by threads here and by processes elsewhere.

    `load_tokens()` gives what is stored, `save_tokens(new, previous)` stores before anything uses the new
    ones, `lock()` makes a context manager that holds out every other process; both are called inside it.
    """

    def __init__(
        self,
        credentials: SalesforceCredentials,
        transport: Transport,
        load_tokens: LoadTokens = lambda: None,
        save_tokens: SaveTokens = lambda new, previous: None,
        lock: Lock = nullcontext,
    ) -> None:
        self.credentials = credentials
        self._transport = transport
        self._load = load_tokens
        self._save = save_tokens
        self._lock = lock
        self._threads = threading.Lock()
        self._tokens: Tokens | None = None

    def tokens(self) -> Tokens:
        """The current tokens: ours, else the stored ones, else new ones."""
        tokens = self._tokens
        if tokens is None:
            tokens = self._load()
            if tokens is None:
                return self.renew(None)
            check_org(tokens, self.credentials.org_id)
            self._tokens = tokens
        return tokens

    def renew(self, stale: Tokens | None) -> Tokens:
        """New tokens in place of stale ones; those that somebody else fetched meanwhile are taken.

        Raises NeedsAdmin "reconnect" when Salesforce refuses for good, Retry and Wait as they come.
        """
        with self._threads, self._lock():
            current = self._load() or self._tokens
            if current is not None and (stale is None or current.access_token != stale.access_token):
                check_org(current, self.credentials.org_id)
                self._tokens = current
                return current
            fresh = self._ask(current)
            check_org(fresh, self.credentials.org_id)
            # Stored first: a crash after this line loses nothing, a crash before it leaves the old
            # token in the store, which is as good as Salesforce allows (reference 1.4).
            self._save(fresh, current)
            self._tokens = fresh
            return fresh

    def _ask(self, current: Tokens | None) -> Tokens:
        ours = endpoint(self.credentials, self._transport)
        if self.credentials.grant == CLIENT_CREDENTIALS:
            return _tokens(ours.client_credentials(), CLIENT_CREDENTIALS, self.credentials, self._transport)
        if self.credentials.grant == JWT_BEARER:
            who = self.credentials
            check_assertion_host(who.url, self._transport.allow)
            signed = assertion(who.client_id, who.username, who.url, who.private_key, time.time())
            return _tokens(ours.jwt_bearer(signed), JWT_BEARER, who, self._transport)
        if current is None or not current.refresh_token:
            raise NeedsAdmin(
                "Salesforce gave this connection no refresh token.",
                code=RECONNECT,
                cure="Allow the scope refresh_token in the app, then connect Salesforce again.",
                scope=Scope.CONNECTION,
            )
        raw = ours.refresh(current.refresh_token)
        return _tokens(raw, AUTHORIZATION_CODE, self.credentials, self._transport, current.refresh_token)
