"""OAuth: authorize with PKCE, token, refresh with rotation, revoke, introspect, userinfo, identity."""

import base64
import binascii
import hmac
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import attrs

from . import jwt_bearer
from .errors import ApiError, refuse
from .tables import Record
from .tokens import Family, s256, signature

if TYPE_CHECKING:
    from .org import Org

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
Form = dict[str, str]
_SCOPE_WORDS = {
    "api": "Manage user data via APIs",
    "refresh_token": "Perform requests at any time",
    "offline_access": "Perform requests at any time",
    "id": "Access the identity URL service",
    "openid": "Access unique user identifiers",
}


@attrs.frozen
class Page:
    """An answer for a browser: HTML, or a redirect."""

    status: int
    html: str = ""
    location: str | None = None


def _token_error(error: str, description: str) -> ApiError:
    return ApiError(400, {"error": error, "error_description": description})


def form_of(body: bytes) -> Form:
    return {
        key: values[-1]
        for key, values in parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True).items()
    }


# -- authorize ----------------------------------------------------------------------------------------


def _redirect(form: Form, **values: str) -> Page:
    if form.get("state"):
        values["state"] = form["state"]
    joiner = "&" if "?" in form["redirect_uri"] else "?"
    return Page(302, location=form["redirect_uri"] + joiner + urlencode(values))


def _error_page(error: str, description: str) -> Page:
    said = f"<p>error={escape(error)}&amp;error_description={escape(description)}</p>"
    return Page(
        400, f"<!doctype html><html lang=en><title>Sign-in error</title><h1>Sign-in error</h1>{said}</html>"
    )


def _check_authorize(org: "Org", form: Form) -> Page | None:
    """What is wrong with an authorize request; None where it may be shown to the user."""
    target = urlsplit(form.get("redirect_uri", ""))
    if form.get("client_id") != org.client_id:
        return _error_page("invalid_client_id", "client identifier invalid")
    if target.scheme not in ("http", "https") or not target.netloc or target.fragment:
        return _error_page("redirect_uri_mismatch", "redirect_uri must match configuration")
    if target.scheme == "http" and (target.hostname or "") not in _LOOPBACK | {"::1"}:
        return _error_page("redirect_uri_mismatch", "redirect_uri must use https")
    if form.get("response_type") != "code":
        return _redirect(
            form, error="unsupported_response_type", error_description="response type not supported"
        )
    if not form.get("code_challenge"):
        return _redirect(form, error="invalid_request", error_description="missing required code challenge")
    if form.get("code_challenge_method", "S256") != "S256":
        return _redirect(
            form, error="invalid_request", error_description="code challenge method must be S256"
        )
    return None


def authorize(org: "Org", method: str, form: Form) -> Page:
    """GET shows Allow and Deny, POST takes the decision; auto-approve skips the page."""
    wrong = _check_authorize(org, form)
    if wrong:
        return wrong
    decision = form.get("decision")
    if method == "POST" and decision == "deny":
        return _redirect(form, error="access_denied", error_description="end-user denied authorization")
    if (method == "POST" and decision == "allow") or org.settings.autoApprove:
        user = org.user(org.settings.authorizeUser or "")
        if user is None:
            return _redirect(form, error="access_denied", error_description="no such user")
        scope = form.get("scope") or "api refresh_token id"
        code = org.tokens.new_code(user["Id"], scope, form["redirect_uri"], form["code_challenge"])
        return _redirect(form, code=code)
    return Page(200, _consent(org, form))


def _consent(org: "Org", form: Form) -> str:
    hidden = "".join(f'<input type=hidden name="{escape(k)}" value="{escape(v)}">' for k, v in form.items())
    name = escape(org.organization["Name"])
    user = org.user(org.settings.authorizeUser or "") or {}
    scopes = (form.get("scope") or "api refresh_token id").split()
    wanted = "".join(f"<li>{escape(_SCOPE_WORDS.get(s, s))} <small>({escape(s)})</small>" for s in scopes)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>Allow access?</title><link rel=stylesheet href=/assets/page.css><main class=consent>"
        f"<p class=kind>Salesforce stand-in · {name}</p><h1>Allow access?</h1>"
        f"<p>Signed in as <b>{escape(str(user.get('Name', 'nobody')))}</b> "
        f"({escape(str(user.get('Username', '')))}). An app asks to:</p><ul>{wanted}</ul>"
        f"<form method=post>{hidden}"
        "<button name=decision value=allow class=yes>Allow</button> "
        "<button name=decision value=deny class=quiet>Deny</button></form></main></html>"
    )


# -- token --------------------------------------------------------------------------------------------


def _client(form: Form, headers: dict[str, str]) -> tuple[str, str]:
    """(client id, secret) from the body or HTTP Basic."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return name, secret
    return form.get("client_id", ""), form.get("client_secret", "")


def _check_client(org: "Org", form: Form, headers: dict[str, str], secret_needed: bool) -> None:
    name, secret = _client(form, headers)
    if not hmac.compare_digest(name.encode(), org.client_id.encode()):
        raise _token_error("invalid_client_id", "client identifier invalid")
    if (secret or secret_needed) and not hmac.compare_digest(secret.encode(), org.client_secret.encode()):
        raise _token_error("invalid_client", "invalid client credentials")


def token(org: "Org", form: Form, headers: dict[str, str], base_url: str) -> dict[str, str]:
    """POST /services/oauth2/token. Raises ApiError with the error bodies of the token endpoint."""
    grant = form.get("grant_type")
    if grant == "client_credentials":
        return _client_credentials(org, form, headers, base_url)
    if grant == "authorization_code":
        return _exchange_code(org, form, headers, base_url)
    if grant == "refresh_token":
        return _refresh(org, form, headers, base_url)
    if grant == JWT_BEARER:
        return _jwt_bearer(org, form, base_url)
    raise _token_error("unsupported_grant_type", "grant type not supported")


def _answer(org: "Org", user_id: str, scope: str, base_url: str, family: Family | None) -> dict[str, str]:
    session = org.tokens.new_session(user_id, scope, family.name if family else None)
    issued_at = str(int(org.now().timestamp() * 1000))
    identity = f"{base_url}/id/{org.organization['Id']}/{user_id}"
    return {
        "access_token": session.token, "signature": signature(org.client_secret, identity, issued_at),
        "scope": scope, "instance_url": base_url, "id": identity, "token_type": "Bearer", "issued_at": issued_at,
    }  # fmt: skip


def _active_user(org: "Org", user_id: str) -> Record:
    user = org.tables.get("User", user_id)
    if user is None or not user.get("IsActive"):
        raise _token_error("inactive_user", "user is inactive")
    return user


def _client_credentials(org: "Org", form: Form, headers: dict[str, str], base_url: str) -> dict[str, str]:
    _check_client(org, form, headers, secret_needed=True)
    if not org.settings.clientCredentials:
        raise _token_error("invalid_grant", "client credentials flow not enabled")
    user = org.user(org.settings.clientCredentialsUser or "")
    if user is None:
        raise _token_error("invalid_grant", "no client credentials user enabled")
    return _answer(org, _active_user(org, user["Id"])["Id"], "api", base_url, None)


def _jwt_bearer(org: "Org", form: Form, base_url: str) -> dict[str, str]:
    """A signed assertion in place of a sign-in: no refresh token, only another assertion."""
    try:
        claims = jwt_bearer.read(form.get("assertion", ""), org.settings.jwtCertificate)
        username = jwt_bearer.check(claims, org.client_id, base_url, org.now().timestamp())
    except jwt_bearer.Invalid as wrong:
        raise _token_error(wrong.error, wrong.description) from None
    user = org.user(username)
    if user is None:
        raise _token_error("invalid_grant", "user hasn't approved this consumer")
    _active_user(org, user["Id"])
    if org.settings.preAuthorised is None:
        approved = any(f.user_id == user["Id"] and not f.revoked for f in org.tokens.families.values())
        if not approved:
            raise _token_error("invalid_grant", "user hasn't approved this consumer")
    elif username not in org.settings.preAuthorised:
        raise _token_error("invalid_app_access", "user is not admin approved to access this app")
    answer = _answer(org, user["Id"], "api id", base_url, None)
    return {key: answer[key] for key in ("access_token", "scope", "instance_url", "id", "token_type")}


def _exchange_code(org: "Org", form: Form, headers: dict[str, str], base_url: str) -> dict[str, str]:
    _check_client(org, form, headers, secret_needed=False)
    code, in_time = org.tokens.take_code(form.get("code", ""))
    if code is None:
        raise _token_error("invalid_grant", "invalid authorization code")
    if not in_time:
        raise _token_error("invalid_grant", "expired authorization code")
    if form.get("redirect_uri") != code.redirect_uri:
        raise _token_error("redirect_uri_mismatch", "redirect_uri must match configuration")
    if not hmac.compare_digest(s256(form.get("code_verifier", "")), code.challenge):
        raise _token_error("invalid_grant", "invalid code verifier")
    _active_user(org, code.user_id)
    scopes = code.scope.split()
    family = None
    if "refresh_token" in scopes or "offline_access" in scopes:
        family = org.tokens.new_family(code.user_id, code.scope)
    answer = _answer(org, code.user_id, code.scope, base_url, family)
    return answer | ({"refresh_token": family.current} if family else {})


def _refresh(org: "Org", form: Form, headers: dict[str, str], base_url: str) -> dict[str, str]:
    _check_client(org, form, headers, secret_needed=False)
    family, living = org.tokens.family_of(form.get("refresh_token", ""))
    if family is None or not living:
        if family and not family.revoked:
            # A spent token came back: somebody has a copy. Everything of this approval ends.
            org.tokens.revoke_family(family)
        raise _token_error("invalid_grant", "expired access/refresh token")
    _active_user(org, family.user_id)
    answer = _answer(org, family.user_id, family.scope, base_url, family)
    if org.settings.rotation:
        org.tokens.rotate(family)
        answer["refresh_token"] = family.current
    return answer


def revoke(org: "Org", form: Form) -> None:
    """POST /services/oauth2/revoke: a refresh token takes its sessions with it."""
    given = form.get("token", "")
    family, living = org.tokens.family_of(given)
    if family and living:
        org.tokens.revoke_family(family)
    elif org.tokens.session(given):
        org.tokens.end_session(given)
    else:
        raise _token_error("invalid_token", "expired access/refresh token")


def introspect(org: "Org", form: Form, headers: dict[str, str]) -> dict[str, Any]:
    _check_client(org, form, headers, secret_needed=True)
    family, living = org.tokens.family_of(form.get("token", ""))
    if family and living:
        return _introspected(org, family.user_id, family.scope, "refresh_token")
    session = org.tokens.session(form.get("token", ""))
    if session is None:
        return {"active": False}
    told = _introspected(org, session.user_id, session.scope, "access_token")
    return told | {"exp": int(session.expires)}


def _introspected(org: "Org", user_id: str, scope: str, kind: str) -> dict[str, Any]:
    user = org.tables.get("User", user_id) or {}
    return {
        "active": True, "scope": scope, "client_id": org.client_id, "username": user.get("Username"),
        "sub": f"{org.organization['Id']}/{user_id}", "token_type": kind,
    }  # fmt: skip


# -- who am I -----------------------------------------------------------------------------------------


def _urls(org: "Org", base_url: str, user_id: str) -> dict[str, str]:
    data = f"{base_url}/services/data/v{{version}}/"
    return {
        "enterprise": f"{base_url}/services/Soap/c/{{version}}/{org.organization['Id']}", "rest": data,
        "metadata": f"{base_url}/services/Soap/m/{{version}}/{org.organization['Id']}",
        "partner": f"{base_url}/services/Soap/u/{{version}}/{org.organization['Id']}",
        "sobjects": data + "sobjects/", "search": data + "search/", "query": data + "query/",
        "recent": data + "recent/", "tooling_rest": data + "tooling/", "profile": f"{base_url}/{user_id}",
        "custom_domain": base_url,
    }  # fmt: skip


def userinfo(org: "Org", user_id: str, base_url: str) -> dict[str, Any]:
    user = org.tables.get("User", user_id) or {}
    return {
        "sub": f"{base_url}/id/{org.organization['Id']}/{user_id}", "user_id": user_id,
        "organization_id": org.organization["Id"], "preferred_username": user["Username"],
        "nickname": user.get("CommunityNickname"), "name": user["Name"], "email": user["Email"],
        "email_verified": True, "given_name": user.get("FirstName"), "family_name": user["LastName"],
        "zoneinfo": user.get("TimeZoneSidKey"), "picture": f"{base_url}/profilephoto/005/F", "profile":
        f"{base_url}/{user_id}", "urls": _urls(org, base_url, user_id), "active": user["IsActive"],
        "user_type": "STANDARD", "language": user.get("LanguageLocaleKey"), "locale": user.get("LocaleSidKey"),
        "utcOffset": 0, "updated_at": user["LastModifiedDate"], "is_app_installed": True,
    }  # fmt: skip


def identity(org: "Org", path: str, caller_id: str, base_url: str, version: str | None) -> dict[str, Any]:
    """GET /id/<org>/<user>. Raises 403 Wrong_Org, 404 for another user."""
    parts = path.strip("/").split("/")
    organization = org.organization["Id"]
    if len(parts) != 3 or parts[2][:15] != caller_id[:15]:
        raise ApiError(404, None)
    if parts[1][:15] != organization[:15]:
        raise ApiError(403, "Wrong_Org")
    user = org.tables.get("User", caller_id) or {}
    urls = _urls(org, base_url, caller_id)
    if version:
        wanted = "68.0" if version == "latest" else version
        urls = {key: url.replace("{version}", wanted) for key, url in urls.items()}
    return {
        "id": f"{base_url}/id/{organization}/{caller_id}", "asserted_user": True, "user_id": caller_id,
        "organization_id": organization, "username": user["Username"], "nick_name": user.get("CommunityNickname"),
        "display_name": user["Name"], "email": user["Email"], "email_verified": True,
        "first_name": user.get("FirstName"), "last_name": user["LastName"], "timezone": user.get("TimeZoneSidKey"),
        "photos": {"picture": f"{base_url}/profilephoto/005/F", "thumbnail": f"{base_url}/profilephoto/005/T"},
        "addr_street": None, "addr_city": None, "addr_state": None, "addr_country": None, "addr_zip": None,
        "mobile_phone": user.get("MobilePhone"), "mobile_phone_verified": False,
        "status": {"created_date": None, "body": None}, "urls": urls, "active": user["IsActive"],
        "user_type": "STANDARD", "language": user.get("LanguageLocaleKey"), "locale": user.get("LocaleSidKey"),
        "utcOffset": 0, "last_modified_date": user["LastModifiedDate"], "is_app_installed": True,
    }  # fmt: skip


def not_authorised() -> ApiError:
    return refuse(401, "INVALID_SESSION_ID", "Session expired or invalid")
