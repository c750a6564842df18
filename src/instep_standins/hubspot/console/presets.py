"""The faults that the page offers, each as the orders of `/__fake__/` that make it."""

from typing import TYPE_CHECKING

from ...inputs import Input
from ...pages import Refused
from ...presets import Groups, Orders, Preset, arm, often, one_of, sessions_end, the_line, whole
from ..schema import OBJECT_TYPES
from .frame import LISTED

if TYPE_CHECKING:
    from ..portal import Portal

_CRM = {"path": "^/crm/"}  # calls about records; signing in stays as it is


_OBJECT = Input("object", "Object", "meetings", tuple((name, OBJECT_TYPES[name].plural) for name in LISTED))


def _flaky(portal: "Portal", typed: dict[str, str]) -> Orders:
    return arm("status", "Flaky: one call in five fails", _CRM, typed, status=500, probability=0.2)


def _broken(portal: "Portal", typed: dict[str, str]) -> Orders:
    return arm("malformed", "Half an answer: done, but the JSON breaks off", _CRM, typed)


def _moving(portal: "Portal", typed: dict[str, str]) -> Orders:
    name = "Moving: 477, the account changes its data centre"
    return arm("status", name, _CRM, typed, status=477, retryAfter=whole(typed, "seconds", 1, 86_400))


def _revoke(portal: "Portal", typed: dict[str, str]) -> Orders:
    return [("POST", "revoke", {"token": True})]


def _burst(portal: "Portal", typed: dict[str, str]) -> Orders:
    return arm("limit", "Too fast: 429, ten_secondly_rolling", _CRM, typed, policy="TEN_SECONDLY_ROLLING")


def _used_up(portal: "Portal", typed: dict[str, str]) -> Orders:
    return [("POST", "settings", {"dailyUsed": portal.settings.daily})]


def _locked(portal: "Portal", typed: dict[str, str]) -> Orders:
    name = one_of(LISTED, typed)
    match = {"object": name, "op": "update"}
    return arm("row", f"Locked: one of the {name} cannot be changed (423)", match, typed, status=423)


def _refused(portal: "Portal", typed: dict[str, str]) -> Orders:
    name = one_of(LISTED, typed)
    held = portal.property(name, typed.get("field", "").strip().lower())
    if held is None:
        wanted = typed.get("field", "").strip()
        raise Refused(
            f"{OBJECT_TYPES[name].plural} have no property “{wanted}”. Type its internal name, such as email."
        )
    match = {"object": name, "field": held.name}
    holds = typed.get("contains", "").strip()
    if holds:
        match["contains"] = holds
    return arm("row", f"Refused: {held.name} of {name}", match, typed, property=held.name, code="INVALID_ALPHA",
                message="Enter only letters")  # fmt: skip


def _apart(portal: "Portal", typed: dict[str, str]) -> Orders:
    return arm(
        "associations", "Alone: meetings are made, their associations are not", {"object": "meetings"}, typed
    )


_FLAKY = Preset("flaky", "Flaky", "One call in five fails with an internal error.", "Make it flaky", (often(""),),
               _flaky)  # fmt: skip

GROUPS: Groups = (
    ("The line", (
        *the_line("portal", _CRM, _FLAKY),
        Preset("moving", "Moving house", "The account changes its data centre: 477 with Retry-After.", "Let it move",
               (Input("seconds", "Seconds", "60", number=(1, 86_400)), often("1")), _moving),
    )),
    ("Access and limits", (
        Preset("expire", "End the sessions", "Every access token of OAuth ends. An app refreshes by itself.",
               "End the sessions", (), sessions_end),
        Preset("revoke", "Revoke the tokens", "The app is uninstalled, and the static token ends until that is "
               "cleared.", "Revoke the tokens", (), _revoke),
        Preset("burst", "Too fast", "Ten seconds' worth of calls are used up.", "Refuse as too fast", (often("5"),),
               _burst),
        Preset("limit", "Use up the day", "The calls of the day are gone: everything is refused.",
               "Use up the day", (), _used_up),
    )),
    ("Single records", (
        Preset("locked", "Lock a record", "Another request holds the record: 423.", "Lock a record",
               (_OBJECT, often("1")), _locked),
        Preset("refused", "Refuse one property", "A rule of the admin refuses records by one value.",
               "Refuse the property", (_OBJECT, Input("field", "Property", "hs_meeting_title", hint="internal name"),
                                       Input("contains", "Only if it contains", hint="empty for any value"),
                                       often("")), _refused),
        Preset("apart", "Lose the association", "A meeting is made, but it belongs to nobody.",
               "Lose the association", (often("1"),), _apart),
    )),
)  # fmt: skip
PRESETS = {preset.key: preset for _, presets in GROUPS for preset in presets}
