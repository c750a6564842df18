"""The WSGI application: reads a request, lets ordered faults have their way, routes it, writes the answer."""

import gzip
import json
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from http.client import responses
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from uuid import uuid4

import attrs

from .. import site
from ..faults import Fault
from ..routing import Answer
from ..serving import LARGEST_BODY, ConnectionDropped
from ..wsgi import Request, read_request
from . import account, admin, association_calls, errors, oauth, objects, operations, property_calls
from .call import Call
from .errors import ApiError
from .faults import limited, refusal
from .page import PAGES
from .tokens import Grant

if TYPE_CHECKING:
    from .portal import Portal

_LONGEST_TARGET = 15_000  # characters of a URI
_CRM = {
    "objects": objects.handle, "associations": association_calls.handle, "properties": property_calls.handle,
    "property-validations": property_calls.validations, "limits": property_calls.limits,
    "owners": account.owners, "pipelines": account.pipelines, "account-info": account.account,
}  # fmt: skip
_AUTHORIZE = "/oauth/authorize"
# What HubSpot's older versions are asked for.
_OF_V4 = ("objects", "associations")


@attrs.define
class Trace:
    """What the journal will say of one request; status 0 means that no answer was sent."""

    operation: operations.Operation
    status: int = 0
    counted: bool = False
    grant: Grant | None = None
    correlation: str = attrs.field(factory=lambda: str(uuid4()))

    @property
    def search(self) -> bool:
        return "query" in self.operation.kinds


class App:
    """One portal over WSGI."""

    def __init__(self, portal: "Portal") -> None:
        self.portal = portal

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        started = time.perf_counter()
        request = read_request(environ)
        trace = Trace(operations.of_call(request.method, request.path, None))
        try:
            answer = self._answer(request, trace)
            trace.status = answer.status
        finally:
            if _is_api(request.path):
                self._note(request, trace, started)
        return self._send(request, trace, answer, start_response)

    def _answer(self, request: Request, trace: Trace) -> Answer:
        """The answer, refusals included. Only a dropped connection passes as an exception."""
        try:
            return self._dispatch(request, trace)
        except ApiError as error:
            return Answer(error.status, error.body, error.headers)
        except ConnectionDropped:
            raise
        except Exception:
            # A fault of the stand-in itself must look like one, never like a lost connection.
            traceback.print_exc()
            return Answer(500, errors.error(500, "internal error").body)

    def _note(self, request: Request, trace: Trace, started: float) -> None:
        self.portal.journal.add(
            at=self.portal.now().isoformat(timespec="milliseconds"),
            method=request.method,
            path=request.path,
            status=trace.status,
            counted=trace.counted,
            ms=round((time.perf_counter() - started) * 1000, 1),
            summary=[trace.operation.told()],
        )

    def _dispatch(self, request: Request, trace: Trace) -> Answer:
        if request.path.startswith(admin.PREFIX):
            if request.method != "GET":
                PAGES.refuse_other_sites(request.headers, request.base_url)
            return admin.handle(self.portal, request.method, request.path, request.query, _json(request))
        if request.path == _AUTHORIZE:
            return self._authorize(request)
        if PAGES.serves(request.path):
            return PAGES.handle(self.portal, request)
        if not _is_api(request.path):
            raise errors.no_route()
        body, broken = _body(request)
        trace.operation = operations.of_call(request.method, request.path, body)
        by_kind: dict[str, Fault] = {}
        for fault in self.portal.faults.on_request([trace.operation]):
            by_kind.setdefault(fault.kind, fault)
        return self._faulty(request, trace, body, broken, by_kind)

    def _faulty(
        self, request: Request, trace: Trace, body: Any, broken: ApiError | None, by_kind: dict[str, Fault]
    ) -> Answer:
        """The call as the drawn faults let it happen."""
        if "latency" in by_kind:
            time.sleep(float(by_kind["latency"].details.get("ms", 0)) / 1000)
        if "drop_before" in by_kind:
            raise ConnectionDropped("drop_before")
        if "late_commit" in by_kind:
            self._commit_later(request, trace, body, by_kind["late_commit"])
        if "limit" in by_kind:
            raise limited(by_kind["limit"])
        if "status" in by_kind:
            raise refusal(by_kind["status"])
        if "session" in by_kind:
            self._end_session(request, by_kind["session"])
        answer = self._route(request, trace, body, broken)
        if "drop_after" in by_kind:
            raise ConnectionDropped("drop_after")
        if "malformed" in by_kind:
            whole = json.dumps(answer.body)
            return Answer(answer.status, Malformed(whole[: len(whole) // 2]), answer.headers)
        return answer

    # -- faults that outlive the call -------------------------------------------------------------

    def _commit_later(self, request: Request, trace: Trace, body: Any, fault: Fault) -> None:
        """Close the connection now; the write happens later, as it was sent and for who sent it."""
        with self.portal.transaction():
            self._signed_in(request, trace)

        def effect() -> None:
            with self.portal.transaction():
                try:
                    self._run(self._call(request, trace, body))
                except ApiError:
                    pass  # the sender is gone: nobody is left to hear the refusal

        self.portal.faults.commit_later(float(fault.details.get("ms", 1000)) / 1000, effect)
        # `hold` keeps the connection open, never answered, as a sender sees it that waits for its time-out.
        threading.Event().wait(float(fault.details.get("hold", 0)) / 1000)
        raise ConnectionDropped("late_commit")

    def _end_session(self, request: Request, fault: Fault) -> None:
        """The caller's token ends: one of OAuth expires (`revoked`: is gone), a static one is revoked."""
        with self.portal.transaction():
            token = _bearer(request)
            if token == self.portal.token:
                self.portal.settings.tokenRevoked = True
                self.portal.touch("settings")
            elif fault.details.get("revoked"):
                self.portal.tokens.sessions.pop(token, None)
            else:
                self.portal.tokens.expire(token)

    # -- routing ----------------------------------------------------------------------------------

    def _route(self, request: Request, trace: Trace, body: Any, broken: ApiError | None) -> Answer:
        place = operations.place(request.path)
        if place is not None and place.area == "oauth":
            with self.portal.transaction():
                return self._oauth(request, place, body)
        if len(request.target) > _LONGEST_TARGET:
            raise errors.error(414, "URI Too Long")
        with self.portal.transaction():
            self._signed_in(request, trace)
        if broken:
            raise broken
        with self.portal.transaction():
            return self._run(self._call(request, trace, body))

    def _signed_in(self, request: Request, trace: Trace) -> None:
        """Know the caller and count the call. Raises 401 and 429."""
        portal, token = self.portal, _bearer(request)
        grant = portal.tokens.grant(token) if token else None
        if grant is None:
            raise errors.unauthenticated()
        if grant.expires is not None and grant.expires <= portal.seconds():
            raise errors.expired(int(portal.seconds() - grant.expires), oauth.expired_when(grant))
        trace.grant = grant
        portal.rates.count(grant, trace.search)
        trace.counted = True

    def _call(self, request: Request, trace: Trace, body: Any) -> Call:
        place = operations.place(request.path)
        if place is None or trace.grant is None:
            raise errors.no_route()
        query = parse_qs(request.query_string, keep_blank_values=True)
        return Call(
            self.portal, trace.grant, place.version, request.method, place.parts, query, body, request.base_url,
            request.path, trace.operation,
        )  # fmt: skip

    def _run(self, call: Call) -> Answer:
        place = operations.place(call.path)
        if place is None:
            raise errors.no_route()
        if place.area == "appinstalls" and place.parts == ("external-install",) and call.method == "DELETE":
            return self._uninstall(call)
        handle = _CRM.get(place.area)
        if (
            handle is None
            or (place.version == "v4" and place.area not in _OF_V4)
            or place.version in ("v1", "v2")
        ):
            raise errors.no_route()
        return handle(call)

    def _uninstall(self, call: Call) -> Answer:
        """The app is removed from the account, with its tokens."""
        if call.grant.refresh is None:
            raise errors.missing_scopes(["oauth"])
        self.portal.tokens.revoke_all()
        return Answer(204)

    def _oauth(self, request: Request, place: operations.Place, body: Any) -> Answer:
        portal, parts = self.portal, place.parts
        form = oauth.values_of(request.body, request.headers.get("content-type", ""), place.version)
        if place.version == "v2" and parts == ("private-apps", "get", "access-token-info"):
            return oauth.private_app(portal, body)
        if place.version == "v1" and len(parts) == 2 and parts[0] in ("access-tokens", "refresh-tokens"):
            return oauth.older(portal, request.method, parts)
        run = {("token",): lambda: oauth.token(portal, form, place.version)}
        if place.version not in ("v1", "v2"):
            run |= {("token", "introspect"): lambda: oauth.introspect(portal, form),
                    ("token", "revoke"): lambda: oauth.revoke(portal, form)}  # fmt: skip
        found = run.get(parts)
        if found is None:
            raise errors.no_route()
        if request.method != "POST":
            raise errors.method_not_allowed()
        return found()

    def _authorize(self, request: Request) -> Answer:
        """The page that approves the app. The answer to its form is a redirect."""
        with self.portal.transaction():
            form = oauth.form_of(request.body) if request.method == "POST" else request.query
            asked = oauth.read_asked(self.portal, form)
            if not asked.problem and (request.method == "POST" or self.portal.settings.autoApprove):
                yes = request.method != "POST" or form.get("decision") == "yes"
                where = oauth.approve(self.portal, asked) if yes else oauth.deny(asked)
                return Answer(302, None, {"Location": where})
            return Answer(400 if asked.problem else 200, site.html(oauth.page(asked, form)))

    # -- the answer -------------------------------------------------------------------------------

    def _send(
        self, request: Request, trace: Trace, answer: Answer, start_response: Callable[..., Any]
    ) -> list[bytes]:
        headers = dict(answer.headers)
        content = _content(answer, trace, headers)
        if _is_api(request.path):
            headers["X-HubSpot-Correlation-Id"] = trace.correlation
            if trace.grant is not None and not trace.search:
                with self.portal.lock:
                    headers |= self.portal.rates.headers(trace.grant)
        if len(content) > 1024 and "gzip" in request.headers.get("accept-encoding", ""):
            content = gzip.compress(content, compresslevel=1)
            headers["Content-Encoding"] = "gzip"
        if answer.status not in (204, 304):
            headers["Content-Length"] = str(len(content))
        start_response(f"{answer.status} {responses.get(answer.status, 'Answer')}", list(headers.items()))
        return [content]


class Malformed(str):
    """A body that breaks off."""


def _content(answer: Answer, trace: Trace, headers: dict[str, str]) -> bytes:
    body = answer.body
    if body is None:
        return b""
    if isinstance(body, site.Asset):
        headers |= {"Content-Type": body.content_type, **site.SECURITY_HEADERS}
        return body.content
    headers.setdefault("Content-Type", "application/json;charset=utf-8")
    if isinstance(body, Malformed):
        return body.encode("utf-8", "replace")
    if answer.status >= 400 and isinstance(body, dict) and body.get("status") == "error":
        body = {**body, "correlationId": trace.correlation}
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def _is_api(path: str) -> bool:
    return path.startswith(("/crm/", "/account-info/", "/appinstalls/", "/oauth/")) and path != _AUTHORIZE


def _json(request: Request) -> Any:
    """The JSON body; None where there is none. Raises 400 or 415."""
    if not request.body:
        return None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise errors.error(415, "HTTP 415 Unsupported Media Type")
    try:
        return json.loads(request.body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as broken:
        line, column = getattr(broken, "lineno", 1), getattr(broken, "colno", 1)
        raise errors.bad_json(line, column, "unexpected character or end of input") from None


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _body(request: Request) -> tuple[Any, ApiError | None]:
    """(the body, or the refusal that it earns once the caller is known)."""
    if request.path.startswith("/oauth/") and "private-apps" not in request.path:
        return None, None
    if len(request.body) > LARGEST_BODY:
        return None, errors.error(413, "The request body is too large")
    try:
        return _json(request), None
    except ApiError as broken:
        return None, broken


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def create_app(portal: "Portal") -> App:
    """A WSGI application that answers as the portal."""
    return App(portal)
