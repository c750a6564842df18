"""A stand-in's own pages over HTTP: which address is which page, who may post to them, and how they refuse."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import attrs

from . import site
from .markup import el
from .pages import NotHere, Refused, Visit

if TYPE_CHECKING:
    from .wsgi import Request

_NO_STORE = {"Cache-Control": "no-store"}

Show = Callable[..., str]


@attrs.frozen
class Answer:
    """Status, JSON body (None for an empty one) and extra headers."""

    status: int
    body: Any = None
    headers: dict[str, str] = attrs.field(factory=dict)


def _compiled(
    routes: tuple[tuple[str, Show, Show | None], ...],
) -> tuple[tuple[re.Pattern[str], Show, Show | None], ...]:
    return tuple((re.compile(pattern), show, act) for pattern, show, act in routes)


@attrs.frozen
class Pages:
    """The pages of one stand-in, which is called `world` here.

    `routes`: address → what shows it, what takes its forms; a group of the pattern is an argument of both. `linked` is
    how the real product links its pages, and where that is here. `error` is the stand-in's refusal of a request.
    """

    ours: re.Pattern[str] = attrs.field(converter=re.compile)
    routes: tuple[tuple[re.Pattern[str], Show, Show | None], ...] = attrs.field(converter=_compiled)
    linked: re.Pattern[str] = attrs.field(converter=re.compile)
    lead: Callable[..., str]
    visit: Callable[..., Visit]
    version: Callable[[Any], str]
    page: Show
    error: Callable[..., Exception]
    no_asset: Callable[[], Exception]

    def serves(self, path: str) -> bool:
        return self.ours.match(path) is not None

    def refuse_other_sites(self, headers: dict[str, str], base_url: str) -> None:
        """Raises 403 where a page of another origin makes a browser send this."""
        if site.is_foreign(headers, base_url):
            raise self.error(403, {"error": site.FOREIGN})

    def handle(self, world: Any, request: "Request") -> Answer:
        """A page, an asset, or what was typed into a page. HTML, also where it refuses."""
        path = request.path
        if path.startswith(site.ASSETS):
            found = site.asset(path)
            if found is None:
                raise self.no_asset()
            return Answer(200, found)
        if path == site.ICON:
            return Answer(204)
        posted = request.method == "POST"
        if posted:
            self.refuse_other_sites(request.headers, request.base_url)
        elif request.method not in ("GET", "HEAD"):
            said = {"error": f"{request.method} is not for pages."}
            raise self.error(405, said, {"Allow": "GET, HEAD, POST"})
        visit = self.visit(world, path, request.query, _typed(request.body) if posted else {})
        with world.lock:
            try:
                return self._post(visit) if posted else self._get(world, visit, request.headers)
            except NotHere as missing:
                back = el("p", el("a", "Go to the latest changes", href="/"))
                shown = self.page(visit, "Not here", back, lead=str(missing))
                return Answer(404, site.html(shown), _NO_STORE)

    def _get(self, world: Any, visit: Visit, asked: dict[str, str]) -> Answer:
        linked = self.linked.fullmatch(visit.path)
        if linked:
            return Answer(302, None, {"Location": self.lead(world, *linked.groups()), **_NO_STORE})
        headers = {"ETag": self.version(world), **_NO_STORE}
        # The script asks every second: what did not change is not written again.
        if asked.get("if-none-match") == headers["ETag"]:
            return Answer(304, None, headers)
        return Answer(200, site.html(self._show(visit)), headers)

    def _show(self, visit: Visit) -> str:
        for pattern, show, _ in self.routes:
            found = pattern.fullmatch(visit.path)
            if found:
                return show(visit, *found.groups())
        raise NotHere(f"There is no page {visit.path} here.")

    def _post(self, visit: Visit) -> Answer:
        for pattern, _, act in self.routes:
            found = pattern.fullmatch(visit.path)
            if found and act:
                try:
                    return Answer(303, None, {"Location": act(visit, *found.groups()), **_NO_STORE})
                except Refused as refused:
                    shown = self._show(attrs.evolve(visit, problem=str(refused)))
                    return Answer(400, site.html(shown), _NO_STORE)
        raise NotHere(f"Nothing can be posted to {visit.path}.")


def _typed(body: bytes) -> dict[str, str]:
    found = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[-1] for name, values in found.items()}
