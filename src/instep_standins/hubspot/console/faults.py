"""What is wrong with the portal at the moment, and a button for each thing that can go wrong."""

from typing import TYPE_CHECKING, Any

from ...inputs import control
from ...markup import Markup, el, said
from ...pages import Refused, button, count, empty, form, live, notice, part, problem, tag
from .. import admin
from ..errors import ApiError
from .frame import Visit, page
from .presets import GROUPS, PRESETS, Preset

if TYPE_CHECKING:
    from ..portal import Portal

_PATH = "/faults"
_KINDS = {
    "status": "Answers with an error", "limit": "Too many calls", "latency": "Slow answers",
    "drop_before": "Cut connection", "drop_after": "Lost answer", "late_commit": "Time-out, done later",
    "session": "The session ends", "malformed": "Half an answer", "row": "Records are refused",
    "row_limit": "Too many records at once are refused", "associations": "Made, but not associated",
}  # fmt: skip


def _where(match: dict[str, Any]) -> Markup | None:
    """What a fault waits for, in a few words."""
    words = [
        el("code", f"{name} {value}") for name, value in match.items() if value is not None and value != "any"
    ]
    return el("span", "for ", *((word, " ") for word in words), class_="soft") if words else None


def _line(name: str, state: Markup, about: list[Any], cure: str, label: str) -> Markup:
    clear = form(_PATH, "clear", button(cure, id=f"clear-{name}", aria_label=label), id=name)
    return el("li", state, el("p", *about), clear, data_row=f"fault.{name}")


def _fault(fault: dict[str, Any]) -> Markup:
    times, drawn = fault["times"], fault["drawn"]
    spent = times is not None and drawn >= times
    left = "until cleared" if times is None else "spent" if spent else f"{count(times - drawn)} to come"
    met = "not met yet" if not drawn else "met once" if drawn == 1 else f"met {count(drawn)} times"
    words = fault.get("name") or _KINDS[fault["kind"]]
    about = [
        el("b", said(words)),
        _where(fault["match"]),
        el("span", met, class_="soft", data_cell=f"met.{fault['id']}"),
    ]
    return _line(str(fault["id"]), tag(left, "grey" if spent else "bad"), about, "Clear", f"Clear: {words}")


def _standing(portal: "Portal") -> list[Markup]:
    """What is wrong without a fault being armed."""
    found = []
    if portal.settings.dailyUsed >= portal.settings.daily:
        found.append(("limit", "The calls of the day are used up", "Give the calls back"))
    if portal.settings.tokenRevoked:
        found.append(("token", "The static token is revoked", "Allow it again"))
    return [
        _line(name, tag("until cleared", "bad"), [el("b", words)], cure, cure) for name, words, cure in found
    ]


def _active(portal: "Portal") -> Markup:
    told = portal.faults.told()
    lines = [*_standing(portal), *(_fault(fault) for fault in told["faults"])]
    if not lines:
        nothing = empty("Nothing is wrong with this portal. Choose a fault below.")
        return part("active-all", "Active now", nothing)
    every = form(_PATH, "clear", button("Clear all", id="clear-all"), id="all")
    late = told["pendingCommits"]
    note = f"{count(late)} late writes to come" if late else None
    return part("active-all", "Active now", el("ul", *lines, class_="active"), every, note=note)


def _preset(visit: Visit, preset: Preset) -> Markup:
    mine = visit.form.get("act") == preset.key
    inputs = [
        control(preset.key, one, visit.form if mine else {}, mine and bool(visit.problem))
        for one in preset.inputs
    ]
    fields = el("div", *inputs, class_="fields") if inputs else None
    order = form(_PATH, preset.key, fields, button(preset.button, id=f"arm-{preset.key}"))
    return el("section", el("h3", preset.title), el("p", preset.words, class_="soft"), order, class_="card")


def faults(visit: Visit) -> str:
    """Active faults, then the ones to choose from."""
    done = None
    if visit.query.get("did") in PRESETS:
        done = notice(f"Done: {PRESETS[visit.query['did']].title.lower()}. It holds from the next call on.")
    groups = [
        part(f"g-{i}", title, el("div", *(_preset(visit, preset) for preset in presets), class_="cards"))
        for i, (title, presets) in enumerate(GROUPS)
    ]
    lead = "Let something go wrong and see how an app takes it. Nothing here can break more than this portal."
    return page(
        visit, "Faults", problem(visit), done, live("active", _active(visit.portal)), *groups, lead=lead
    )


def act(visit: Visit) -> str:
    """Arm or clear a fault by the orders of `/__fake__/`; the address to go on at. Raises Refused."""
    portal, what = visit.portal, visit.form.get("act", "")
    try:
        if what == "clear":
            _clear(portal, visit.form.get("id", ""))
            return f"{_PATH}#active"
        if what not in PRESETS:
            raise Refused("There is no such fault. Choose one of those below.")
        for order in PRESETS[what].orders(portal, visit.form):
            admin.order(portal, *order)
    except ApiError as error:
        raise Refused(f"Not done. {error.body['error']}") from None
    return f"{_PATH}?did={what}"


def _clear(portal: "Portal", name: str) -> None:
    if name in ("limit", "all") and portal.settings.dailyUsed >= portal.settings.daily:
        admin.order(portal, "POST", "settings", {"dailyUsed": 0})
    if name in ("token", "all"):
        admin.order(portal, "POST", "settings", {"tokenRevoked": False})
    if name == "all":
        admin.order(portal, "DELETE", "faults", {})
    elif name.isdecimal():
        admin.order(portal, "DELETE", "faults", {"id": int(name)})
