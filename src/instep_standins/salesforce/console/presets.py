"""The faults that the page offers, each as the orders of `/__fake__/` that make it."""

from typing import TYPE_CHECKING

from ...inputs import Input
from ...pages import Refused
from ...presets import Groups, Orders, Preset, arm, often, one_of, sessions_end, the_line, whole
from .frame import LISTED

if TYPE_CHECKING:
    from ..org import Org

_API = {"path": "^/services/data/"}  # calls about records; signing in stays as it is
_LOCKED = "unable to obtain exclusive access to this record"
_REFUSED = "This value is not allowed here."


_OBJECT = Input("object", "Object", "Lead", tuple((name, name) for name in LISTED))


def _flaky(org: "Org", typed: dict[str, str]) -> Orders:
    return arm("status", "Flaky: one call in five fails", _API, typed, status=500, probability=0.2,
                errorCode="UNKNOWN_EXCEPTION", message="An unexpected error occurred.")  # fmt: skip


def _locked(org: "Org", typed: dict[str, str]) -> Orders:
    name = one_of(LISTED, typed)
    return arm("row", f"Locked: a {name} cannot be written", {"object": name}, typed,
                errorCode="UNABLE_TO_LOCK_ROW", message=_LOCKED)  # fmt: skip


def _refused(org: "Org", typed: dict[str, str]) -> Orders:
    name = one_of(LISTED, typed)
    field = org.catalogue[name].by_lower.get(typed.get("field", "").strip().lower())
    if field is None:
        raise Refused(
            f"{name} has no field “{typed.get('field', '').strip()}”. Type its API name, such as Email."
        )
    match = {"object": name, "field": field.name}
    holds = typed.get("contains", "").strip()
    if holds:
        match["contains"] = holds
    return arm("row", f"Refused: {name}.{field.name}", match, typed,
                errorCode="FIELD_CUSTOM_VALIDATION_EXCEPTION", message=_REFUSED, fields=[field.name])  # fmt: skip


def _too_many(org: "Org", typed: dict[str, str]) -> Orders:
    name, most = one_of(LISTED, typed), whole(typed, "most", 1, 200)
    title = f"Too many at once: more than {most} of {name} in one call are refused"
    return arm("row_limit", title, {"object": name}, typed, max=most)


def _revoke(org: "Org", typed: dict[str, str]) -> Orders:
    return [("POST", "revoke", {"clientCredentials": True})]


def _approvals(org: "Org", typed: dict[str, str]) -> Orders:
    return [("POST", "approvals", {"count": 5})]


def _used_up(org: "Org", typed: dict[str, str]) -> Orders:
    return [("POST", "settings", {"apiUsed": org.settings.apiMax})]


_FLAKY = Preset("flaky", "Flaky", "One call in five fails with an error of the org's own.", "Make it flaky",
               (often(""),), _flaky)  # fmt: skip

GROUPS: Groups = (
    ("The line", the_line("org", _API, _FLAKY)),
    ("Access and limits", (
        Preset("expire", "End the sessions", "Every access token ends. An app signs in again by itself.",
               "End the sessions", (), sessions_end),
        Preset("revoke", "Revoke the token", "Tokens end, and the app may not sign in again until that is cleared.",
               "Revoke the token", (), _revoke),
        Preset("approvals", "Too many approvals", "The user who connected approves the app five times more: the oldest "
               "approval ends without a word.", "Approve five times", (), _approvals),
        Preset("limit", "Use up the API limit", "The calls of the day are gone: everything is refused.",
               "Use up the limit", (), _used_up),
    )),
    ("Single records", (
        Preset("locked", "Lock a row", "Another process holds the record, for as long as you say.", "Lock a row",
               (_OBJECT, often("1")), _locked),
        Preset("refused", "Refuse one field", "A validation rule refuses records by the value of one field.",
               "Refuse the field", (_OBJECT, Input("field", "Field", "Email", hint="API name"),
                                    Input("contains", "Only if it contains", hint="empty for any value"), often("")),
               _refused),
        Preset("many", "Too many at once", "The org's own automation gives up on large batches.", "Limit the batch",
               (_OBJECT, Input("most", "Records at most", "25", number=(1, 200)), often("")), _too_many),
    )),
)  # fmt: skip
PRESETS = {preset.key: preset for _, presets in GROUPS for preset in presets}
