"""Signing in: client credentials, code with PKCE, refresh with rotation, revocation, expiry, identity."""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from standins.conftest import Clock
from standins.sf import BASE, Client

VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
CALLBACK = "http://localhost:8000/callback"


def authorize(sf: Client, **changed: str | None) -> httpx2.Response:
    form = {
        "response_type": "code", "client_id": sf.org.client_id, "redirect_uri": CALLBACK, "state": "s&1",
        "scope": "api refresh_token id", "code_challenge": CHALLENGE, "code_challenge_method": "S256", **changed,
    }  # fmt: skip
    return sf.http.get("/services/oauth2/authorize", params={k: v for k, v in form.items() if v is not None})


def values(answer: httpx2.Response) -> dict[str, str]:
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"].startswith(CALLBACK + "?")
    return {key: found[0] for key, found in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def approve(sf: Client) -> dict[str, str]:
    """The whole code flow, approved without a browser; the token answer."""
    sf.fake("settings", {"autoApprove": True})
    code = values(authorize(sf))["code"]
    return exchange(sf, code).json()


def exchange(sf: Client, code: str, **changed: str) -> httpx2.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    return sf.token(**{**form, **changed})


def refresh(sf: Client, token: str) -> httpx2.Response:
    return sf.token(grant_type="refresh_token", refresh_token=token)


def status(sf: Client, access_token: str) -> int:
    return sf.http.get(BASE + "/limits", headers={"Authorization": f"Bearer {access_token}"}).status_code


def refused(answer: httpx2.Response) -> tuple[int, str, str]:
    return answer.status_code, answer.json()["error"], answer.json()["error_description"]


def test_client_credentials_answer(sf: Client) -> None:
    """All values are strings, issued_at in milliseconds; no expiry, no refresh token; signed with the secret."""
    body = sf.token(grant_type="client_credentials").json()
    assert set(body) == {
        "access_token",
        "signature",
        "scope",
        "instance_url",
        "id",
        "token_type",
        "issued_at",
    }
    assert all(isinstance(value, str) for value in body.values())
    assert body["issued_at"] == "1790000000000"
    assert body["instance_url"] == str(sf.http.base_url).rstrip("/")
    assert body["access_token"].startswith(sf.org.organization["Id"][:15] + "!")
    signed = hmac.digest(sf.org.client_secret.encode(), (body["id"] + body["issued_at"]).encode(), "sha256")
    assert body["signature"] == base64.b64encode(signed).decode()


def test_client_may_sign_in_by_basic(sf: Client) -> None:
    answer = sf.http.post(
        "/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        headers={"Authorization": httpx2.BasicAuth(sf.org.client_id, sf.org.client_secret)._auth_header},
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("form", "error", "description"),
    [
        ({"client_id": "wrong"}, "invalid_client_id", "client identifier invalid"),
        ({"client_secret": "wrong"}, "invalid_client", "invalid client credentials"),
        ({"grant_type": "password"}, "unsupported_grant_type", "grant type not supported"),
    ],
)
def test_refused_client(sf: Client, form: dict[str, str], error: str, description: str) -> None:
    answer = sf.token(**{"grant_type": "client_credentials", **form})
    assert refused(answer) == (400, error, description)


@pytest.mark.parametrize(
    ("settings", "error", "description"),
    [
        ({"clientCredentials": False}, "invalid_grant", "client credentials flow not enabled"),
        ({"clientCredentialsUser": None}, "invalid_grant", "no client credentials user enabled"),
        ({"clientCredentialsUser": "former.colleague@acme.example"}, "inactive_user", "user is inactive"),
    ],
)
def test_client_credentials_switched_off(
    sf: Client, settings: dict[str, object], error: str, description: str
) -> None:
    sf.fake("settings", settings)
    assert refused(sf.token(grant_type="client_credentials")) == (400, error, description)


def test_code_flow_through_the_page(sf: Client) -> None:
    """Allow leads back with code and state; the code works once."""
    page = authorize(sf)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html;charset=UTF-8")
    assert "Allow" in page.text
    assert "Deny" in page.text
    form = {
        "response_type": "code", "client_id": sf.org.client_id, "redirect_uri": CALLBACK, "state": "s&1",
        "code_challenge": CHALLENGE, "decision": "allow",
    }  # fmt: skip
    allowed = values(sf.http.post("/services/oauth2/authorize", data=form))
    assert allowed["state"] == "s&1"
    body = exchange(sf, allowed["code"]).json()
    assert (body["scope"], status(sf, body["access_token"])) == ("api refresh_token id", 200)
    assert refused(exchange(sf, allowed["code"])) == (400, "invalid_grant", "invalid authorization code")
    denied = values(sf.http.post("/services/oauth2/authorize", data={**form, "decision": "deny"}))
    assert denied["error"] == "access_denied"


def test_authorize_refusals(sf: Client) -> None:
    assert (
        values(authorize(sf, code_challenge=None))["error_description"] == "missing required code challenge"
    )
    assert authorize(sf, client_id="wrong").status_code == 400
    assert authorize(sf, redirect_uri="http://elsewhere.example/x").status_code == 400
    assert "<script>" not in authorize(sf, state="<script>").text


def test_code_refusals(sf: Client, clock: Clock) -> None:
    sf.fake("settings", {"autoApprove": True})
    wrong = exchange(sf, values(authorize(sf))["code"], code_verifier="x" * 64)
    assert refused(wrong) == (400, "invalid_grant", "invalid code verifier")
    elsewhere = exchange(sf, values(authorize(sf))["code"], redirect_uri=CALLBACK + "2")
    assert elsewhere.json()["error"] == "redirect_uri_mismatch"
    late = values(authorize(sf))["code"]
    clock.now += 901
    assert refused(exchange(sf, late)) == (400, "invalid_grant", "expired authorization code")


def test_refresh_without_rotation_keeps_the_token(sf: Client) -> None:
    token = approve(sf)["refresh_token"]
    first, second = refresh(sf, token), refresh(sf, token)
    assert "refresh_token" not in first.json()
    assert status(sf, second.json()["access_token"]) == 200


def test_replayed_token_revokes_everything(sf: Client) -> None:
    """With rotation on, an old refresh token kills the current one and all its sessions."""
    first = approve(sf)
    sf.fake("settings", {"rotation": True})
    second = refresh(sf, first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert status(sf, second["access_token"]) == 200
    expected = (400, "invalid_grant", "expired access/refresh token")
    assert refused(refresh(sf, first["refresh_token"])) == expected
    assert status(sf, second["access_token"]) == 401
    assert refused(refresh(sf, second["refresh_token"])) == expected


def test_revoking_a_refresh_token_ends_its_sessions(sf: Client) -> None:
    body = approve(sf)
    answer = sf.http.post("/services/oauth2/revoke", data={"token": body["refresh_token"]})
    assert (answer.status_code, answer.content) == (200, b"")
    assert status(sf, body["access_token"]) == 401
    assert refresh(sf, body["refresh_token"]).status_code == 400
    assert (
        sf.http.post("/services/oauth2/revoke", data={"token": "unknown"}).json()["error"] == "invalid_token"
    )


def test_orders_end_sessions_and_approvals(sf: Client) -> None:
    body = approve(sf)
    sf.fake("expire-sessions")
    gone = sf.call("GET", "/limits")
    assert (gone.status_code, gone.json()) == (
        401,
        [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}],
    )
    assert refresh(sf, body["refresh_token"]).status_code == 200
    sf.fake("revoke", {"clientCredentials": True})
    assert refresh(sf, body["refresh_token"]).status_code == 400
    assert sf.token(grant_type="client_credentials").status_code == 400


def test_session_slides_with_use_and_ends_without(sf: Client, clock: Clock) -> None:
    sf.fake("settings", {"sessionSeconds": 900})
    sf.sign_in()
    for _ in range(3):
        clock.now += 800
        assert sf.call("GET", "/limits").status_code == 200
    clock.now += 901
    assert sf.call("GET", "/limits").status_code == 401


def test_malformed_header(sf: Client) -> None:
    answer = sf.http.get(BASE + "/limits", headers={"Authorization": "Token abc"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (401, "INVALID_AUTH_HEADER")
    token = sf.http.headers["Authorization"].removeprefix("Bearer ")
    assert sf.http.get(BASE + "/limits", headers={"Authorization": f"OAuth {token}"}).status_code == 200


def test_who_am_i(sf: Client) -> None:
    body = sf.token(grant_type="client_credentials").json()
    info = sf.http.get("/services/oauth2/userinfo").json()
    identity = sf.http.get(body["id"] + "?version=latest").json()
    assert info["user_id"] == identity["user_id"]
    assert (info["organization_id"], info["email"]) == (sf.org.organization["Id"], "integration@acme.example")
    assert identity["username"] == "integration@acme.example"
    assert identity["urls"]["rest"].endswith("/services/data/v68.0/")
    assert "{version}" in info["urls"]["rest"]
    wrong = sf.http.get(body["id"].replace("/00D", "/00E"))
    assert (wrong.status_code, wrong.text) == (403, "Wrong_Org")
    assert sf.http.get(body["id"], headers={"Authorization": ""}).text == "Missing_OAuth_Token"


def test_introspection(sf: Client) -> None:
    token = sf.token(grant_type="client_credentials").json()["access_token"]
    form = {"client_id": sf.org.client_id, "client_secret": sf.org.client_secret}
    told = sf.http.post("/services/oauth2/introspect", data={**form, "token": token}).json()
    assert (told["active"], told["username"]) == (True, "integration@acme.example")
    assert sf.http.post("/services/oauth2/introspect", data={**form, "token": "x"}).json() == {
        "active": False
    }
