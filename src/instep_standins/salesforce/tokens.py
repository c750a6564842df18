"""Sessions, refresh tokens and authorization codes, with their ends."""

import base64
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from .org import Org

CODE_SECONDS = 900
MOST_APPROVALS = 5  # of one user for one app; the next one silently ends the oldest


@attrs.define
class Session:
    """An access token. `family` ties it to the refresh token it came from; None for client credentials."""

    token: str
    user_id: str
    scope: str
    expires: float
    family: str | None = None


@attrs.define
class Family:
    """One approval: its living refresh token, and the ones that rotation killed."""

    name: str
    user_id: str
    scope: str
    current: str
    spent: list[str] = attrs.field(factory=list)
    revoked: bool = False


@attrs.frozen
class Code:
    user_id: str
    scope: str
    redirect_uri: str
    challenge: str
    expires: float


class Tokens:
    """All of an org's tokens. Callers hold the org's lock."""

    def __init__(self, org: "Org") -> None:
        self._org = org
        self.sessions: dict[str, Session] = {}
        self.families: dict[str, Family] = {}
        self.codes: dict[str, Code] = {}

    def dump(self) -> dict[str, Any]:
        now = self._now()
        return {
            "sessions": [attrs.asdict(s) for s in self.sessions.values() if s.expires > now],
            "families": [attrs.asdict(f) for f in self.families.values()],
        }

    def restore(self, saved: dict[str, Any]) -> None:
        self.sessions = {body["token"]: Session(**body) for body in saved.get("sessions", [])}
        self.families = {body["name"]: Family(**body) for body in saved.get("families", [])}

    def _now(self) -> float:
        return self._org.now().timestamp()

    def new_session(self, user_id: str, scope: str, family: str | None = None) -> Session:
        token = f"{self._org.organization['Id'][:15]}!AQ{secrets.token_urlsafe(64)}"
        session = Session(token, user_id, scope, self._now() + self._org.settings.sessionSeconds, family)
        self.sessions[token] = session
        self._org.touch("tokens")
        return session

    def session(self, token: str) -> Session | None:
        """The living session of a token; being used keeps it alive."""
        found = self.sessions.get(token)
        if found is None or found.expires <= self._now():
            return None
        found.expires = self._now() + self._org.settings.sessionSeconds
        return found

    def new_family(self, user_id: str, scope: str) -> Family:
        family = Family(secrets.token_hex(8), user_id, scope, _refresh_token())
        self.families[family.name] = family
        living = [one for one in self.families.values() if one.user_id == user_id and not one.revoked]
        for oldest in living[:-MOST_APPROVALS]:
            self.revoke_family(oldest)
        self._org.touch("tokens")
        return family

    def family_of(self, refresh_token: str) -> tuple[Family | None, bool]:
        """(the approval a refresh token belongs to, whether it is its living one)."""
        for family in self.families.values():
            if hmac.compare_digest(family.current, refresh_token):
                return family, not family.revoked
            if refresh_token in family.spent:
                return family, False
        return None, False

    def rotate(self, family: Family) -> None:
        family.spent.append(family.current)
        family.current = _refresh_token()
        self._org.touch("tokens")

    def revoke_family(self, family: Family) -> None:
        """Kill a refresh token and every session that came from it."""
        family.revoked = True
        self.sessions = {t: s for t, s in self.sessions.items() if s.family != family.name}
        self._org.touch("tokens")

    def revoke_all(self) -> None:
        for family in self.families.values():
            family.revoked = True
        self.expire_sessions()

    def expire_sessions(self) -> None:
        self.sessions.clear()
        self._org.touch("tokens")

    def end_session(self, token: str) -> None:
        self.sessions.pop(token, None)
        self._org.touch("tokens")

    def new_code(self, user_id: str, scope: str, redirect_uri: str, challenge: str) -> str:
        code = "aPrx" + secrets.token_urlsafe(48)
        self.codes[code] = Code(user_id, scope, redirect_uri, challenge, self._now() + CODE_SECONDS)
        return code

    def take_code(self, code: str) -> tuple[Code | None, bool]:
        """(the code, used up by this call; whether it is still in time)."""
        found = self.codes.pop(code, None)
        return found, found is not None and found.expires > self._now()


def _refresh_token() -> str:
    return "5Aep861" + secrets.token_urlsafe(64)


def s256(verifier: str) -> str:
    """The PKCE challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def signature(client_secret: str, identity: str, issued_at: str) -> str:
    """base64(HMAC-SHA256(client secret, id + issued_at))."""
    return base64.b64encode(
        hmac.digest(client_secret.encode(), (identity + issued_at).encode(), "sha256")
    ).decode()
