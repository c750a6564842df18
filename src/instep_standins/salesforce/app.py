"""The WSGI application: reads a request, lets ordered faults have their way, routes it, writes the answer."""

import gzip
import json
import re
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from email.parser import BytesParser
from email.policy import HTTP
from http.client import responses
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import attrs

from .. import site
from ..faults import Fault
from ..routing import Answer
from ..serving import LARGEST_BODY, ConnectionDropped
from ..wsgi import Request, read_request
from . import admin, errors, oauth, operations, rest
from .call import Caller
from .errors import ApiError, RowError, json_parser_error, refuse
from .faults import error_of
from .history import Cause
from .page import PAGES

if TYPE_CHECKING:
    from .org import Org

LARGEST_TARGET = 16_384  # bytes of URI; of URI and headers together


def _json(request: Request) -> Any:
    """The JSON body; None where there is none. Raises 415 or JSON_PARSER_ERROR."""
    if not request.body:
        return None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return _multipart(request)
    if kind != "application/json":
        raise refuse(
            415,
            errors.UNSUPPORTED_MEDIA_TYPE,
            f"Content type for {request.method} must be one of: application/json",
        )
    try:
        return json.loads(request.body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as broken:
        line, column = getattr(broken, "lineno", 1), getattr(broken, "colno", 1)
        raise json_parser_error(
            f"Unexpected character or end of input at [line:{line}, column:{column}]"
        ) from None


def _body(request: Request) -> tuple[Any, ApiError | None]:
    """(the body, or the refusal that it earns once the caller is known)."""
    if request.path.startswith("/services/oauth2/"):
        return None, None
    if len(request.body) > LARGEST_BODY:
        return None, refuse(413, errors.LIMIT_EXCEEDED, "The request body is larger than 50 MB")
    try:
        return _json(request), None
    except ApiError as broken:
        return None, broken


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _multipart(request: Request) -> dict[str, Any]:
    """The parts of a form, by name: `json` decoded, `file` as bytes."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode("latin-1")
    message = BytesParser(policy=HTTP).parsebytes(head + request.body)
    parts: dict[str, Any] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True) or b""
        if name == "json" or part.get_content_type() == "application/json":
            try:
                parts["json"] = json.loads(content)
            except ValueError:
                raise json_parser_error("The json part is not JSON at [line:1, column:1]") from None
        elif name:
            parts[str(name)] = content
    return parts


@attrs.define
class Trace:
    """What the journal will say of one request; status 0 means that no answer was sent."""

    operations: list[operations.Operation]
    status: int = 0
    counted: bool = False


class App:
    """One org over WSGI."""

    def __init__(self, org: "Org") -> None:
        self.org = org

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        started = time.perf_counter()
        request = read_request(environ)
        trace = Trace([operations.of_call(request.method, request.target, None)])
        try:
            answer = self._answer(request, trace)
            trace.status = answer.status
        finally:
            if not PAGES.serves(request.path) and not request.path.startswith(admin.PREFIX):
                self._note(request, trace, started)
        return self._send(request, answer, start_response)

    def _answer(self, request: Request, trace: Trace) -> Answer:
        """The answer, refusals included. Only a dropped connection passes as an exception."""
        try:
            return self._dispatch(request, trace)
        except RowError as error:
            return _refused(error.single())
        except ApiError as error:
            return _refused(error)
        except ConnectionDropped:
            raise
        except Exception:
            # A fault of the stand-in itself must look like one, never like a lost connection.
            traceback.print_exc()
            return _refused(refuse(500, errors.UNKNOWN_EXCEPTION, "An unexpected error occurred."))

    def _note(self, request: Request, trace: Trace, started: float) -> None:
        inner = trace.operations[1:] or trace.operations
        self.org.journal.add(
            at=self.org.now().isoformat(timespec="milliseconds"),
            method=request.method,
            path=request.path,
            status=trace.status,
            counted=trace.counted,
            ms=round((time.perf_counter() - started) * 1000, 1),
            summary=[operation.told() for operation in inner],
        )

    def _dispatch(self, request: Request, trace: Trace) -> Answer:
        if PAGES.serves(request.path):
            return PAGES.handle(self.org, request)
        body, broken = _body(request)
        if request.path.startswith(admin.PREFIX):
            if request.method != "GET":
                PAGES.refuse_other_sites(request.headers, request.base_url)
            if broken:
                raise broken
            return admin.handle(self.org, request.method, request.path, request.query, body)
        trace.operations = operations.of_request(request.method, request.target, body)
        by_kind: dict[str, Fault] = {}
        for fault in (
            self.org.faults.on_request(trace.operations) if request.path.startswith("/services/") else ()
        ):
            by_kind.setdefault(fault.kind, fault)
        if "latency" in by_kind:
            time.sleep(float(by_kind["latency"].details.get("ms", 0)) / 1000)
        if "drop_before" in by_kind:
            raise ConnectionDropped("drop_before")
        if "late_commit" in by_kind:
            self._commit_later(request, trace, body, by_kind["late_commit"])
        if "status" in by_kind:
            raise error_of(by_kind["status"])
        if "session" in by_kind:
            self._end_session(request)
        answer = self._route(request, trace, body, broken)
        if "drop_after" in by_kind:
            raise ConnectionDropped("drop_after")
        return answer

    # -- faults that outlive the call -------------------------------------------------------------

    def _commit_later(self, request: Request, trace: Trace, body: Any, fault: Fault) -> None:
        """Close the connection now; the write happens later, as it was sent and for who sent it."""
        caller = self._caller(request)
        with self.org.transaction():
            self._count(trace)

        def effect() -> None:
            with self.org.transaction(Cause(caller.user_id, trace.operations)):
                try:
                    rest.handle(caller, request.method, request.target, body)
                except (ApiError, RowError):
                    pass  # the sender is gone: nobody is left to hear the refusal

        self.org.faults.commit_later(float(fault.details.get("ms", 1000)) / 1000, effect)
        # `hold` keeps the connection open, never answered, as a sender sees it that waits for its time-out.
        threading.Event().wait(float(fault.details.get("hold", 0)) / 1000)
        raise ConnectionDropped("late_commit")

    def _end_session(self, request: Request) -> None:
        with self.org.transaction():
            self.org.tokens.end_session(_bearer(request))

    # -- routing ----------------------------------------------------------------------------------

    def _route(self, request: Request, trace: Trace, body: Any, broken: ApiError | None) -> Answer:
        if request.path.startswith("/services/oauth2/") or request.path.startswith("/id/"):
            with self.org.transaction():
                return self._oauth(request)
        if request.path.rstrip("/") == "/services/data":
            return Answer(200, rest.versions())
        if request.path.startswith("/services/data/"):
            if len(request.target.encode()) > LARGEST_TARGET:
                raise refuse(414, "URI_TOO_LONG", "The URI is longer than 16,384 bytes")
            caller = self._caller(request)
            with self.org.transaction(Cause(caller.user_id, trace.operations)):
                self._check_api(caller)
                self._count(trace)
                if broken:
                    raise broken
                return rest.handle(caller, request.method, request.target, body)
        raise errors.not_found()

    def _caller(self, request: Request) -> Caller:
        with self.org.lock:
            session = self.org.tokens.session(_bearer(request))
        if session is None:
            raise oauth.not_authorised()
        version, _ = rest.split_version(request.path)
        return Caller(self.org, session.user_id, version, request.headers, request.base_url)

    def _check_api(self, caller: Caller) -> None:
        """An edition without the API, and a user without API Enabled, are told the same."""
        allowed = self.org.access.permissions(caller.user_id).get("PermissionsApiEnabled")
        if not (self.org.settings.apiEnabled and allowed):
            message = "The REST API is not enabled for this Organization."
            raise refuse(403, errors.API_DISABLED_FOR_ORG, message)

    def _count(self, trace: Trace) -> None:
        settings = self.org.settings
        if settings.apiUsed >= settings.apiMax:
            raise refuse(403, errors.REQUEST_LIMIT_EXCEEDED, "TotalRequests Limit exceeded.")
        settings.apiUsed += 1
        trace.counted = True
        self.org.touch("settings")

    def _oauth(self, request: Request) -> Answer:
        org, path = self.org, request.path
        form = request.query | oauth.form_of(request.body)
        if path == "/services/oauth2/authorize":
            shown = oauth.authorize(org, request.method, form)
            headers = {"Location": shown.location} if shown.location else {}
            return Answer(shown.status, site.html(shown.html), headers)
        if path == "/services/oauth2/token":
            if request.method != "POST":
                raise ApiError(400, {"error": "invalid_request", "error_description": "must use HTTP POST"})
            return Answer(
                200, oauth.token(org, form, request.headers, request.base_url), {"Cache-Control": "no-store"}
            )
        if path == "/services/oauth2/revoke":
            oauth.revoke(org, form)
            return Answer(200)
        if path == "/services/oauth2/introspect":
            return Answer(200, oauth.introspect(org, form, request.headers))
        session = org.tokens.session(_bearer(request))
        if session is None:
            raise ApiError(403, "Bad_OAuth_Token" if _bearer(request) else "Missing_OAuth_Token")
        if path == "/services/oauth2/userinfo":
            return Answer(200, oauth.userinfo(org, session.user_id, request.base_url))
        if path.startswith("/id/"):
            version = request.query.get("version")
            return Answer(200, oauth.identity(org, path, session.user_id, request.base_url, version))
        raise errors.not_found()

    # -- the answer -------------------------------------------------------------------------------

    def _send(self, request: Request, answer: Answer, start_response: Callable[..., Any]) -> list[bytes]:
        headers = dict(answer.headers)
        if isinstance(answer.body, site.Asset):
            content = answer.body.content
            headers |= {"Content-Type": answer.body.content_type, **site.SECURITY_HEADERS}
        elif answer.body is None:
            content = b""
        elif isinstance(answer.body, str):
            content = answer.body.encode()
            headers["Content-Type"] = "text/plain;charset=UTF-8"
        else:
            indent = 2 if request.headers.get("x-prettyprint") == "1" else None
            content = json.dumps(answer.body, ensure_ascii=False, indent=indent).encode("utf-8", "replace")
            headers.setdefault("Content-Type", "application/json;charset=UTF-8")
        if re.match(r"^/services/data/.", request.path):
            settings = self.org.settings
            headers["Sforce-Limit-Info"] = f"api-usage={settings.apiUsed}/{settings.apiMax}"
            headers["X-SFDC-Request-Id"] = uuid4().hex
        if len(content) > 1024 and "gzip" in request.headers.get("accept-encoding", ""):
            content = gzip.compress(content, compresslevel=1)
            headers["Content-Encoding"] = "gzip"
        if answer.status not in (204, 304):
            headers["Content-Length"] = str(len(content))
        start_response(f"{answer.status} {responses.get(answer.status, 'Answer')}", list(headers.items()))
        return [content]


def _refused(error: ApiError) -> Answer:
    return Answer(error.status, error.body, error.headers)


def _bearer(request: Request) -> str:
    """The access token. Raises 401 for a header that is none."""
    value = request.headers.get("authorization", "")
    scheme, _, token = value.partition(" ")
    if value and scheme.lower() not in ("bearer", "oauth"):
        raise refuse(401, errors.INVALID_AUTH_HEADER, "INVALID_HEADER_TYPE")
    return token.strip()


def create_app(org: "Org") -> App:
    """A WSGI application that answers as the org."""
    return App(org)
