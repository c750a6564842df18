"""The faults that the page offers, each as the orders of `/__fake__/` that make it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from ...inputs import Input
from ...pages import Refused
from .frame import LISTED

if TYPE_CHECKING:
    from ..org import Org

_API = {"path": "^/services/data/"}  # calls about records; signing in stays as it is
_LOCKED = "unable to obtain exclusive access to this record"
_REFUSED = "This value is not allowed here."
OFTEN = (("1", "the next one"), ("5", "the next five"), ("", "until cleared"))


@attrs.frozen
class Preset:
    """`orders` turns what was typed into (method, order, body)s."""

    key: str
    title: str
    words: str
    button: str
    inputs: tuple[Input, ...]
    orders: Callable[["Org", dict[str, str]], list[tuple[str, str, dict[str, Any]]]]


def _often(value: str) -> Input:
    return Input("times", "How often", value, OFTEN)


_OBJECT = Input("object", "Object", "Lead", tuple((name, name) for name in LISTED))


def _whole(typed: dict[str, str], name: str, least: int, most: int) -> int:
    text = typed.get(name, "").strip()
    if not text.isdecimal() or not least <= int(text[:9]) <= most:
        raise Refused(f"“{text}” was not taken. Type a whole number from {least} to {most}.")
    return int(text)


def _times(typed: dict[str, str]) -> int | None:
    return int(typed["times"]) if typed.get("times") in ("1", "5") else None


def _arm(kind: str, name: str, match: dict[str, Any], typed: dict[str, str], **details: Any) -> list:
    return [
        ("POST", "faults", {"kind": kind, "name": name, "match": match, "times": _times(typed), **details})
    ]


def _object(org: "Org", typed: dict[str, str]) -> str:
    if typed.get("object") not in LISTED:
        raise Refused("Choose an object from the list.")
    return typed["object"]


def _slow(org: "Org", typed: dict[str, str]) -> list:
    seconds = _whole(typed, "seconds", 1, 300)
    return _arm("latency", f"Slow: every answer takes {seconds} s longer", {}, typed, ms=seconds * 1000)


def _down(org: "Org", typed: dict[str, str]) -> list:
    return _arm("status", "Down: 503 instead of an answer", {}, typed, status=503)


def _flaky(org: "Org", typed: dict[str, str]) -> list:
    return _arm("status", "Flaky: one call in five fails", _API, typed, status=500, probability=0.2,
                errorCode="UNKNOWN_EXCEPTION", message="An unexpected error occurred.")  # fmt: skip


def _lost(org: "Org", typed: dict[str, str]) -> list:
    return _arm("drop_after", "Lost answer: done, but the connection closes", _API, typed)


def _cut(org: "Org", typed: dict[str, str]) -> list:
    return _arm("drop_before", "Cut off: the connection closes, nothing is done", _API, typed)


def _late(org: "Org", typed: dict[str, str]) -> list:
    seconds = _whole(typed, "seconds", 1, 300)
    name = f"Time-out: no answer, the work is done {seconds} s later"
    return _arm("late_commit", name, _API, typed, ms=seconds * 1000, hold=seconds * 1000)


def _locked(org: "Org", typed: dict[str, str]) -> list:
    name = _object(org, typed)
    return _arm("row", f"Locked: a {name} cannot be written", {"object": name}, typed,
                errorCode="UNABLE_TO_LOCK_ROW", message=_LOCKED)  # fmt: skip


def _refused(org: "Org", typed: dict[str, str]) -> list:
    name = _object(org, typed)
    field = org.catalogue[name].by_lower.get(typed.get("field", "").strip().lower())
    if field is None:
        raise Refused(
            f"{name} has no field “{typed.get('field', '').strip()}”. Type its API name, such as Email."
        )
    match = {"object": name, "field": field.name}
    holds = typed.get("contains", "").strip()
    if holds:
        match["contains"] = holds
    return _arm("row", f"Refused: {name}.{field.name}", match, typed,
                errorCode="FIELD_CUSTOM_VALIDATION_EXCEPTION", message=_REFUSED, fields=[field.name])  # fmt: skip


def _too_many(org: "Org", typed: dict[str, str]) -> list:
    name, most = _object(org, typed), _whole(typed, "most", 1, 200)
    title = f"Too many at once: more than {most} of {name} in one call are refused"
    return _arm("row_limit", title, {"object": name}, typed, max=most)


def _expire(org: "Org", typed: dict[str, str]) -> list:
    return [("POST", "expire-sessions", {})]


def _revoke(org: "Org", typed: dict[str, str]) -> list:
    return [("POST", "revoke", {"clientCredentials": True})]


def _approvals(org: "Org", typed: dict[str, str]) -> list:
    return [("POST", "approvals", {"count": 5})]


def _used_up(org: "Org", typed: dict[str, str]) -> list:
    return [("POST", "settings", {"apiUsed": org.settings.apiMax})]


_SECONDS = Input("seconds", "Seconds", "3", number=(1, 300))

GROUPS: tuple[tuple[str, tuple[Preset, ...]], ...] = (
    ("The line", (
        Preset("slow", "Slow", "Every answer comes later.", "Make it slow", (_SECONDS, _often("")), _slow),
        Preset("down", "Down", "The org answers 503 to everything, signing in included.", "Take it down",
               (_often(""),), _down),
        Preset("flaky", "Flaky", "One call in five fails with an error of the org's own.", "Make it flaky",
               (_often(""),), _flaky),
        Preset("lost", "Lose the answer", "The call is done, but its answer never arrives.", "Lose the answer",
               (_often("1"),), _lost),
        Preset("cut", "Cut the connection", "The connection closes before anything is done.", "Cut the connection",
               (_often("1"),), _cut),
        Preset("late", "Time out", "The call hangs, gets no answer, and is done when nobody waits any more.",
               "Let it time out", (Input("seconds", "Seconds", "60", number=(1, 300)), _often("1")), _late),
    )),
    ("Access and limits", (
        Preset("expire", "End the sessions", "Every access token ends. An app signs in again by itself.",
               "End the sessions", (), _expire),
        Preset("revoke", "Revoke the token", "Tokens end, and the app may not sign in again until that is cleared.",
               "Revoke the token", (), _revoke),
        Preset("approvals", "Too many approvals", "The user who connected approves the app five times more: the oldest "
               "approval ends without a word.", "Approve five times", (), _approvals),
        Preset("limit", "Use up the API limit", "The calls of the day are gone: everything is refused.",
               "Use up the limit", (), _used_up),
    )),
    ("Single records", (
        Preset("locked", "Lock a row", "Another process holds the record, for as long as you say.", "Lock a row",
               (_OBJECT, _often("1")), _locked),
        Preset("refused", "Refuse one field", "A validation rule refuses records by the value of one field.",
               "Refuse the field", (_OBJECT, Input("field", "Field", "Email", hint="API name"),
                                    Input("contains", "Only if it contains", hint="empty for any value"), _often("")),
               _refused),
        Preset("many", "Too many at once", "The org's own automation gives up on large batches.", "Limit the batch",
               (_OBJECT, Input("most", "Records at most", "25", number=(1, 200)), _often("")), _too_many),
    )),
)  # fmt: skip
PRESETS = {preset.key: preset for _, presets in GROUPS for preset in presets}
