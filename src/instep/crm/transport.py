"""HTTP to CRMs: the only module that imports the HTTP library.

It knows time-outs and what a broken connection means; it knows no vendor. An address is resolved once, checked
(`addresses`), and connected to as checked, so that a name that resolves differently a moment later (DNS rebinding)
reaches nothing inside the operator's network.
"""

from __future__ import annotations

import json as jsonlib
import logging
import math
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlsplit

import httpx2
import orjson
from attrs import frozen

from instep.core.errors import Bug, InstepError, Retry, Scope
from instep.crm.addresses import Resolver, checked_addresses, resolve

log = logging.getLogger("instep.crm.transport")

CONNECT_SECONDS = 10.0
READ_SECONDS = 120.0
#: While a person waits for a page: an answer that takes longer is a problem to be told, not to be waited for.
HURRIED_CONNECT_SECONDS = 4.0
HURRIED_READ_SECONDS = 12.0
#: The moment (of the monotonic clock) at which whoever waits goes on without an answer.
_patience_ends: ContextVar[float] = ContextVar("patience_ends", default=math.inf)
_LEAST_SECONDS = 0.05
_KEEP_OPEN_SECONDS = 20.0
_ADDRESS_SECONDS = 60.0
#: The largest answer in bytes: what a CRM sends for our batches is far below, more would only fill our memory.
LARGEST_ANSWER = 64 * 1024 * 1024

_REQUEST_ID_HEADERS = ("x-sfdc-request-id", "sforce-request-id", "x-hubspot-correlation-id", "x-request-id")


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Requests sent inside fail as passing trouble when they have no answer so many seconds from now."""
    token = _patience_ends.set(min(time.monotonic() + seconds, _patience_ends.get()))
    try:
        yield
    finally:
        _patience_ends.reset(token)


#: Reading an address takes longer than building the rest of a request, and each org has but a few of them.
_url = lru_cache(maxsize=1024)(httpx2.URL)


@lru_cache(maxsize=1024)
def _pinned(url: httpx2.URL, address: str) -> httpx2.URL:
    return url.copy_with(host=address)


class _Guard(httpx2.BaseTransport):
    """Connects only to addresses that were checked.

    They are kept for a minute: asking the name service before every request would cost more than the
    request, and addresses that come in another order each time would never meet a kept connection.
    """

    def __init__(self, allow: Sequence[str], resolver: Resolver) -> None:
        self._allow = tuple(allow)
        self._resolver = resolver
        self._kept: dict[tuple[str, int], tuple[float, list[str]]] = {}
        # One context for all: reading the system's certificates takes longer than a request.
        self._tls = httpx2.create_ssl_context()
        self._pools: dict[str, httpx2.HTTPTransport] = {}
        self._pools_lock = threading.Lock()
        proxy = urllib.request.getproxies_environment().get("https")
        self._proxied = httpx2.HTTPTransport(verify=self._tls, proxy=httpx2.Proxy(proxy)) if proxy else None

    def _pool(self, host: str) -> httpx2.HTTPTransport:
        """The kept connections of one host.

        Orgs share addresses: in a common pool, which knows addresses only, one org's request would
        travel on a connection whose certificate was checked for another's name.
        """
        with self._pools_lock:
            if host not in self._pools:
                self._pools[host] = httpx2.HTTPTransport(
                    verify=self._tls,
                    trust_env=False,
                    # Bookings come seconds apart: a kept connection saves each of them the handshakes.
                    limits=httpx2.Limits(
                        max_connections=100,
                        max_keepalive_connections=10,
                        keepalive_expiry=_KEEP_OPEN_SECONDS,
                    ),
                )
            return self._pools[host]

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        host = request.url.host
        # A proxy resolves names in its own network, where our checks mean nothing: it guards itself.
        if (
            self._proxied is not None
            and request.url.scheme == "https"
            and not urllib.request.proxy_bypass(host)
        ):
            return self._proxied.handle_request(request)
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        try:
            addresses = self._addresses(host, port)
        except OSError as error:
            raise httpx2.ConnectError(f"{host}: {error.strerror or error}", request=request) from error
        try:
            return self._first_that_connects(request, host, addresses)
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            self._kept.pop((host, port), None)
            raise

    def _addresses(self, host: str, port: int) -> list[str]:
        until, addresses = self._kept.get((host, port), (0.0, []))
        if time.monotonic() >= until:
            addresses = checked_addresses(host, port, self._allow, self._resolver)
            self._kept[(host, port)] = (time.monotonic() + _ADDRESS_SECONDS, addresses)
        return addresses

    def _first_that_connects(
        self, request: httpx2.Request, host: str, addresses: list[str]
    ) -> httpx2.Response:
        """Try each address; the Host header and the certificate's name stay those of the host."""
        refused: httpx2.TransportError = httpx2.ConnectError(f"{host} has no address", request=request)
        request.extensions = {**request.extensions, "sni_hostname": host}
        for address in addresses:
            # A copy of the request would cost as much as the rest of this layer: its own address is set.
            request.url = _pinned(request.url, address)
            try:
                return self._pool(host).handle_request(request)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                refused = error
        raise refused

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()
        if self._proxied is not None:
            self._proxied.close()


@frozen
class Response:
    """An answer: status, headers with lower-case names, the body, duration in ms, the CRM's request id."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    ms: float
    request_id: str = ""

    def json(self) -> Any:
        """The body as JSON; ValueError when it is something else (a maintenance page, a proxy's error)."""
        if not self.content:
            return None
        try:
            return orjson.loads(self.content)
        except orjson.JSONDecodeError:
            # other encodings than UTF-8 and numbers that JSON does not know are read slowly
            return jsonlib.loads(self.content)


class Transport:
    """Sends requests and turns every failure of the wire into an `InstepError`. Safe for many threads.

    It speaks to the HTTP library below its client: that one keeps cookies, which orgs must not share,
    follows redirects, which we refuse, and takes half of a request's time for it.
    """

    def __init__(
        self,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
        allow: Sequence[str] = (),
        resolver: Resolver = resolve,
        inner: httpx2.BaseTransport | None = None,
    ) -> None:
        self.allow = tuple(allow)
        self._wire = inner or _Guard(allow, resolver)
        self._time_outs = httpx2.Timeout(read_seconds, connect=connect_seconds).as_dict()
        self._headers = {
            "User-Agent": f"Instep/{_own_version()}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
        }

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, str] | None = None,
        files: Sequence[tuple[str, tuple[str | None, bytes, str]]] | None = None,
        changes: bool = False,
    ) -> Response:
        """One request, one answer of any status.

        `json`, `data` (a form) or `files` (multipart parts) is the body. `changes` says that the request
        may change something over there: then a failure after sending leaves the outcome unknown.
        Raises `Retry` (scope connection when nothing was sent, else batch).
        """
        parts = urlsplit(url)
        host, path = parts.hostname or "", parts.path
        started = time.monotonic()
        try:
            answer = self._wire.handle_request(
                httpx2.Request(
                    method,
                    _url(url),
                    headers={**self._headers, **headers} if headers else self._headers,
                    content=_body(json),
                    data=dict(data) if data else None,
                    files=list(files) if files else None,
                    extensions={"timeout": self._time_out()},
                )
            )
            try:
                content = _read(answer, host, changes)
            finally:
                answer.close()
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            # no warning: whoever called decides what it means, and says so
            log.info("request failed", extra=_event(method, host, path, 0, _since(started), str(error)))
            raise _wire_error(error, host, changes) from error
        response = Response(
            status=answer.status_code,
            headers=dict(answer.headers),
            content=content,
            ms=_since(started),
            request_id=next((answer.headers[h] for h in _REQUEST_ID_HEADERS if h in answer.headers), ""),
        )
        log.info("request", extra=_event(method, host, path, response.status, response.ms))
        return response

    def _time_out(self) -> dict[str, float | None]:
        """The time-outs of a request: what is left of its sender's patience, else the transport's own."""
        ends = _patience_ends.get()
        if ends == math.inf:
            return self._time_outs
        return httpx2.Timeout(max(ends - time.monotonic(), _LEAST_SECONDS)).as_dict()

    def close(self) -> None:
        """Close the kept connections."""
        self._wire.close()


@cache
def shared(allow: tuple[str, ...] = (), hurried: bool = False) -> Transport:
    """The process's transport for one allow-list: connections are kept open between drains.

    A `hurried` one gives up early: somebody waits for the page.
    """
    if hurried:
        return Transport(
            connect_seconds=HURRIED_CONNECT_SECONDS, read_seconds=HURRIED_READ_SECONDS, allow=allow
        )
    return Transport(allow=allow)


def _own_version() -> str:
    try:
        return version("instep")
    except PackageNotFoundError:
        return "0"


def _body(json: Any) -> bytes | None:
    if json is None:
        return None
    try:
        body = orjson.dumps(json, option=orjson.OPT_PASSTHROUGH_DATETIME)
        if b"null" not in body:
            return body
    except orjson.JSONEncodeError:
        pass  # a number of more than 64 bits, or one that cannot be sent, which is told below
    # A null may be a NaN, which is no JSON: it is refused here, where the cause is still known.
    try:
        return jsonlib.dumps(json, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, UnicodeEncodeError) as error:
        raise Bug(f"A value cannot be sent as JSON: {error}.", code="unsendable_value") from error


def _read(answer: httpx2.Response, host: str, changes: bool) -> bytes:
    """The body, decompressed; `Retry` for one beyond all measure, of which no more than the measure is kept."""
    pieces, size = [], 0
    for piece in answer.iter_bytes():
        size += len(piece)
        if size > LARGEST_ANSWER:
            raise Retry(
                f"{host} sent an answer of more than {LARGEST_ANSWER // 1024**2} MB.",
                code="answer_too_large",
                cure="It is tried again by itself; check the CRM's address if it stays.",
                scope=Scope.BATCH,
                outcome_unknown=changes,
            )
        pieces.append(piece)
    return b"".join(pieces)


def _since(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 1)


def _event(method: str, host: str, path: str, status: int, ms: float, error: str = "") -> dict[str, Any]:
    """What the log may know of a request: never the query, the headers or a body."""
    return {"http_method": method, "host": host, "path": path, "status": status, "ms": ms, "error": error}


def _wire_error(error: Exception, host: str, changes: bool) -> InstepError:
    """A failure of the wire as a decision: was anything sent, and may it have had an effect?"""
    if isinstance(error, httpx2.UnsupportedProtocol | httpx2.InvalidURL | httpx2.LocalProtocolError):
        return Bug(f"The request to {host} could not be built: {error}.", code="unsendable_request")
    if isinstance(
        error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout | httpx2.ProxyError
    ):
        return Retry(
            f"{host} could not be reached: {error or 'no answer to the connection'}.",
            code="unreachable",
            cure="It is tried again by itself.",
            scope=Scope.CONNECTION,
        )
    timed_out = isinstance(error, httpx2.TimeoutException)
    return Retry(
        f"{host} {'did not answer in time' if timed_out else f'broke the connection off ({error})'}.",
        code="timeout" if timed_out else "connection_lost",
        cure="It is tried again by itself.",
        scope=Scope.BATCH,
        outcome_unknown=changes,
    )
