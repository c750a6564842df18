"""The phases at the top of a connection's page, each with its state in a sign and a word."""

from __future__ import annotations

from attrs import frozen
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from instep.web.connection_setup import Setup
from instep.web.connection_state import DISCONNECTED, PAUSED, WORKS, State


@frozen
class Step:
    """One phase: `kind` is ok, bad or todo."""

    anchor: str
    kind: str
    sign: str
    word: str
    said: str


#: (kind, sign, what is said) of a step
_Standing = tuple[str, str, str]


def steps_of(state: State, setup: Setup, installing: bool) -> list[Step]:
    """The phases with their state, in the order in which they are gone through.

    Of a disconnected CRM nothing is known, whatever it said last: then the steps tell what is kept here.
    """
    if state.name == DISCONNECTED:
        return [
            Step("api-connection", "todo", "–", _("API connection"), _("disconnected")),
            Step("field-mapping", "todo", "–", _("Field mapping"), _kept(setup.mapping_chosen)),
            Step("creation-rules", "todo", "–", _("Creation rules"), _kept(setup.rules_chosen)),
        ]
    standings = (
        ("api-connection", _("API connection"), _connected(state)),
        ("installation", _("Installation"), _installed(setup, installing)),
        ("permissions", _("Permissions"), _permitted(setup)),
        ("field-validation", _("Field validation"), _validated(setup)),
        ("field-mapping", _("Field mapping"), _mapped_well(setup)),
        ("creation-rules", _("Creation rules"), _chosen(setup.rules_chosen)),
    )
    return [Step(anchor, kind, sign, word, said) for anchor, word, (kind, sign, said) in standings]


def _kept(chosen: bool) -> str:
    return _("kept") if chosen else _("not set up")


def _connected(state: State) -> _Standing:
    return {
        WORKS: ("ok", "✓", _("connected")),
        PAUSED: ("todo", "…", _("paused")),
    }.get(state.name, ("bad", "!", _("has to be connected again")))


def _installed(setup: Setup, installing: bool) -> _Standing:
    if installing:
        return "todo", "…", _("under way")
    if setup.installed:
        return "ok", "✓", _("done")
    if n := setup.missing_fields:
        return "bad", "!", ngettext("%(n)s field is missing", "%(n)s fields are missing", n) % {"n": n}
    return "todo", "–", _("not looked at yet")


def _permitted(setup: Setup) -> _Standing:
    if not setup.looked:
        return "todo", "–", _("not looked at yet")
    if n := setup.missing_rights:
        return "bad", "!", ngettext("%(n)s is missing", "%(n)s are missing", n) % {"n": n}
    return "ok", "✓", _("all there")


def _validated(setup: Setup) -> _Standing:
    if not setup.described:
        return "todo", "–", _("not looked at yet")
    if n := len(setup.open_fields):
        return "bad", "!", ngettext("%(n)s field is open", "%(n)s fields are open", n) % {"n": n}
    return "ok", "✓", _("done")


def _mapped_well(setup: Setup) -> _Standing:
    missing = sum(one.missing for object_ in setup.mapping for one in object_.fields)
    if missing:
        said = ngettext("%(n)s field is missing", "%(n)s fields are missing", missing) % {"n": missing}
        return "bad", "!", said
    return _chosen(setup.mapping_chosen)


def _chosen(chosen: bool) -> _Standing:
    """What somebody has chosen is done; until then Instep's own suggestion is at work, and stands to be looked at."""
    return ("ok", "✓", _("done")) if chosen else ("todo", "–", _("as suggested"))


def hosts_step(hosts: int, needing: int, user: str) -> Step:
    """The phase of the hosts: how many have no user who can own records."""
    if not hosts:
        return Step("hosts", "todo", "–", _("Hosts"), _("none yet"))
    if needing:
        said = ngettext("%(n)s with no %(user)s", "%(n)s with no %(user)s", needing) % {
            "n": needing,
            "user": user,
        }
        return Step("hosts", "bad", "!", _("Hosts"), said)
    return Step("hosts", "ok", "✓", _("Hosts"), _("all known"))
