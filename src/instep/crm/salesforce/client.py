"""One org's REST API: the version, the bearer token, limits, and each answer as value or decision."""

from __future__ import annotations

import json as jsonlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from attrs import frozen

from instep.core.errors import Bug, InstepError, NeedsAdmin, Retry, Scope, Wait
from instep.crm.oauth import RECONNECT, retry_after
from instep.crm.port import Call, Limits
from instep.crm.salesforce.auth import SalesforceAuth
from instep.crm.salesforce.errors import INVALID_SESSION_ID, error_of_all
from instep.crm.salesforce.names import CLIENT_NAME, NEWEST_VERSION, OLDEST_VERSION
from instep.crm.transport import Response, Transport

VERSIONS_PATH = "/services/data/"
_USAGE = re.compile(r"api-usage=(\d+)/(\d+)")
#: Salesforce says this of tokens that a refresh cannot mend (reference, Appendix B).
_NOT_FOR_REST = "not valid for use with the REST API"
_RATE_PAUSE = 60.0


def _nothing() -> None:
    """What happens before a request that changes nothing."""


@frozen
class Answer:
    """An answered request: status, the JSON body, headers with lower-case names, the request's id."""

    status: int
    body: Any
    headers: Mapping[str, str]
    request_id: str = ""


class SalesforceClient:
    """Requests to one org. Threads take a `fork()` each, so that each keeps its own list of calls."""

    def __init__(
        self,
        auth: SalesforceAuth,
        transport: Transport,
        api_version: str = "",
        calls: list[Call] | None = None,
    ) -> None:
        self.auth = auth
        self._transport = transport
        self._version = api_version
        self.calls: list[Call] = [] if calls is None else calls
        self.limits = Limits()

    def fork(self) -> SalesforceClient:
        """The same org and tokens with a list of calls of its own."""
        return SalesforceClient(self.auth, self._transport, self.version)

    @property
    def version(self) -> str:
        """The API version in use, like "68.0": pinned, or the newest that the org and we both know."""
        if not self._version:
            self._version = self._negotiate()
        return self._version

    @property
    def instance_url(self) -> str:
        """The origin that the org's API answers on."""
        return self.auth.tokens().instance_url

    @property
    def base(self) -> str:
        """The path before every resource, like /services/data/v68.0."""
        return f"/services/data/v{self.version}"

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        files: Sequence[tuple[str, tuple[str | None, bytes, str]]] | None = None,
        headers: Mapping[str, str] | None = None,
        purpose: str = "",
        changes: bool = False,
        refusals: bool = False,
        before: Callable[[], None] = _nothing,
    ) -> Answer:
        """One API request; signs in again once when the session has expired.

        `path` is a resource like /sobjects/Lead, or starts with /services/. `changes` says that it may
        change something; `before` is called right before each sending. Statuses up to 304 are answers, all
        others raise the mapped error; with `refusals` an error that does not concern the whole connection
        is an answer too, if Salesforce gave its reason.
        """
        full = path if path.startswith("/services/") else f"{self.base}{path}"
        tokens = self.auth.tokens()
        for attempt in (1, 2):
            before()
            response = self._send(
                method,
                f"{tokens.instance_url}{full}",
                {**_FIXED_HEADERS, **(headers or {}), "Authorization": f"Bearer {tokens.access_token}"},
                json,
                files,
                purpose,
                changes,
            )
            if attempt == 1 and _session_expired(response):
                tokens = self.auth.renew(tokens)
                continue
            return _answer(response, changes, refusals)
        raise AssertionError("the second attempt returns or raises")

    def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        json: Any,
        files: Sequence[tuple[str, tuple[str | None, bytes, str]]] | None,
        purpose: str,
        changes: bool,
    ) -> Response:
        path = urlsplit(url).path
        sent_as = (
            {**headers, "Content-Type": "application/json; charset=UTF-8"} if json is not None else headers
        )
        try:
            response = self._transport.send(
                method, url, headers=sent_as, json=json, files=files, changes=changes
            )
        except InstepError as error:
            # What did not reach the org is no call of its quota; what may have reached it is counted.
            if error.scope is Scope.BATCH:
                self.calls.append(Call(method, path, 0, 0.0, "", purpose))
            raise
        self.calls.append(Call(method, path, response.status, response.ms, response.request_id, purpose))
        usage = _USAGE.search(response.headers.get("sforce-limit-info", ""))
        if usage:
            self.limits = Limits(used=int(usage.group(1)), allowed=int(usage.group(2)))
        return response

    def _negotiate(self) -> str:
        response = self._transport.send("GET", f"{self.instance_url}{VERSIONS_PATH}")
        body = _json(response)
        if response.status >= 500:
            raise _unreadable(response, changes=False)
        listed = (
            [str(v.get("version", "")) for v in body if isinstance(v, dict)] if isinstance(body, list) else []
        )
        usable = [v for v in listed if _in_range(v)]
        if not usable:
            raise NeedsAdmin(
                f"The org lists no API version between {OLDEST_VERSION} and {NEWEST_VERSION} "
                f"(it lists: {', '.join(listed) or 'none'}).",
                code="no_api_version",
                cure="Name the version to use when connecting (--api-version).",
                scope=Scope.CONNECTION,
            )
        return max(usable, key=float)


_FIXED_HEADERS = {"Sforce-Call-Options": f"client={CLIENT_NAME}"}


def _in_range(version: str) -> bool:
    if not re.fullmatch(r"\d+\.\d", version):
        return False
    return float(OLDEST_VERSION) <= float(version) <= float(NEWEST_VERSION)


def _json(response: Response) -> Any:
    """The body as JSON, None where it is something else."""
    try:
        return response.json()
    except (jsonlib.JSONDecodeError, UnicodeDecodeError):
        return None


def _errors(body: Any) -> list[Any]:
    """The error entries of a body that is one."""
    if isinstance(body, list) and body and all(isinstance(e, dict) and "errorCode" in e for e in body):
        return body
    return []


def _session_expired(response: Response) -> bool:
    if response.status != 401:
        return False
    errors = _errors(_json(response))
    return any(
        e["errorCode"] == INVALID_SESSION_ID and _NOT_FOR_REST not in str(e.get("message", ""))
        for e in errors
    )


def _answer(response: Response, changes: bool, refusals: bool) -> Answer:
    body = _json(response)
    if response.status in (200, 201, 202, 204, 300, 304):
        if body is None and response.content:
            raise _unreadable(response, changes)
        return Answer(response.status, body, response.headers, response.request_id)
    errors = _errors(body)
    if not errors or response.status == 429:
        raise _unreadable(response, changes)
    error = error_of_all(errors, request_id=response.request_id, whole=True)
    if refusals and error.scope is not Scope.CONNECTION:
        return Answer(response.status, body, response.headers, response.request_id)
    error.after = retry_after(response.headers) or error.after
    error.outcome_unknown = changes and response.status >= 500
    raise error


def _unreadable(response: Response, changes: bool) -> InstepError:
    """An answer without Salesforce's own error body: a gateway, an overload, a maintenance page."""
    status, after = response.status, retry_after(response.headers)
    shown = f"Salesforce answered HTTP {status} without a reason."
    if status == 429:
        return Wait(
            "Salesforce asks us to slow down.",
            code="http_429",
            cure="Instep goes on by itself.",
            scope=Scope.CONNECTION,
            after=after or _RATE_PAUSE,
        )
    if status == 401:
        return NeedsAdmin(shown, code=RECONNECT, cure="Connect Salesforce again.", scope=Scope.CONNECTION)
    if status == 410:
        return NeedsAdmin(
            "The API version of this connection is retired.",
            code="UNSUPPORTED_API_VERSION",
            cure="Choose a newer API version for this connection.",
            scope=Scope.CONNECTION,
        )
    if status >= 500 or status in (200, 201, 202, 301, 302, 303, 307, 308, 408, 420):
        return Retry(
            shown,
            code=f"http_{status}",
            cure="It is tried again by itself.",
            scope=Scope.BATCH if status >= 500 else Scope.CONNECTION,
            request_id=response.request_id,
            after=after,
            outcome_unknown=changes and (status >= 500 or status < 300),
        )
    return Bug(shown, code=f"http_{status}", scope=Scope.BATCH, request_id=response.request_id)
