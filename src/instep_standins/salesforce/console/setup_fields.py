"""Objects and their fields: what an admin changes about one, makes and removes."""

import re
from typing import TYPE_CHECKING

from ...inputs import Input, adder, several, switch
from ...markup import Markup, el, said
from ...pages import (
    NotHere,
    Refused,
    button,
    count,
    fold,
    form,
    live,
    notice,
    part,
    problem,
    row,
    table,
    tag,
    td,
)
from .. import admin, custom_fields, formulas
from ..errors import ApiError
from ..orders import api_name
from ..schema import Field, SObject
from .frame import LISTED, Visit, page

if TYPE_CHECKING:
    from ..org import Org

_PATH = "/setup"
_LONGEST = 131_072  # characters that the longest text of Salesforce holds
_OPEN, _READ_ONLY, _HIDDEN, _RESTORE = "open", "read-only", "hidden", "restore"
_RIGHTS = {_OPEN: (True, True), _READ_ONLY: (True, False), _HIDDEN: (False, False)}
_WITH_LENGTH = frozenset({"string", "textarea", "email", "phone", "url"})


def field_path(obj: SObject, field: Field) -> str:
    return f"{_PATH}/objects/{obj.name}/{field.name}"


def type_words(field: Field) -> str:
    return f"{field.type} ({count(field.length)})" if field.length else field.type


def _rights(org: "Org", obj: SObject, field: Field) -> str:
    """The access that was set by hand, as the form names it."""
    held = org.access.overrides.get(f"{obj.name}.{field.name}")
    return next((name for name, rights in _RIGHTS.items() if held and tuple(held) == rights), _RESTORE)


def rights_tag(org: "Org", obj: SObject, field: Field) -> Markup:
    words = {_OPEN: ("open", "good"), _READ_ONLY: ("read-only", "wait"), _HIDDEN: ("hidden", "bad")}
    usual = "by permission set" if field.custom and field.permissionable else "open"
    return tag(*words.get(_rights(org, obj, field), (usual, "grey")))


def _find(org: "Org", name: str) -> SObject:
    if name not in org.catalogue:
        raise NotHere(f"The org has no object “{name}”.")
    return org.catalogue[name]


def objects(visit: Visit, name: str) -> str:
    """The fields of one object."""
    org, obj = visit.org, _find(visit.org, name)
    rows = [
        row(f"f.{name}.{f.name}", el("a", said(f.label), href=field_path(obj, f), id=f"a-{f.name}"),
            td("API name", el("code", f.name)), td("Type", type_words(f), key=f"{f.name}.type"),
            td("Required", tag("required", "wait") if f.required else el("span", "–", class_="soft"),
               kind="" if f.required else "none", key=f"{f.name}.required"),
            td("For everybody", rights_tag(org, obj, f), key=f"{f.name}.rights"))
        for f in sorted(obj.fields.values(), key=lambda f: (not f.custom, not f.required, f.label))
    ]  # fmt: skip
    heads = ["Label", "API name", "Type", "Required", "For everybody"]
    changed = obj.fields.get(visit.query.get("changed", ""))
    done = (
        notice([said(changed.label), " is as you set it. It holds from the next call on."])
        if changed
        else None
    )
    if visit.query.get("removed"):
        done = notice("The field is removed. Apps that write it are refused from the next call on.")
    return page(
        visit,
        obj.plural,
        done,
        problem(visit),
        el(
            "div",
            adder(visit, visit.path, "add", "Add a field", _field_inputs(), "Add the field"),
            class_="folds",
        ),
        live("fields", table("Fields", heads, rows)),
        above=_crumbs(),
        lead=f"{len(rows)} fields",
    )


def _field_inputs() -> tuple[Input, ...]:
    return (
        Input("kind", "Type", "Text", tuple((kind, kind) for kind in custom_fields.KINDS)),
        Input("label", "Label", required=True),
        Input(
            "values",
            "Values",
            hint="Of a picklist: each on a line of its own, or with commas between",
            lines=4,
        ),
        Input("target", "Looks up", "Account", tuple((name, name) for name in LISTED if name != "Event")),
        Input("formula", "Formula", hint="Of a Formula, such as UPPER(LastName)"),
        Input("required", "Required", "", (("", "no"), ("yes", "yes, for everybody"))),
        Input(
            "seen", "Who sees it", "yes", (("yes", "everybody"), ("", "whom a permission set lets see it"))
        ),
    )


def add_field(visit: Visit, name: str) -> str:
    """Make a custom field; the address to go on at. Raises Refused."""
    org, typed = visit.org, visit.form
    label = typed.get("label", "").strip()
    here = {"object": _find(org, name).name, "field": f"{api_name(label)}__c"}
    kind, formula = typed.get("kind", ""), typed.get("formula", "").strip() or None
    body = {
        "kind": kind, "label": label, "required": bool(typed.get("required")), "target": typed.get("target", ""),
        "choices": several(typed.get("values", "")), "formula": formula,
    }  # fmt: skip
    if kind == "Text":
        body["length"] = 255
    try:
        if not label:
            raise Refused("The field needs a label. Type one.")
        if formula:
            formulas.check(formula, org, org.catalogue[name])
        admin.order(org, "POST", "field", {**here, "create": body})
        if typed.get("seen") and not body["required"]:
            admin.order(org, "POST", "fls", {**here, "read": True, "edit": True})
    except ApiError as error:
        raise Refused(f"Not done. {error.body['error']}") from None
    except ValueError as problem:
        raise Refused(f"Not done. {problem}") from None
    return f"{_PATH}/objects/{name}?changed={here['field']}#a-{here['field']}"


def _crumbs(obj: SObject | None = None) -> Markup:
    more = [" › ", el("a", obj.plural, href=f"{_PATH}/objects/{obj.name}")] if obj else []
    return el("p", el("a", "Setup", href=_PATH), *more, class_="crumbs")


def _field(org: "Org", name: str, field_name: str) -> tuple[SObject, Field]:
    obj = _find(org, name)
    if field_name not in obj.fields:
        raise NotHere(f"{obj.label} has no field “{field_name}”. It may have been removed.")
    return obj, obj.fields[field_name]


def _can_be_required(field: Field) -> bool:
    return field.createable and not field.defaulted and field.type != "boolean"


def _required_input(field: Field) -> Markup:
    if not _can_be_required(field):
        return el("p", "It cannot be required: the org fills it itself.", class_="soft")
    box = el("input", type="checkbox", name="required", value="yes", checked=field.required, id="required")
    hint = el("small", "Every app and person must fill it, whatever their rights.")
    return el("p", el("label", box, " Required"), hint)


def _rights_input(org: "Org", obj: SObject, field: Field) -> Markup:
    words = {_RESTORE: "As permission sets say" if field.custom else "Open, as usual", _OPEN: "Open",
             _READ_ONLY: "Read-only", _HIDDEN: "Hidden"}  # fmt: skip
    chosen = _rights(org, obj, field)
    if not field.custom and chosen != _OPEN:
        del words[_OPEN]
    options = [el("option", text, value=value, selected=value == chosen) for value, text in words.items()]
    return el(
        "p", el("label", "For everybody", for_="rights"), el("select", *options, name="rights", id="rights")
    )


def _encrypted_input(field: Field) -> Markup | None:
    if field.type not in ("string", "email", "phone", "url"):
        return None
    box = el("input", type="checkbox", name="encrypted", value="yes", checked=field.encrypted, id="encrypted")
    hint = el("small", "It can be read and written, but no query finds a record by it.")
    return el("p", el("label", box, " Encrypted"), hint)


def _values(path: str, found: Field) -> Markup:
    """The values of a picklist, each offered or retired."""
    rows = []
    for place, choice in enumerate(found.choices):
        of = f"{choice.value} is offered"
        knob = switch(
            path, "value", f"v-{place}", choice.active, ("Offered", "Retired"), of, value=choice.value
        )
        default = tag("default", "blue") if choice.default else el("span", "–", class_="soft")
        rows.append(row(f"v-{place}", said(choice.value), td("Label", said(choice.label)), td("New records", default),
                        td("State", knob, key=f"v-{place}.on")))  # fmt: skip
    return table("Values", ["Value", "Label", "New records", "State"], rows)


def _value_adder(visit: Visit) -> Markup:
    inputs = (Input("value", "Value", required=True), Input("label", "Label", hint="Empty: as the value"))
    opened = adder(visit, visit.path, "add-value", "Add a value", inputs, "Add the value")
    return el("div", opened, class_="folds")


def _restricted_input(field: Field) -> Markup | None:
    if not field.choices:
        return None
    box = el(
        "input", type="checkbox", name="restricted", value="yes", checked=field.restricted, id="restricted"
    )
    hint = el("small", "Any other value, and a retired one, is refused.")
    return el("p", el("label", box, " Only its own values"), hint)


def _length_input(visit: Visit, found: Field) -> Markup | None:
    if found.type not in _WITH_LENGTH or not found.length:
        return None
    wrong = "notice" if visit.problem else None
    return el(
        "p",
        el("label", "Length", for_="length"),
        el("input", type="number", name="length", id="length", min=1, max=_LONGEST, required=True,
           value=visit.form.get("length", found.length), aria_describedby=wrong,
           aria_invalid="true" if wrong else None),
        el("small", "Longer texts are refused. Values that stand there already stay."),
    )  # fmt: skip


def _remove(path: str) -> Markup:
    words = "Its values go with it. An app that writes it is refused until it installs the field again."
    sure = form(path, "remove", button("Remove this field", "danger"))
    return el("div", fold("Remove the field", el("p", words), sure), class_="folds")


def field(visit: Visit, name: str, field_name: str) -> str:
    """One field, with what an admin may change about it."""
    org = visit.org
    obj, found = _field(org, name, field_name)
    path = field_path(obj, found)
    inputs = (
        _required_input(found), _rights_input(org, obj, found), _length_input(visit, found), _encrypted_input(found),
        _restricted_input(found),
    )  # fmt: skip
    values = None
    if found.choices:
        held = part("values-all", "Values", _values(path, found))
        values = [live("values", held), _value_adder(visit)]
    facts = el("dl", el("div", el("dt", "Type"), el("dd", type_words(found))), class_="facts")
    return page(
        visit, found.label, problem(visit), facts,
        form(path, "change", *inputs, button("Save", "primary"), class_="card stack"), values,
        _remove(path) if found.custom else None,
        above=_crumbs(obj), lead=el("code", f"{obj.name}.{found.name}"),
    )  # fmt: skip


def _change_value(org: "Org", here: dict[str, str], path: str, typed: dict[str, str]) -> str:
    """Add, retire or offer a picklist value; the address to go on at. Raises Refused."""
    body: dict[str, object] = {**here, "value": typed.get("value", "")}
    if typed.get("act") == "value":
        body["active"] = bool(typed.get("to"))
    elif typed.get("label", "").strip():
        body["label"] = typed["label"].strip()
    try:
        admin.order(org, "POST", "picklist-value", body)
    except ApiError as error:
        raise Refused(f"Not done. {error.body['error']}") from None
    return f"{path}#values"


def change_field(visit: Visit, name: str, field_name: str) -> str:
    """Save or remove a field; the address to go on at. Raises Refused."""
    org, typed = visit.org, visit.form
    obj, found = _field(org, name, field_name)
    here = {"object": obj.name, "field": found.name}
    back = f"{_PATH}/objects/{obj.name}"
    if typed.get("act") == "remove" and found.custom:
        admin.order(org, "POST", "field", {**here, "remove": True})
        return f"{back}?removed=1"
    if typed.get("act") in ("value", "add-value"):
        return _change_value(org, here, field_path(obj, found), typed)
    change: dict[str, object] = {}
    if found.choices:
        change["restricted"] = bool(typed.get("restricted"))
    if _can_be_required(found):
        change["nillable"] = not typed.get("required")
    if "length" in typed:
        if not re.fullmatch(r"[0-9]{1,6}", typed["length"]) or not 1 <= int(typed["length"]) <= _LONGEST:
            raise Refused(f"The length was not taken. Type a number from 1 to {count(_LONGEST)}.")
        change["length"] = int(typed["length"])
    if _encrypted_input(found) and bool(typed.get("encrypted")) is not found.encrypted:
        searched = not typed.get("encrypted")
        change |= {
            "encrypted": not searched,
            "filterable": searched,
            "sortable": searched,
            "groupable": searched,
        }
    rights = typed.get("rights", _RESTORE)
    if typed.get("required") and rights in (_HIDDEN, _READ_ONLY):
        raise Refused("A required field can be hidden from nobody, nor be read-only. Choose one of the two.")
    if any(getattr(found, key) != value for key, value in change.items()):
        admin.order(org, "POST", "field", {**here, "change": change})
    if rights != _rights(org, obj, found):
        read, edit = _RIGHTS.get(rights, (True, True))
        admin.order(
            org,
            "POST",
            "fls",
            {**here, "restore": True} if rights == _RESTORE else {**here, "read": read, "edit": edit},
        )
    return f"{back}?changed={found.name}#a-{found.name}"
