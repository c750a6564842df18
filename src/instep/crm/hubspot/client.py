"""One account's REST API: the version, the bearer token, limits, and each answer as value or decision."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from attrs import frozen

from instep.core.errors import Bug, InputError, InstepError, NeedsAdmin, Retry, Scope, Wait
from instep.core.refusal import NO_RIGHT
from instep.crm.hubspot.auth import HubSpotAuth
from instep.crm.hubspot.errors import EXPIRED, error_of, missing_scopes
from instep.crm.hubspot.names import KEYS_PLACE, NEWEST_VERSION, SCOPES
from instep.crm.oauth import RECONNECT, retry_after
from instep.crm.port import Call, Limits
from instep.crm.transport import Response, Transport

_VERSION = re.compile(r"20\d\d-(03|09)\Z")
_ANSWERED = frozenset({200, 201, 202, 204, 207})
#: the account is being moved to another data centre (reference 3)
_MOVING = 477
_MOVING_PAUSE = 3600.0
_RATE_PAUSE = 10.0
#: a key is nobody's sign-in, so that signing in again is no cure
_KEY_CURE = (
    f"HubSpot does not know this key: copy it whole at {KEYS_PLACE} (a private app's token: the app → Auth), or "
    "make a new one, and give it to Instep."
)
#: the share of a burst that is left to others: whoever comes below it goes so many times slower than the limit allows
_LEFT_TO_OTHERS, _SLOWER = 0.2, 5


def checked_version(version: str) -> str:
    """The API version to use; empty is the newest. Raises `InputError` for what is none."""
    if version and not _VERSION.match(version):
        raise InputError(
            f"{version!r} is no API version that Instep can use.",
            code="bad_api_version",
            cure=f"Name one by its date, like {NEWEST_VERSION}.",
            scope=Scope.CONNECTION,
        )
    return version or NEWEST_VERSION


def _nothing() -> None:
    """What happens before a request that changes nothing."""


@frozen
class Answer:
    """An answered request: status, the JSON body, the request's id."""

    status: int
    body: Any
    request_id: str = ""

    def rows(self, key: str = "results") -> list[Mapping[str, Any]]:
        """The objects in one list of the body; none where it has no such list."""
        listed = self.body.get(key) if isinstance(self.body, Mapping) else None
        return [row for row in listed or () if isinstance(row, Mapping)]


class HubSpotClient:
    """Requests to one account. Threads take a `fork()` each, so that each keeps its own list of calls."""

    def __init__(self, auth: HubSpotAuth, transport: Transport, version: str = "") -> None:
        self.auth = auth
        self.version = checked_version(version)
        self._transport = transport
        self.calls: list[Call] = []
        self.limits = Limits()
        #: seconds to wait before the next request
        self._pause = 0.0

    def fork(self) -> HubSpotClient:
        """The same account and tokens with a list of calls of its own."""
        return HubSpotClient(self.auth, self._transport, self.version)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        purpose: str = "",
        changes: bool = False,
        refusals: bool = False,
        before: Callable[[], None] = _nothing,
    ) -> Answer:
        """One API request; signs in again once when the token has expired.

        `{V}` in the path stands for the API version. `changes` says that it may change something; `before` is called
        right before each sending. Statuses of success are answers, all others raise the mapped error; with
        `refusals` an error that does not concern the whole connection is an answer too, if HubSpot gave its reason.
        """
        url = f"{self.auth.credentials.url}{path.replace('{V}', self.version)}"
        tokens = self.auth.tokens()
        for attempt in (1, 2):
            if self._pause:
                time.sleep(self._pause)
            before()
            headers = {"Authorization": f"Bearer {tokens.access_token}"}
            response = self._send(method, url, headers, json, purpose, changes)
            if attempt == 1 and self.auth.renewable and _expired(response):
                tokens = self.auth.renew(tokens)
                continue
            try:
                return _answer(response, changes, refusals)
            except NeedsAdmin as error:
                if error.code == NO_RIGHT:
                    error.cure = self._scopes_cure(error, response)
                elif error.code == RECONNECT and not self.auth.renewable:
                    error.cure = _KEY_CURE
                raise
        raise AssertionError("the second attempt returns or raises")

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], json: Any, purpose: str, changes: bool
    ) -> Response:
        path = urlsplit(url).path
        sent_as = {**headers, "Content-Type": "application/json"} if json is not None else headers
        try:
            response = self._transport.send(method, url, headers=sent_as, json=json, changes=changes)
        except InstepError as error:
            # What did not reach HubSpot is no call of its quota; what may have reached it is counted.
            if error.scope is Scope.BATCH:
                self.calls.append(Call(method, path, 0, 0.0, "", purpose))
            raise
        self.calls.append(Call(method, path, response.status, response.ms, response.request_id, purpose))
        self._note_limits(response.headers)
        return response

    def granted(self) -> frozenset[str] | None:
        """The scopes of the token; None where HubSpot does not tell those of its kind."""
        scopes = self.auth.introspected().get("scopes")
        return frozenset(map(str, scopes)) if scopes else None

    def _scopes_cure(self, error: NeedsAdmin, refused: Response) -> str:
        """How to grant all that is lacking: a refusal names what it took itself, and the next one would name more."""
        body, granted = _json(refused), self.granted()
        named = missing_scopes(body) if isinstance(body, Mapping) else ()
        lacking = [scope for scope in SCOPES if granted is not None and scope not in granted]
        if named and not set(named) & set(lacking):
            # of those that a refusal names one is enough
            lacking.append(" or ".join(named))
        if not lacking:
            return error.cure
        where = "the app, then connect HubSpot again" if self.auth.renewable else "the key; it counts at once"
        return f"Missing: {', '.join(lacking)}. Add what is missing to {where}."

    def _note_limits(self, headers: Mapping[str, str]) -> None:
        """The calls of the day, where HubSpot tells them: not to OAuth apps, not on searches (reference 3)."""
        allowed, left = (headers.get(f"x-hubspot-ratelimit-daily{part}", "") for part in ("", "-remaining"))
        if allowed.isdigit() and left.isdigit():
            self.limits = Limits(used=int(allowed) - int(left), allowed=int(allowed))
        most, room, span = (
            headers.get(f"x-hubspot-ratelimit-{part}", "")
            for part in ("max", "remaining", "interval-milliseconds")
        )
        if most.isdigit() and room.isdigit() and span.isdigit() and int(most):
            near = int(room) < int(most) * _LEFT_TO_OTHERS
            self._pause = _SLOWER * int(span) / 1000 / int(most) if near else 0.0


def _json(response: Response) -> Any:
    """The body as JSON, None where it is something else."""
    try:
        return response.json()
    except ValueError:
        return None


def _expired(response: Response) -> bool:
    body = _json(response) if response.status == 401 else None
    return isinstance(body, Mapping) and body.get("category") == EXPIRED


def _answer(response: Response, changes: bool, refusals: bool) -> Answer:
    body = _json(response)
    if response.status in _ANSWERED:
        if body is None and response.content:
            raise _unreadable(response, changes)
        return Answer(response.status, body, response.request_id)
    if not isinstance(body, Mapping) or response.status >= 500 or response.status == _MOVING:
        raise _unreadable(response, changes)
    error = error_of(body, status=response.status, request_id=response.request_id)
    if refusals and error.scope is not Scope.CONNECTION:
        return Answer(response.status, body, response.request_id)
    error.after = retry_after(response.headers) or error.after
    if isinstance(error, Retry | Bug):
        error.scope = Scope.BATCH
    raise error


def _unreadable(response: Response, changes: bool) -> InstepError:
    """An answer without HubSpot's own reason: a gateway, an overload, trouble inside."""
    status, after = response.status, retry_after(response.headers)
    shown = f"HubSpot answered HTTP {status} without a reason."
    if status == _MOVING:
        return Wait(
            "HubSpot is moving this account to another data centre.",
            code="http_477",
            cure="Instep goes on by itself.",
            scope=Scope.CONNECTION,
            after=after or _MOVING_PAUSE,
        )
    if status == 429:
        return Wait(
            "HubSpot asks us to slow down.",
            code="http_429",
            cure="Instep goes on by itself.",
            scope=Scope.CONNECTION,
            after=after or _RATE_PAUSE,
        )
    if status == 401:
        return NeedsAdmin(shown, code=RECONNECT, cure="Connect HubSpot again.", scope=Scope.CONNECTION)
    if status >= 500 or status < 400 or status == 408:
        return Retry(
            shown,
            code=f"http_{status}",
            cure="It is tried again by itself.",
            scope=Scope.BATCH,
            request_id=response.request_id,
            after=after,
            outcome_unknown=changes,
        )
    return Bug(shown, code=f"http_{status}", scope=Scope.BATCH, request_id=response.request_id)
