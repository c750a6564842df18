"""Signing in: the page that approves the app, tokens, what they are worth, and their end."""

import hmac
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import attrs

from ..markup import el
from ..routing import Answer
from . import seed, times, tokens
from .errors import ApiError
from .tokens import ALL_SCOPES, Grant, Install

if TYPE_CHECKING:
    from .portal import Portal

_BAD_REFRESH = "refresh token is invalid, expired or revoked"


def refuse(error: str, status: str, message: str, code: int = 400) -> ApiError:
    """RFC 6749's error with the fields from before it."""
    return ApiError(
        code, {"error": error, "error_description": message, "status": status, "message": message}
    )


def form_of(body: bytes) -> dict[str, str]:
    return {k: v[-1] for k, v in parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True).items()}


def values_of(body: bytes, content_type: str, version: str) -> dict[str, str]:
    """What a token call says: a form, as documented; on dated paths JSON too, which HubSpot's own new client sends."""
    if version.startswith("v") or content_type.partition(";")[0].strip().lower() != "application/json":
        return form_of(body)
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    return {key: str(value) for key, value in found.items()} if isinstance(found, dict) else {}


# -- the page that approves -------------------------------------------------------------------------


@attrs.frozen
class Asked:
    """What an app asks on the authorize page; `problem` says why that page refuses it."""

    scopes: tuple[str, ...]
    redirect_uri: str
    state: str
    challenge: str
    problem: str = ""


def read_asked(portal: "Portal", form: dict[str, str]) -> Asked:
    scopes = tuple(form.get("scope", "").split())
    optional = tuple(one for one in form.get("optional_scope", "").split() if one in ALL_SCOPES)
    uri = form.get("redirect_uri", "")
    problem = ""
    configured = portal.settings.appScopes
    unknown = [one for one in scopes if one not in ALL_SCOPES]
    if form.get("client_id") != portal.client_id:
        problem = "There is no app with this client ID."
    elif not uri or urlsplit(uri).scheme not in ("http", "https"):
        problem = "The redirect URL is missing or is not an http(s) address."
    elif urlsplit(uri).scheme == "http" and urlsplit(uri).hostname not in (
        "localhost",
        "127.0.0.1",
        "[::1]",
        "::1",
    ):
        problem = "The redirect URL must use https; http is for localhost only."
    elif unknown:
        problem = f"These scopes do not exist: {', '.join(unknown)}."
    elif configured is not None and not set(configured) <= set(scopes):
        problem = "Authorization failed because the scopes of the install URL do not match those of the app."
    elif form.get("code_challenge") and form.get("code_challenge_method") != "S256":
        problem = "The code challenge method must be S256."
    return Asked(
        tuple(dict.fromkeys(("oauth", *scopes, *optional))), uri, form.get("state", ""),
        form.get("code_challenge", ""), problem,
    )  # fmt: skip


def approve(portal: "Portal", asked: Asked) -> str:
    """Where the browser goes once the app is approved."""
    code = portal.tokens.new_code(asked.scopes, asked.redirect_uri, asked.challenge)
    return _back(asked, code=code)


def deny(asked: Asked) -> str:
    words = "The user denied access to the application"
    return _back(asked, error="access_denied", error_description=words)


def _back(asked: Asked, **answer: str) -> str:
    joint = "&" if urlsplit(asked.redirect_uri).query else "?"
    state = {"state": asked.state} if asked.state else {}
    return f"{asked.redirect_uri}{joint}{urlencode({**answer, **state})}"


def page(asked: Asked, form: dict[str, str]) -> str:
    """The page on which somebody chooses whether the app may."""
    kind = el("p", "HubSpot stand-in – made up, on this machine", class_="kind")
    if asked.problem:
        main = [kind, el("h1", "The app cannot be connected"), el("p", asked.problem, role="alert")]
    else:
        sent = [
            el("input", type="hidden", name=name, value=value)
            for name, value in form.items()
            if name != "decision"
        ]
        yes = el(
            "button", "Connect app", type="submit", name="decision", value="yes", class_="yes", id="approve"
        )
        no = el("button", "Cancel", type="submit", name="decision", value="no", id="deny")
        main = [
            kind,
            el("h1", "Connect this app to the account?"),
            el(
                "p",
                "An app at ",
                el("b", urlsplit(asked.redirect_uri).netloc),
                " asks for access. It may use:",
            ),
            el("ul", *(el("li", el("code", one)) for one in asked.scopes)),
            el("form", *sent, yes, " ", no, method="post", action="/oauth/authorize"),
        ]
    head = el(
        "head", el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"), el("title", "Connect an app – HubSpot stand-in"),
        el("link", rel="stylesheet", href="/assets/page.css"),
    )  # fmt: skip
    body = el("body", el("main", *main, class_="consent", id="main"))
    return "<!doctype html>" + el("html", head, body, lang="en")


# -- tokens -----------------------------------------------------------------------------------------


def _client(portal: "Portal", form: dict[str, str]) -> None:
    """Raises 400 for another client's id or secret."""
    if not hmac.compare_digest(form.get("client_id", "").encode(), portal.client_id.encode()):
        raise refuse("invalid_client", "BAD_CLIENT_ID", "missing or invalid client id")
    if not hmac.compare_digest(form.get("client_secret", "").encode(), portal.client_secret.encode()):
        raise refuse("invalid_client", "BAD_CLIENT_SECRET", "missing or invalid client secret")


def token(portal: "Portal", form: dict[str, str], version: str) -> Answer:
    """A token for a code or a refresh token."""
    kind = form.get("grant_type")
    if kind not in ("authorization_code", "refresh_token"):
        raise refuse(
            "unsupported_grant_type",
            "BAD_GRANT_TYPE",
            "grant_type must be one of 'authorization_code', 'refresh_token'",
        )
    _client(portal, form)
    install = _by_code(portal, form) if kind == "authorization_code" else _by_refresh(portal, form)
    grant = portal.tokens.session(install)
    body: dict[str, Any] = {
        "token_type": "bearer", "refresh_token": install.refresh, "access_token": grant.token,
        "expires_in": portal.settings.tokenSeconds,
    }  # fmt: skip
    if version != "v1":
        body |= {"token_use": "access_token", "hub_id": seed.PORTAL_ID, "user_id": seed.USER_ID,
                 "scopes": list(grant.scopes)}  # fmt: skip
    return Answer(200, body, {"Cache-Control": "no-store"})


def _by_code(portal: "Portal", form: dict[str, str]) -> Install:
    code = portal.tokens.take_code(form.get("code", ""))
    if code is None:
        raise refuse("invalid_grant", "BAD_AUTH_CODE", "missing or unknown auth code")
    if code.redirect_uri != form.get("redirect_uri"):
        raise refuse("invalid_grant", "MISMATCH_REDIRECT_URI_AUTH_CODE",
                     "redirect uri does not match the one of the auth code")  # fmt: skip
    if code.challenge and tokens.s256(form.get("code_verifier", "")) != code.challenge:
        raise refuse("invalid_grant", "BAD_AUTH_CODE", "code verifier does not match the code challenge")
    return portal.tokens.install(code.scopes)


def _by_refresh(portal: "Portal", form: dict[str, str]) -> Install:
    install = portal.tokens.living_install(form.get("refresh_token", ""))
    if install is None:
        raise refuse("invalid_grant", "BAD_REFRESH_TOKEN", _BAD_REFRESH)
    return install


def _left(portal: "Portal", grant: Grant) -> int:
    return max(int((grant.expires or portal.seconds()) - portal.seconds()), 0)


def introspect(portal: "Portal", form: dict[str, str]) -> Answer:
    _client(portal, form)
    value = form.get("token", "")
    install = portal.tokens.installs.get(value)
    common = {"token": value, "client_id": portal.client_id, "app_id": seed.APP_ID, "hub_id": seed.PORTAL_ID,
              "hub_domain": "acme.example", "user_id": seed.USER_ID, "user": seed.USER_EMAIL,
              "is_private_distribution": True}  # fmt: skip
    if install is not None:
        return Answer(200, {"active": not install.revoked, "token_use": "refresh_token", "token_type": "bearer",
                            "scopes": install.scopes, **common})  # fmt: skip
    grant = portal.tokens.grant(value)
    if grant is None or grant.expires is None:
        raise refuse("invalid_token", "NOT_FOUND", "token is not known", 404)
    living = grant.expires > portal.seconds()
    body = {"active": living, "token_use": "access_token", "token_type": "bearer", "scopes": list(grant.scopes),
            "expires_in": _left(portal, grant), "signed_access_token": _signed(portal, grant), **common}  # fmt: skip
    return Answer(200, body)


def _signed(portal: "Portal", grant: Grant) -> dict[str, Any]:
    return {
        "expiresAt": int((grant.expires or 0) * 1000), "scopes": "AAAAAQ==", "hubId": seed.PORTAL_ID,
        "userId": seed.USER_ID, "appId": seed.APP_ID, "signature": "c2lnbmVk", "scopeToScopeGroupPks": "AQIDBA==",
        "newSignature": "c2lnbmVk", "hublet": "eu1", "trialScopes": "", "trialScopeToScopeGroupPks": "",
        "isUserLevel": False, "installingUserId": seed.USER_ID, "isServiceAccount": False,
        "isPrivateDistribution": True,
    }  # fmt: skip


def revoke(portal: "Portal", form: dict[str, str]) -> Answer:
    """The end of a refresh token with its access tokens, or of one access token; an unknown one is no error."""
    _client(portal, form)
    value = form.get("token", "")
    install = portal.tokens.installs.get(value)
    if install is not None:
        portal.tokens.revoke(install)
    else:
        portal.tokens.sessions.pop(value, None)
        portal.touch("tokens")
    return Answer(200)


def older(portal: "Portal", method: str, parts: tuple[str, ...]) -> Answer:
    """v1: what a token is worth, and the end of a refresh token, which leaves its access tokens alone."""
    value = parts[1]
    install = portal.tokens.living_install(value)
    if parts[0] == "refresh-tokens" and install is not None:
        if method == "DELETE":
            portal.tokens.revoke(install, with_sessions=False)
            return Answer(204)
        return Answer(200, {
            "token": value, "user": seed.USER_EMAIL, "hub_domain": "acme.example", "scopes": install.scopes,
            "hub_id": seed.PORTAL_ID, "client_id": portal.client_id, "user_id": seed.USER_ID, "token_type": "refresh",
        })  # fmt: skip
    grant = portal.tokens.grant(value)
    living = grant is not None and grant.expires is not None and grant.expires > portal.seconds()
    if parts[0] == "access-tokens" and method == "GET" and grant is not None and living:
        return Answer(200, {
            "token": value, "user": seed.USER_EMAIL, "hub_domain": "acme.example", "scopes": list(grant.scopes),
            "scope_to_scope_group_pks": [], "trial_scopes": [], "trial_scope_to_scope_group_pks": [],
            "hub_id": seed.PORTAL_ID, "app_id": grant.app_id, "expires_in": _left(portal, grant),
            "user_id": seed.USER_ID, "token_type": "access",
        })  # fmt: skip
    raise ApiError(404, {"status": "error", "message": "token not found"})


def private_app(portal: "Portal", body: Any) -> Answer:
    """v2: what a static token is worth."""
    grant = portal.tokens.grant(str(body.get("tokenKey"))) if isinstance(body, dict) else None
    if grant is None:
        raise ApiError(404, {"status": "error", "message": "token not found"})
    return Answer(200, {"userId": seed.USER_ID, "hubId": seed.PORTAL_ID, "appId": grant.app_id,
                        "scopes": list(grant.scopes)})  # fmt: skip


def expired_when(grant: Grant) -> str:
    return times.told(datetime.fromtimestamp(grant.expires or 0, UTC))
