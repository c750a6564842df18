"""The org's own pages and their assets: which address is which page, and who may post to them."""

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import attrs

from .. import site
from ..markup import el
from ..pages import NotHere, Refused
from .call import Answer
from .console import (
    faults,
    frame,
    lists,
    record,
    setup,
    setup_fields,
    setup_org,
    setup_rights,
    setup_rules,
    setup_types,
)
from .console.frame import Visit
from .errors import ApiError, not_found

if TYPE_CHECKING:
    from ..wsgi import Request
    from .org import Org

_NO_STORE = {"Cache-Control": "no-store"}

# Address → what shows it, what takes its forms; a group of the pattern is an argument of both.
_ROUTES = tuple(
    (re.compile(pattern), show, act)
    for pattern, show, act in (
        (r"/", lists.home, None),
        (r"/o/(\w+)", lists.listed, None),
        (r"/r/(\w+)", record.record, record.act),
        (r"/calls", lists.calls, None),
        (r"/setup", setup.setup, setup.act),
        *(
            (re.escape(one.PATH), one.show, one.act)
            for one in (setup_org, setup_types, setup_rules, setup_rights)
        ),
        (r"/setup/objects/(\w+)", setup_fields.objects, setup_fields.add_field),
        (r"/setup/objects/(\w+)/(\w+)", setup_fields.field, setup_fields.change_field),
        (r"/faults", faults.faults, faults.act),
    )
)
# As the real org's pages are linked.
_LIGHTNING = re.compile(r"/lightning/r/(?:\w+/)?(\w+)/view")
_OURS = re.compile(r"/$|/(?:o|r|setup|lightning|assets)(?:/|$)|/(?:calls|faults|favicon\.ico)$")


def serves(path: str) -> bool:
    return _OURS.match(path) is not None


def refuse_other_sites(headers: dict[str, str], base_url: str) -> None:
    """Raises 403 where a page of another origin makes a browser send this."""
    if site.is_foreign(headers, base_url):
        raise ApiError(403, {"error": site.FOREIGN})


def handle(org: "Org", request: "Request") -> Answer:
    """A page, an asset, or what was typed into a page. HTML, also where it refuses."""
    path = request.path
    if path.startswith(site.ASSETS):
        found = site.asset(path)
        if found is None:
            raise not_found()
        return Answer(200, found)
    if path == site.ICON:
        return Answer(204)
    form = {
        k: v[-1] for k, v in parse_qs(request.body.decode("utf-8", "replace"), keep_blank_values=True).items()
    }
    posted = request.method == "POST"
    if posted:
        refuse_other_sites(request.headers, request.base_url)
    elif request.method not in ("GET", "HEAD"):
        raise ApiError(405, {"error": f"{request.method} is not for pages."}, {"Allow": "GET, HEAD, POST"})
    visit = Visit(path, request.query, form if posted else {}, org=org)
    with org.lock:
        try:
            return _post(visit) if posted else _get(visit, request.headers.get("if-none-match"))
        except NotHere as missing:
            back = el("p", el("a", "Go to the latest changes", href="/"))
            return Answer(404, site.html(frame.page(visit, "Not here", back, lead=str(missing))), _NO_STORE)


def _get(visit: Visit, seen: str | None) -> Answer:
    linked = _LIGHTNING.fullmatch(visit.path)
    if linked:
        return Answer(302, None, {"Location": record.canonical(visit.org, linked[1]), **_NO_STORE})
    headers = {"ETag": frame.version(visit.org), **_NO_STORE}
    # The script asks every second: what did not change is not written again.
    if seen == headers["ETag"]:
        return Answer(304, None, headers)
    return Answer(200, site.html(_show(visit)), headers)


def _show(visit: Visit) -> str:
    for pattern, show, _ in _ROUTES:
        found = pattern.fullmatch(visit.path)
        if found:
            return show(visit, *found.groups())
    raise NotHere(f"There is no page {visit.path} here.")


def _post(visit: Visit) -> Answer:
    for pattern, _, act in _ROUTES:
        found = pattern.fullmatch(visit.path)
        if found and act:
            try:
                return Answer(303, None, {"Location": act(visit, *found.groups()), **_NO_STORE})
            except Refused as refused:
                shown = _show(attrs.evolve(visit, problem=str(refused)))
                return Answer(400, site.html(shown), _NO_STORE)
    raise NotHere(f"Nothing can be posted to {visit.path}.")
