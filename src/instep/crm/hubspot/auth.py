"""Signing in to one HubSpot account, and staying signed in: a static token, or OAuth with one refresh at a time.

Refresh tokens do not rotate and access tokens live half an hour (reference 1.3); HubSpot asks apps to renew by the
clock. Everything travels in the body, at the token endpoint of the API version in use.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from urllib.parse import urlencode, urlsplit

from attrs import evolve, field, frozen

from instep.core.errors import InputError, InstepError, NeedsAdmin, Retry, Scope
from instep.crm.addresses import Resolver, check_url, is_loopback, resolve
from instep.crm.hubspot import names
from instep.crm.oauth import AUTHORIZATION_CODE, BY_HAND, RECONNECT, Pkce, TokenEndpoint, Tokens
from instep.crm.transport import Response, Transport

#: a service key or the token of a private app
STATIC = "static"
#: seconds after which an access token is renewed; it lives 1,800 (reference 1.3)
_RENEW_AFTER = 1700.0

#: error, or what is said of it in lower case -> cure
CURES: Mapping[str, str] = {
    "invalid_grant": "Connect HubSpot again: the app was uninstalled, or the sign-in revoked or already used.",
    "invalid_client": "Check the app's client id and secret.",
    "redirect_uri_mismatch": "Enter Instep's callback address in the app exactly as Instep shows it.",
    "invalid_scope": "Add the scopes that Instep lists to the app, then connect again.",
    "access_denied": "Consent was denied: connect again and allow access.",
}

LoadTokens = Callable[[], Tokens | None]
SaveTokens = Callable[[Tokens, Tokens | None], None]
Lock = Callable[[], AbstractContextManager[Any]]


@frozen
class HubSpotCredentials:
    """What an admin entered: the API's address, and a static token or an app's id and secret.

    `org_id` is the account that was connected, empty on the first sign-in.
    """

    url: str = names.API_URL
    token: str = field(default="", repr=False)
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    grant: str = STATIC
    org_id: str = ""

    def kept(self) -> dict[str, str]:
        """What to store of them, encrypted; `of` reads it back."""
        return {
            "url": self.url,
            "grant": self.grant,
            "token": self.token,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": self.refresh_token,
        }

    @classmethod
    def of(cls, kept: Mapping[str, Any], org_id: str = "") -> HubSpotCredentials:
        """The credentials from what was stored or entered. Raises `InputError` where they cannot be any."""
        found = {name: str(kept.get(name) or "").strip() for name in cls().kept()}
        grant = found["grant"] or (STATIC if found["token"] else AUTHORIZATION_CODE)
        needed = ("token",) if grant == STATIC else ("client_id", "client_secret")
        missing = [name for name in needed if not found[name]]
        if missing:
            raise InputError(
                f"HubSpot cannot be connected without {' and '.join(missing)}.",
                cure=f"Enter a service key ({names.KEYS_PLACE}), or an app's client id and secret.",
                code="NO_CREDENTIALS",
                scope=Scope.CONNECTION,
            )
        return cls(**{**found, "grant": grant, "url": found["url"] or names.API_URL}, org_id=org_id)


def check_api_url(url: str, allow: Sequence[str] = (), *, resolver: Resolver | None = resolve) -> str:
    """The origin of the API; an empty address is HubSpot's own."""
    shown = url.strip() or names.API_URL
    if "://" not in shown:
        shown = f"https://{shown}"
    if shown.rstrip("/") == names.API_URL:
        resolver = None  # no typing error to find; the transport checks where it leads when it connects
    return check_url(shown, allow, resolver=resolver)


def token_path(version: str, what: str = "token") -> str:
    """The path of the token endpoint: `token`, `token/introspect` or `token/revoke`."""
    return f"/oauth/{version or names.NEWEST_VERSION}/{what}"


def endpoint(credentials: HubSpotCredentials, transport: Transport, version: str = "") -> TokenEndpoint:
    """The token endpoint for the admin's app."""
    return TokenEndpoint(
        url=f"{credentials.url}{token_path(version)}",
        client_id=credentials.client_id,
        client_secret=credentials.client_secret,
        transport=transport,
        cures=CURES,
    )


def login_url(credentials: HubSpotCredentials) -> str:
    """Where people sign in: HubSpot's own pages, or the machine that plays HubSpot."""
    return credentials.url if is_loopback(urlsplit(credentials.url).hostname or "") else names.APP_URL


def consent_url(credentials: HubSpotCredentials, redirect_uri: str, state: str, pkce: Pkce) -> str:
    """Where to send the admin's browser; keep `state` and the verifier until it comes back."""
    query = {
        "client_id": credentials.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join((names.OAUTH_SCOPE, *names.SCOPES, *names.INSTALL_SCOPES)),
        "optional_scope": " ".join(names.OPTIONAL_SCOPES),
        "state": state,
        "code_challenge": pkce.challenge,
        "code_challenge_method": "S256",
    }
    return f"{login_url(credentials)}/oauth/authorize?{urlencode(query)}"


def consent_refused(error: str, description: str) -> NeedsAdmin:
    """What the browser brought back instead of a code, in plain words."""
    cure = CURES.get(error.lower()) or "Connect HubSpot again."
    told = (description or error)[:300]
    return NeedsAdmin(
        f"HubSpot did not sign us in: {told}.", code=error[:100], cure=cure, scope=Scope.CONNECTION
    )


def exchange_code(
    credentials: HubSpotCredentials, transport: Transport, code: str, verifier: str, redirect_uri: str
) -> Tokens:
    """The first tokens of the code flow. Code and verifier work once."""
    raw = endpoint(credentials, transport).exchange_code(code, verifier, redirect_uri)
    tokens = _tokens(raw)
    check_account(tokens, credentials.org_id)
    return tokens


def revoke(credentials: HubSpotCredentials, tokens: Tokens, transport: Transport) -> None:
    """Have HubSpot forget the app's sign-in.

    Tokens that HubSpot does not know any more are as good as revoked. Raises `Retry` when it cannot be told, and
    `NeedsAdmin` for a static token, which only its owner can end.
    """
    if not tokens.refresh_token:
        raise NeedsAdmin(
            "HubSpot lets only you end a key: it goes on working there until it is rotated or deleted.",
            code=BY_HAND,
            cure=f"HubSpot: {names.KEYS_PLACE} → the key → Rotate; or the private app → Auth → Rotate.",
            scope=Scope.CONNECTION,
        )
    form = {
        "token": tokens.refresh_token,
        "token_type_hint": "refresh_token",
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret,
    }
    url = f"{credentials.url}{token_path('', 'token/revoke')}"
    answer = transport.send("POST", url, data=form, changes=True)
    if answer.status not in (200, 204, 400, 404):
        raise Retry(
            f"HubSpot did not revoke the tokens (HTTP {answer.status}).",
            code=f"http_{answer.status}",
            scope=Scope.CONNECTION,
        )


def check_account(tokens: Tokens, org_id: str) -> None:
    """Refuse tokens of another account than the connected one."""
    if org_id and tokens.org_id and tokens.org_id != org_id:
        raise NeedsAdmin(
            f"HubSpot signed us in to the account {tokens.org_id}, but this connection is for {org_id}.",
            code="wrong_org",
            cure="Sign in with a user of the connected account.",
            scope=Scope.CONNECTION,
        )


def _tokens(raw: Mapping[str, Any], before: Tokens | None = None) -> Tokens:
    """The raw answer as values; `issued_at` is our clock's, in seconds."""
    scopes = raw.get("scopes")
    return Tokens(
        access_token=str(raw["access_token"]),
        refresh_token=str(raw.get("refresh_token") or (before.refresh_token if before else "")),
        instance_url=before.instance_url if before else "",
        issued_at=str(int(time.time())),
        scope=" ".join(map(str, scopes)) if isinstance(scopes, list) else (before.scope if before else ""),
        id_url=str(raw.get("user_id") or (before.id_url if before else "")),
        org_id=str(raw.get("hub_id") or (before.org_id if before else "")),
        grant=AUTHORIZATION_CODE,
    )


class HubSpotAuth:
    """The tokens of one connection, shared by threads here and by processes elsewhere.

    `load_tokens()` gives what is stored, `save_tokens(new, previous)` stores before anything uses the new ones,
    `lock()` makes a context manager that holds out every other process; both are called inside it.
    """

    def __init__(
        self,
        credentials: HubSpotCredentials,
        transport: Transport,
        load_tokens: LoadTokens = lambda: None,
        save_tokens: SaveTokens = lambda new, previous: None,
        lock: Lock = nullcontext,
        version: str = "",
    ) -> None:
        self.credentials = credentials
        self._transport = transport
        self._load = load_tokens
        self._save = save_tokens
        self._lock = lock
        self._version = version
        self._threads = threading.Lock()
        self._tokens: Tokens | None = None

    @property
    def renewable(self) -> bool:
        """Whether a refused token can be replaced by a new one without a person."""
        return self.credentials.grant != STATIC

    def tokens(self) -> Tokens:
        """The current tokens: ours, else the stored ones, else new ones."""
        tokens = self._tokens
        if tokens is None:
            tokens = self._load()
            if not self.renewable and (tokens is None or tokens.access_token != self.credentials.token):
                tokens = Tokens(self.credentials.token, grant=STATIC)
            if tokens is None:
                return self.renew(None)
            check_account(tokens, self.credentials.org_id)
            self._tokens = tokens
        return self.renew(tokens) if self.renewable and _is_old(tokens) else tokens

    def renew(self, stale: Tokens | None) -> Tokens:
        """New tokens in place of stale ones; those that somebody else fetched meanwhile are taken.

        Raises NeedsAdmin "reconnect" when HubSpot refuses for good, Retry and Wait as they come.
        """
        with self._threads, self._lock():
            current = self._load() or self._tokens
            fetched = stale is None or (current is not None and current.access_token != stale.access_token)
            if current is not None and fetched and not _is_old(current):
                check_account(current, self.credentials.org_id)
                self._tokens = current
                return current
            fresh = self._refreshed(current)
            check_account(fresh, self.credentials.org_id)
            self._save(fresh, current)
            self._tokens = fresh
            return fresh

    def learn(self, org_id: str, page_url: str) -> None:
        """Keep with the tokens which account they are for and where its pages are."""
        tokens = self.tokens()
        known = evolve(tokens, org_id=org_id, instance_url=page_url)
        check_account(known, self.credentials.org_id)
        if known != tokens or not self.renewable:
            with self._threads, self._lock():
                self._save(known, tokens)
                self._tokens = known

    def introspected(self) -> Mapping[str, Any]:
        """What HubSpot tells of the token: its user, account, scopes; nothing where it does not know such tokens."""
        try:
            answer = self._introspect()
            body = answer.json() if answer.status == 200 else {}
        except (InstepError, ValueError):
            return {}
        return body if isinstance(body, Mapping) else {}

    def _introspect(self) -> Response:
        tokens, who = self.tokens(), self.credentials
        if not self.renewable:
            url = f"{who.url}/oauth/v2/private-apps/get/access-token-info"
            headers = {"Content-Type": "application/json"}
            return self._transport.send("POST", url, headers=headers, json={"tokenKey": tokens.access_token})
        form = {
            "token": tokens.access_token,
            "token_type_hint": "access_token",
            "client_id": who.client_id,
            "client_secret": who.client_secret,
        }
        return self._transport.send(
            "POST", f"{who.url}{token_path(self._version, 'token/introspect')}", data=form
        )

    def _refreshed(self, current: Tokens | None) -> Tokens:
        known = current.refresh_token if current is not None else self.credentials.refresh_token
        if not known:
            raise NeedsAdmin(
                "HubSpot gave this connection no refresh token.",
                code=RECONNECT,
                cure="Connect HubSpot again.",
                scope=Scope.CONNECTION,
            )
        raw = endpoint(self.credentials, self._transport, self._version).refresh(known)
        return _tokens({"refresh_token": known, **raw}, current)


def _is_old(tokens: Tokens) -> bool:
    """Whether an access token is about to expire by our own clock."""
    try:
        return time.time() - float(tokens.issued_at) > _RENEW_AFTER
    except ValueError:
        return False
