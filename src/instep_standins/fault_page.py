"""The page of faults: what is wrong with a stand-in at the moment, and a button for each thing that can go wrong."""

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from .inputs import control
from .markup import Markup, el, said
from .pages import Refused, Visit, button, count, empty, form, live, notice, part, problem, tag
from .presets import Groups, Preset

_PATH = "/faults"
#: the kinds of faults that every stand-in has
KINDS = {
    "status": "Answers with an error", "latency": "Slow answers", "drop_before": "Cut connection",
    "drop_after": "Lost answer", "late_commit": "Time-out, done later", "session": "The session ends",
    "row": "Records are refused", "row_limit": "Too many records at once are refused",
}  # fmt: skip


@attrs.frozen
class Standing:
    """What is wrong without a fault being armed: whether `holds` for the settings, and those that end it."""

    name: str
    words: str
    cure: str
    holds: Callable[[Any], bool]
    cured: Mapping[str, Any]


@attrs.frozen
class FaultPage:
    """One stand-in's page of faults. `what` it is called; `of` a visit is the stand-in; `error` refuses an order."""

    what: str
    of: Callable[[Any], Any]
    kinds: Mapping[str, str]
    standing: tuple[Standing, ...]
    groups: Groups
    presets: Mapping[str, Preset]
    page: Callable[..., str]
    order: Callable[..., Any]
    error: type[Exception]

    def show(self, visit: Visit) -> str:
        """Active faults, then the ones to choose from."""
        done = None
        if chosen := self.presets.get(visit.query.get("did", "")):
            done = notice(f"Done: {chosen.title.lower()}. It holds from the next call on.")
        groups = [
            part(f"g-{i}", title, el("div", *(_preset(visit, preset) for preset in presets), class_="cards"))
            for i, (title, presets) in enumerate(self.groups)
        ]
        lead = f"Let something go wrong and see how an app takes it. Nothing here can break more than this {self.what}."
        active = live("active", self._active(self.of(visit)))
        return self.page(visit, "Faults", problem(visit), done, active, *groups, lead=lead)

    def act(self, visit: Visit) -> str:
        """Arm or clear a fault by the orders of `/__fake__/`; the address to go on at. Raises Refused."""
        world, what = self.of(visit), visit.form.get("act", "")
        try:
            if what == "clear":
                self._clear(world, visit.form.get("id", ""))
                return f"{_PATH}#active"
            if what not in self.presets:
                raise Refused("There is no such fault. Choose one of those below.")
            for order in self.presets[what].orders(world, visit.form):
                self.order(world, *order)
        except self.error as error:
            raise Refused(f"Not done. {error.body['error']}") from None  # type: ignore[attr-defined]
        return f"{_PATH}?did={what}"

    def _active(self, world: Any) -> Markup:
        told = world.faults.told()
        lines = [
            _line(one.name, tag("until cleared", "bad"), [el("b", one.words)], one.cure, one.cure)
            for one in self.standing
            if one.holds(world.settings)
        ]
        lines += [self._fault(fault) for fault in told["faults"]]
        if not lines:
            nothing = empty(f"Nothing is wrong with this {self.what}. Choose a fault below.")
            return part("active-all", "Active now", nothing)
        every = form(_PATH, "clear", button("Clear all", id="clear-all"), id="all")
        late = told["pendingCommits"]
        note = f"{count(late)} late writes to come" if late else None
        return part("active-all", "Active now", el("ul", *lines, class_="active"), every, note=note)

    def _fault(self, fault: dict[str, Any]) -> Markup:
        times, drawn = fault["times"], fault["drawn"]
        spent = times is not None and drawn >= times
        left = "until cleared" if times is None else "spent" if spent else f"{count(times - drawn)} to come"
        met = "not met yet" if not drawn else "met once" if drawn == 1 else f"met {count(drawn)} times"
        words = fault.get("name") or self.kinds[fault["kind"]]
        about = [
            el("b", said(words)),
            _where(fault["match"]),
            el("span", met, class_="soft", data_cell=f"met.{fault['id']}"),
        ]
        state = tag(left, "grey" if spent else "bad")
        return _line(str(fault["id"]), state, about, "Clear", f"Clear: {words}")

    def _clear(self, world: Any, name: str) -> None:
        for one in self.standing:
            if name in (one.name, "all") and one.holds(world.settings):
                self.order(world, "POST", "settings", {**one.cured})
        if name == "all":
            self.order(world, "DELETE", "faults", {})
        elif name.isdecimal():
            self.order(world, "DELETE", "faults", {"id": int(name)})


def _where(match: dict[str, Any]) -> Markup | None:
    """What a fault waits for, in a few words."""
    words = [
        el("code", f"{name} {value}") for name, value in match.items() if value is not None and value != "any"
    ]
    return el("span", "for ", *((word, " ") for word in words), class_="soft") if words else None


def _line(name: str, state: Markup, about: list[Any], cure: str, label: str) -> Markup:
    clear = form(_PATH, "clear", button(cure, id=f"clear-{name}", aria_label=label), id=name)
    return el("li", state, el("p", *about), clear, data_row=f"fault.{name}")


def _preset(visit: Visit, preset: Preset) -> Markup:
    mine = visit.form.get("act") == preset.key
    inputs = [
        control(preset.key, one, visit.form if mine else {}, mine and bool(visit.problem))
        for one in preset.inputs
    ]
    fields = el("div", *inputs, class_="fields") if inputs else None
    order = form(_PATH, preset.key, fields, button(preset.button, id=f"arm-{preset.key}"))
    return el("section", el("h3", preset.title), el("p", preset.words, class_="soft"), order, class_="card")
