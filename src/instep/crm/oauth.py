"""OAuth 2.0 as both CRMs speak it: PKCE, code exchange, refresh, client credentials. No vendor's words.

A refusal of the token endpoint is an error whose class is the decision; the vendor's module gives the
cures for its own error names.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from attrs import field, frozen

from instep.core.errors import InstepError, NeedsAdmin, Retry, Scope, Wait
from instep.crm.transport import Response, Transport

CLIENT_CREDENTIALS = "client_credentials"
AUTHORIZATION_CODE = "authorization_code"
JWT_BEARER = "jwt_bearer"
#: how the token endpoint calls it (RFC 7523)
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the name of a grant

#: The code of every refusal that only a new "Connect" can cure.
RECONNECT = "reconnect"
#: a secret that the CRM lets nobody end but its owner, by hand
BY_HAND = "by_hand"


@frozen
class Tokens:
    """What a token endpoint gave. Times are strings of the vendor's own unit, as they came.

    `id_url` and `org_id` are empty where the vendor has none. Secrets are kept out of the repr.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    instance_url: str = ""
    issued_at: str = ""
    scope: str = ""
    id_url: str = ""
    org_id: str = ""
    grant: str = ""


@frozen
class Pkce:
    """A proof key: the secret verifier to keep and the challenge to send (RFC 7636, S256)."""

    verifier: str = field(repr=False)
    challenge: str

    @classmethod
    def new(cls) -> Pkce:
        """A fresh pair; the verifier has 86 characters of the 43 to 128 allowed."""
        return cls.of(secrets.token_urlsafe(64))

    @classmethod
    def of(cls, verifier: str) -> Pkce:
        """The pair of a verifier that was kept."""
        return cls(verifier, challenge_of(verifier))


def challenge_of(verifier: str) -> str:
    """BASE64URL(SHA256(verifier)) without padding."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def new_state() -> str:
    """An unguessable `state` that ties the answer to the browser that asked."""
    return secrets.token_urlsafe(24)


@frozen
class TokenEndpoint:
    """One vendor's token endpoint and our client there."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    transport: Transport
    #: vendor's error name -> cure, for the errors that this vendor is known to send
    cures: Mapping[str, str] = field(factory=dict)

    def exchange_code(self, code: str, verifier: str, redirect_uri: str) -> Mapping[str, Any]:
        """The raw answer to an authorization code. Code and verifier work once."""
        return self._ask(
            {
                "grant_type": AUTHORIZATION_CODE,
                "code": code,
                "code_verifier": verifier,
                "redirect_uri": redirect_uri,
            }
        )

    def refresh(self, refresh_token: str) -> Mapping[str, Any]:
        """The raw answer to a refresh token; it holds a new one where the vendor rotates them."""
        return self._ask({"grant_type": REFRESH_TOKEN, "refresh_token": refresh_token})

    def client_credentials(self) -> Mapping[str, Any]:
        """The raw answer to the client's own credentials."""
        return self._ask({"grant_type": CLIENT_CREDENTIALS})

    def jwt_bearer(self, assertion: str) -> Mapping[str, Any]:
        """The raw answer to a signed assertion, which names the client itself."""
        return self._ask({"grant_type": _JWT_GRANT, "assertion": assertion})

    def _ask(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        secret = {"client_secret": self.client_secret} if self.client_secret else {}
        client = {} if "assertion" in form else {"client_id": self.client_id, **secret}
        response = self.transport.send(
            "POST",
            self.url,
            data={**form, **client},
            # A refresh that got no answer may have rotated the token: the outcome is unknown.
            changes=form["grant_type"] == REFRESH_TOKEN,
        )
        body = _object(response)
        if response.status == 200 and body.get("access_token"):
            return body
        raise token_error(response, body, self.cures, reconnect=form["grant_type"] != AUTHORIZATION_CODE)


def authorize_url(
    endpoint: str,
    *,
    client_id: str,
    redirect_uri: str,
    scopes: Sequence[str],
    state: str,
    challenge: str,
    prompt: str = "",
) -> str:
    """Where the admin's browser is sent to give consent; `prompt` says what it is asked there in any case."""
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(scopes),
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **({"prompt": prompt} if prompt else {}),
    }
    return f"{endpoint}?{urlencode(query)}"


def _object(response: Response) -> Mapping[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def token_error(
    response: Response, body: Mapping[str, Any], cures: Mapping[str, str], *, reconnect: bool
) -> InstepError:
    """A refusal of the token endpoint as a decision that covers the whole connection.

    `reconnect`: the grant was one that had worked, so whatever refuses it now needs a new "Connect".
    """
    name = str(body.get("error") or "")
    told = str(body.get("error_description") or name or f"HTTP {response.status}")
    after = retry_after(response.headers)
    if response.status == 429 or name == "rate_limit_exceeded":
        return Wait(
            f"The CRM refused a login: {told}.",
            code=name or "rate_limit_exceeded",
            cure="Instep goes on by itself once the CRM allows logins again.",
            scope=Scope.CONNECTION,
            after=after or 3600.0,
        )
    if response.status >= 500 or name in ("server_error", "temporarily_unavailable") or not name:
        return Retry(
            f"The CRM's login service is in trouble: {told}.",
            code=name or f"http_{response.status}",
            cure="It is tried again by itself.",
            scope=Scope.CONNECTION,
            after=after,
        )
    return NeedsAdmin(
        f"The CRM refused the login: {told}.",
        code=RECONNECT if reconnect else name,
        cure=cures.get(told.lower()) or cures.get(name) or "Connect the CRM again.",
        scope=Scope.CONNECTION,
        request_id=response.request_id,
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds of a `Retry-After` header; None where it is absent or a date."""
    value = headers.get("retry-after", "").strip()
    return float(value) if value.isdigit() else None
