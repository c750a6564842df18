"""A request as WSGI hands it over, read once."""

import gzip
import io
import zlib
from typing import Any
from urllib.parse import parse_qs, quote

import attrs

from .serving import LARGEST_BODY


@attrs.frozen
class Request:
    """method, path, raw target (with query string), lower-case headers, body bytes, and the address it came to."""

    method: str
    path: str
    query_string: str
    headers: dict[str, str]
    body: bytes
    base_url: str

    @property
    def target(self) -> str:
        return self.path + ("?" + self.query_string if self.query_string else "")

    @property
    def query(self) -> dict[str, str]:
        return {k: v[-1] for k, v in parse_qs(self.query_string, keep_blank_values=True).items()}


def read_request(environ: dict[str, Any]) -> Request:
    headers = {k[5:].replace("_", "-").lower(): v for k, v in environ.items() if k.startswith("HTTP_")}
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").lower()] = environ[name]
    length = environ.get("CONTENT_LENGTH")
    body = environ["wsgi.input"].read(int(length)) if length else b""
    if not length and environ.get("HTTP_TRANSFER_ENCODING"):
        body = environ["wsgi.input"].read()
    if headers.get("content-encoding") == "gzip":
        body = _inflate(body)
    host = environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    raw = environ.get("REQUEST_URI")
    # WSGI hands the path decoded; REST needs it as sent, where %2F inside an external id is not a slash.
    path = raw.partition("?")[0] if raw else quote(_path_bytes(environ.get("PATH_INFO", "/")), safe="/%:@!{}")
    base_url = f"{environ['wsgi.url_scheme']}://{host}"
    return Request(environ["REQUEST_METHOD"], path, environ.get("QUERY_STRING", ""), headers, body, base_url)


def _inflate(body: bytes) -> bytes:
    """A compressed body up to a byte too many; one that is none stays as it is, for the JSON parser to refuse."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
            return file.read(LARGEST_BODY + 1)
    except (OSError, EOFError, zlib.error):
        return body


def _path_bytes(path_info: str) -> bytes:
    """The bytes of a decoded path. WSGI carries them as Latin-1; httpx2's transport sends real text instead."""
    try:
        carried = path_info.encode("latin-1")
        carried.decode()
        return carried
    except UnicodeError:
        return path_info.encode("utf-8", "replace")
