"""Pages as HTTP sees them: headers, assets, and forms that other sites may not send."""

from importlib import resources
from urllib.parse import urlsplit

import attrs

ASSETS, ICON = "/assets/", "/favicon.ico"
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # Under "no-referrer" a browser says "Origin: null" of our own forms.
    "Referrer-Policy": "same-origin",
}
FOREIGN = "Orders are taken from the stand-in's own pages and from programs, not from other sites."
_TYPES = {"css": "text/css", "js": "text/javascript", "html": "text/html"}


@attrs.frozen
class Asset:
    content: bytes
    content_type: str


def html(text: str) -> Asset:
    return Asset(text.encode("utf-8", "replace"), f"{_TYPES['html']};charset=UTF-8")


def asset(path: str) -> Asset | None:
    """What stands at an address below `/assets/`."""
    name = path.removeprefix(ASSETS)
    suffix = name.rpartition(".")[2]
    found = resources.files(__package__) / "assets" / name
    if "/" in name or suffix not in _TYPES or not found.is_file():
        return None
    return Asset(found.read_bytes(), f"{_TYPES[suffix]};charset=UTF-8")


def is_foreign(headers: dict[str, str], base_url: str) -> bool:
    """Whether a page of another origin makes a browser send this. Without a browser there is no such page."""
    sent, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if sent is not None:
        return sent not in ("same-origin", "none")
    return origin is not None and urlsplit(origin).netloc != urlsplit(base_url).netloc
