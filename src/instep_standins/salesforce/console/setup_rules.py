"""What the org does by itself: queues, assignment rules, validation rules, duplicate rules."""

from typing import TYPE_CHECKING, Any

from ...inputs import Input, adder, remover, switch
from ...markup import Markup, el, said
from ...pages import Refused, empty, live, notice, part, problem, row, table, tag, td
from .. import admin
from ..errors import ApiError
from ..tables import Record
from .cells import name_of, text
from .frame import LISTED, Visit, page
from .tabs import tabs

if TYPE_CHECKING:
    from ..org import Org

PATH = "/setup/rules"
_ASSIGNED = (("Lead", "Lead"), ("Case", "Case"))
_ACTIONS = (("alert", "warn, saving is possible"), ("block", "refuse"), ("allow", "let pass"))
# What is switched or removed → (object of the setup, order)
_KINDS = {
    "assignment": ("AssignmentRule", "assignment-rules"), "validation": ("ValidationRule", "validation-rules"),
    "duplicate": ("DuplicateRule", "duplicate-rules"), "queue": ("Group", "queues"),
}  # fmt: skip
_GONE = "It holds no longer from the next call on."


def _ends(kind: str, found: Record, name: str, active: bool | None) -> list[Markup]:
    """The last cells of a rule: whether it is active, and its removal."""
    cells = []
    if active is not None:
        knob = switch(PATH, "switch", f"on-{found['Id']}", active, ("Active", "Inactive"), f"{name} is active",
                      kind=kind, id=found["Id"])  # fmt: skip
        cells.append(td("State", knob, key=f"{found['Id']}.on"))
    return [*cells, td("Remove", remover(PATH, "remove", name, _GONE, kind=kind, id=found["Id"]))]


def _queues(org: "Org") -> Markup:
    rows = []
    for found in org.tables.rows("Group").values():
        if found.get("Type") == "Queue":
            held = [
                text(r, "SobjectType")
                for r in org.tables.rows("QueueSobject").values()
                if text(r, "QueueId") == found["Id"]
            ]
            ends = _ends("queue", found, str(text(found, "Name")), None)
            rows.append(
                row(
                    found["Id"], said(text(found, "Name")), td("Holds", ", ".join(sorted(held)) or "–"), *ends
                )
            )
    return (
        table("Queues", ["Name", "Holds", "Remove"], rows)
        if rows
        else empty("No queues: users own everything.")
    )


def _assignment(org: "Org") -> Markup:
    rows = []
    for found in org.tables.rows("AssignmentRule").values():
        entries = [
            el("li", el("code", entry["when"] or "always"), " → ", said(name_of(org, entry["owner"])))
            for entry in org.config.entries.get(found["Id"], ())
        ]
        rows.append(row(
            found["Id"], said(text(found, "Name")), td("Object", text(found, "SobjectType")),
            td("The first that fits", el("ul", *entries), kind="long"),
            *_ends("assignment", found, text(found, "Name"), bool(found.get("Active"))),
        ))  # fmt: skip
    if not rows:
        return empty("No assignment rules: new Leads and Cases belong to whoever makes them.")
    return table("Assignment rules", ["Name", "Object", "The first that fits", "State", "Remove"], rows)


def _formula(found: Record) -> str:
    return str((found.get("Metadata") or {}).get("errorConditionFormula", "(none)"))


def _validation(org: "Org") -> Markup:
    rows = [
        row(
            found["Id"], said(text(found, "ValidationName")), td("Object", text(found, "EntityDefinitionId")),
            td("Refused where", el("code", _formula(found)), kind="long"),
            td("Message", said(text(found, "ErrorMessage")), kind="long"),
            td("At", el("code", found.get("ErrorDisplayField") or "the record")),
            *_ends("validation", found, text(found, "ValidationName"), bool(found.get("Active"))),
        )
        for found in org.tables.rows("ValidationRule").values()
    ]  # fmt: skip
    if not rows:
        return empty("No validation rules: only the fields' own rules hold.")
    return table(
        "Validation rules", ["Name", "Object", "Refused where", "Message", "At", "State", "Remove"], rows
    )


def _duplicates(org: "Org") -> Markup:
    tones, rows = {"alert": "wait", "block": "bad", "allow": "grey"}, []
    for found in org.tables.rows("DuplicateRule").values():
        held = org.config.duplicates.get(found["Id"], {})
        matching = ", ".join(
            f"{one['object']}: {' and '.join(one['fields'])}" for one in held.get("matching", ())
        )
        action = held.get("action", {})
        rows.append(row(
            found["Id"], said(text(found, "MasterLabel")), td("Object", text(found, "SobjectType")),
            td("Compared with", matching),
            td("New", tag(action.get("create", "–"), tones.get(action.get("create", ""), "grey"))),
            td("Changed", tag(action.get("update", "–"), tones.get(action.get("update", ""), "grey"))),
            *_ends("duplicate", found, text(found, "MasterLabel"), bool(found.get("IsActive"))),
        ))  # fmt: skip
    if not rows:
        return empty("No duplicate rules: the same person may be there many times.")
    return table(
        "Duplicate rules", ["Name", "Object", "Compared with", "New", "Changed", "State", "Remove"], rows
    )


def _owners(org: "Org") -> tuple[tuple[str, str], ...]:
    queues = [r for r in org.tables.rows("Group").values() if r.get("Type") == "Queue"]
    users = [r for r in org.tables.rows("User").values() if r.get("IsActive")]
    return tuple((r["Id"], str(r.get("Name"))) for r in (*queues, *users))


def _forms(visit: Visit) -> dict[str, Markup]:
    owners = _owners(visit.org)
    objects = tuple((name, name) for name in LISTED)
    inputs = {
        "queue": ("Add a queue", (
            Input("name", "Name", required=True),
            Input("objects", "Holds", "Lead", (*_ASSIGNED, ("Lead,Case", "Leads and Cases"))),
        )),
        "assignment": ("Add an assignment rule", (
            Input("object", "Object", "Lead", _ASSIGNED), Input("name", "Name", required=True),
            Input("when", "When", lines=2, hint='A formula such as ISPICKVAL(LeadSource, "Web"); empty for always'),
            Input("owner", "Goes to", owners[0][0] if owners else "", owners),
        )),
        "validation": ("Add a validation rule", (
            Input("object", "Object", "Lead", objects), Input("name", "Name", required=True),
            Input("formula", "Refused where", required=True, lines=2, hint="A formula such as ISBLANK(Phone)"),
            Input("message", "Message", required=True, hint="What people and apps read"),
            Input("field", "At the field", hint="API name; empty for the whole record"),
        )),
        "duplicate": ("Add a duplicate rule", (
            Input("object", "Object", "Lead", tuple((n, n) for n in ("Lead", "Contact", "Account"))),
            Input("label", "Name", required=True),
            Input("target", "Compared with", "Lead", tuple((n, n) for n in ("Lead", "Contact", "Account"))),
            Input("fields", "Equal fields", "Email", required=True, hint="API names, with commas between"),
            Input("create", "A new record", "alert", _ACTIONS), Input("update", "A changed record", "allow", _ACTIONS),
            Input("message", "Message", "Use one of these records?", required=True),
        )),
    }  # fmt: skip
    return {
        kind: el("div", adder(visit, PATH, kind, words, listed, words), class_="folds")
        for kind, (words, listed) in inputs.items()
    }


def show(visit: Visit) -> str:
    org, forms = visit.org, _forms(visit)
    done = notice("Saved. It holds from the next call on.") if visit.query.get("saved") else None
    return page(
        visit, "Rules", problem(visit), done,
        live("assignment", part("assignment-all", "Assignment rules", _assignment(org))), forms["assignment"],
        live("queues", part("queues-all", "Queues", _queues(org))), forms["queue"],
        live("validation", part("validation-all", "Validation rules", _validation(org))), forms["validation"],
        live("duplicates", part("duplicates-all", "Duplicate rules", _duplicates(org))), forms["duplicate"],
        above=tabs(visit), lead="What the org decides by itself when an app writes to it.",
    )  # fmt: skip


def _body(what: str, typed: dict[str, str]) -> dict[str, Any]:
    """The order's body of a form that adds."""
    body: dict[str, Any] = {key: typed.get(key, "").strip() for key in ("object", "name", "label", "message")}
    if what == "queue":
        return {"name": body["name"], "objects": [one for one in typed.get("objects", "").split(",") if one]}
    if what == "assignment":
        entry = {"when": typed.get("when", "").strip(), "owner": typed.get("owner", "")}
        return {"object": body["object"], "name": body["name"], "entries": [entry]}
    if what == "validation":
        rest = {key: typed.get(key, "").strip() for key in ("formula", "field")}
        return {"object": body["object"], "name": body["name"], "message": body["message"], **rest}
    fields = [one.strip() for one in typed.get("fields", "").split(",") if one.strip()]
    actions = {key: typed.get(key, "") for key in ("create", "update")}
    matching = [{"object": typed.get("target", ""), "fields": fields}]
    return {
        "object": body["object"],
        "label": body["label"],
        "message": body["message"],
        **actions,
        "matching": matching,
    }


def _switched(org: "Org", kind: str, key: str, on: bool) -> None:
    object_name, order = _KINDS[kind]
    found = org.tables.get(object_name, key)
    if found is None:
        raise Refused("That rule is not there any more. Reload the page.")
    bodies = {
        "assignment": {"object": found.get("SobjectType"), "name": found.get("Name"),
                       "entries": org.config.entries.get(key)},
        "validation": {"object": found.get("EntityDefinitionId"), "name": found.get("ValidationName"),
                       "message": found.get("ErrorMessage"), "field": found.get("ErrorDisplayField"),
                       "formula": (found.get("Metadata") or {}).get("errorConditionFormula")},
        "duplicate": {"object": found.get("SobjectType"), "name": found.get("DeveloperName"),
                      "label": found.get("MasterLabel"), **org.config.duplicates.get(key, {}),
                      **org.config.duplicates.get(key, {}).get("action", {})},
    }  # fmt: skip
    admin.order(org, "POST", order, {**bodies[kind], "id": key, "active": on})


def act(visit: Visit) -> str:
    """Carry a form out by the orders of `/__fake__/`; the address to go on at. Raises Refused."""
    org, typed = visit.org, visit.form
    what, kind, key = typed.get("act", ""), typed.get("kind", ""), typed.get("id", "")
    try:
        if what in _KINDS:
            admin.order(org, "POST", _KINDS[what][1], _body(what, typed))
        elif what == "switch" and kind in _KINDS:
            _switched(org, kind, key, bool(typed.get("to")))
        elif what == "remove" and kind in _KINDS:
            admin.order(org, "DELETE", _KINDS[kind][1], {"id": key})
        else:
            raise Refused("This page has no such switch. Reload it.")
    except ApiError as error:
        raise Refused(f"Not done. {error.body['error']}") from None
    return f"{PATH}?saved=1"
