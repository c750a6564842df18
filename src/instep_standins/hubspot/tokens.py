"""Access tokens, refresh tokens and authorization codes, with their ends."""

import base64
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import attrs

from . import seed

if TYPE_CHECKING:
    from .portal import Portal

CODE_SECONDS = 60

# Every scope that a call here may ask for.
ALL_SCOPES = (
    "oauth", "crm.objects.contacts.read", "crm.objects.contacts.write", "crm.objects.companies.read",
    "crm.objects.companies.write", "crm.objects.deals.read", "crm.objects.deals.write", "tickets",
    "crm.objects.owners.read", "crm.schemas.contacts.read", "crm.schemas.contacts.write",
    "crm.schemas.companies.read", "crm.schemas.companies.write", "crm.schemas.deals.read", "crm.schemas.deals.write",
    "crm.schemas.meetings.write",
)  # fmt: skip


@attrs.frozen
class Grant:
    """What an access token allows. `expires` None: a static token; `daily`: it counts against the account's day."""

    token: str
    app_id: int
    scopes: tuple[str, ...]
    expires: float | None = None
    refresh: str | None = None

    def has(self, one_of: tuple[str, ...]) -> bool:
        return not one_of or any(scope in self.scopes for scope in one_of)


@attrs.define
class Install:
    """One approval of the app: its refresh token, which neither ends by itself nor changes."""

    refresh: str
    scopes: list[str]
    revoked: bool = False


@attrs.frozen
class Code:
    scopes: tuple[str, ...]
    redirect_uri: str
    challenge: str
    expires: float


class Tokens:
    """All of a portal's tokens. Callers hold the portal's lock."""

    def __init__(self, portal: "Portal") -> None:
        self._portal = portal
        self.sessions: dict[str, Grant] = {}
        self.installs: dict[str, Install] = {}
        self.codes: dict[str, Code] = {}

    def dump(self) -> dict[str, Any]:
        return {
            "sessions": [attrs.asdict(one) for one in self.sessions.values()],
            "installs": [attrs.asdict(one) for one in self.installs.values()],
        }

    def restore(self, saved: dict[str, Any]) -> None:
        self.sessions = {
            one["token"]: Grant(**{**one, "scopes": tuple(one["scopes"])})
            for one in saved.get("sessions", [])
        }
        self.installs = {one["refresh"]: Install(**one) for one in saved.get("installs", [])}

    def grant(self, token: str) -> Grant | None:
        """What a token allows, also one that has ended; None for one that never was or is revoked."""
        settings = self._portal.settings
        if hmac.compare_digest(token.encode(), self._portal.token.encode()):
            if settings.tokenRevoked:
                return None
            return Grant(token, seed.PRIVATE_APP_ID, tuple(settings.tokenScopes))
        return self.sessions.get(token)

    def install(self, scopes: tuple[str, ...]) -> Install:
        made = Install(f"eu1-{uuid4()}", list(scopes))
        self.installs[made.refresh] = made
        self._portal.touch("tokens")
        return made

    def session(self, install: Install) -> Grant:
        now, seconds = self._portal.seconds(), self._portal.settings.tokenSeconds
        # An ended token is told since when; it is forgotten a day later.
        self.sessions = {t: one for t, one in self.sessions.items() if (one.expires or now) > now - 86400}
        # Real ones are signed and grew to some 300 characters.
        token = "C" + secrets.token_urlsafe(216)
        made = Grant(token, seed.APP_ID, tuple(install.scopes), now + seconds, install.refresh)
        self.sessions[token] = made
        self._portal.touch("tokens")
        return made

    def living_install(self, refresh: str) -> Install | None:
        found = self.installs.get(refresh)
        return None if found is None or found.revoked else found

    def revoke(self, install: Install, with_sessions: bool = True) -> None:
        install.revoked = True
        if with_sessions:
            self.sessions = {t: one for t, one in self.sessions.items() if one.refresh != install.refresh}
        self._portal.touch("tokens")

    def revoke_all(self) -> None:
        for one in self.installs.values():
            one.revoked = True
        self.sessions.clear()
        self._portal.touch("tokens")

    def expire(self, token: str | None = None) -> None:
        """Every access token of OAuth ends now, or one."""
        now = self._portal.seconds()
        self.sessions = {
            t: attrs.evolve(one, expires=min(one.expires or now, now)) if token in (None, t) else one
            for t, one in self.sessions.items()
        }
        self._portal.touch("tokens")

    def new_code(self, scopes: tuple[str, ...], redirect_uri: str, challenge: str) -> str:
        code = f"eu1-{uuid4()}"
        self.codes[code] = Code(scopes, redirect_uri, challenge, self._portal.seconds() + CODE_SECONDS)
        return code

    def take_code(self, code: str) -> Code | None:
        """The code, used up by this call; None where it is used or too old."""
        found = self.codes.pop(code, None)
        return found if found is not None and found.expires > self._portal.seconds() else None


def s256(verifier: str) -> str:
    """The PKCE challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
