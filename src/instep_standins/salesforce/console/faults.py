"""What is wrong with the org at the moment, and a button for each thing that can go wrong."""

from typing import TYPE_CHECKING, Any

from ...inputs import control
from ...markup import Markup, el, said
from ...pages import Refused, button, count, empty, form, live, notice, part, problem, tag
from .. import admin
from ..errors import ApiError
from .frame import Visit, page
from .presets import GROUPS, PRESETS, Preset

if TYPE_CHECKING:
    from ..org import Org

_PATH = "/faults"
_KINDS = {
    "status": "Answers with an error", "latency": "Slow answers", "drop_before": "Cut connection",
    "drop_after": "Lost answer", "late_commit": "Time-out, done later", "session": "The session ends",
    "row": "Records are refused", "row_limit": "Too many records at once are refused",
}  # fmt: skip


def _where(match: dict[str, Any]) -> Markup | None:
    """What a fault waits for, in a few words."""
    words = [
        el("code", f"{name} {value}") for name, value in match.items() if value is not None and value != "any"
    ]
    return el("span", "for ", *((word, " ") for word in words), class_="soft") if words else None


def _fault(fault: dict[str, Any]) -> Markup:
    times, drawn = fault["times"], fault["drawn"]
    spent = times is not None and drawn >= times
    left = "until cleared" if times is None else "spent" if spent else f"{count(times - drawn)} to come"
    met = "not met yet" if not drawn else "met once" if drawn == 1 else f"met {count(drawn)} times"
    words = fault.get("name") or _KINDS[fault["kind"]]
    state = tag(left, "grey" if spent else "bad")
    about = [
        el("b", said(words)),
        _where(fault["match"]),
        el("span", met, class_="soft", data_cell=f"met.{fault['id']}"),
    ]
    return _line(str(fault["id"]), state, about, "Clear", f"Clear: {words}")


def _line(name: str, state: Markup, about: list[Any], cure: str, label: str) -> Markup:
    clear = form(_PATH, "clear", button(cure, id=f"clear-{name}", aria_label=label), id=name)
    return el("li", state, el("p", *about), clear, data_row=f"fault.{name}")


def _standing(org: "Org") -> list[Markup]:
    """What is wrong without a fault being armed."""
    found = []
    if org.settings.apiUsed >= org.settings.apiMax:
        found.append(("limit", "The API limit is used up", "Give the calls back"))
    if not org.settings.clientCredentials:
        found.append(("credentials", "The app's token is revoked", "Allow it again"))
    return [
        _line(name, tag("until cleared", "bad"), [el("b", words)], cure, cure) for name, words, cure in found
    ]


def _active(org: "Org") -> Markup:
    told = org.faults.told()
    lines = [*_standing(org), *(_fault(fault) for fault in told["faults"])]
    if not lines:
        return part(
            "active-all", "Active now", empty("Nothing is wrong with this org. Choose a fault below.")
        )
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
    org = visit.org
    done = None
    if visit.query.get("did") in PRESETS:
        done = notice(f"Done: {PRESETS[visit.query['did']].title.lower()}. It holds from the next call on.")
    groups = [
        part(f"g-{i}", title, el("div", *(_preset(visit, preset) for preset in presets), class_="cards"))
        for i, (title, presets) in enumerate(GROUPS)
    ]
    return page(
        visit, "Faults", problem(visit), done, live("active", _active(org)), *groups,
        lead="Let something go wrong and see how an app takes it. Nothing here can break more than this org.",
    )  # fmt: skip


def act(visit: Visit) -> str:
    """Arm or clear a fault by the orders of `/__fake__/`; the address to go on at. Raises Refused."""
    org, what = visit.org, visit.form.get("act", "")
    try:
        if what == "clear":
            _clear(org, visit.form.get("id", ""))
            return f"{_PATH}#active"
        if what not in PRESETS:
            raise Refused("There is no such fault. Choose one of those below.")
        for order in PRESETS[what].orders(org, visit.form):
            admin.order(org, *order)
    except ApiError as error:
        raise Refused(f"Not done. {error.body['error']}") from None
    return f"{_PATH}?did={what}"


def _clear(org: "Org", name: str) -> None:
    if name in ("limit", "all") and org.settings.apiUsed >= org.settings.apiMax:
        admin.order(org, "POST", "settings", {"apiUsed": 0})
    if name in ("credentials", "all") and not org.settings.clientCredentials:
        admin.order(org, "POST", "settings", {"clientCredentials": True})
    if name == "all":
        admin.order(org, "DELETE", "faults", {})
    elif name.isdecimal():
        admin.order(org, "DELETE", "faults", {"id": int(name)})
