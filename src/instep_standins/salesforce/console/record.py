"""One record: what it holds, what belongs to it, what happened to it, and what a person may do to it."""

from typing import TYPE_CHECKING

from ...markup import Markup, el, said
from ...pages import NotHere, Refused, button, count, empty, fold, form, live, notice, part, problem, tag
from .. import admin, history, ids
from ..errors import ApiError, RowError
from ..schema import Field, SObject
from ..tables import Record
from ..values import coerce
from .cells import has_page, label, name_of, records_table, shown
from .frame import LISTED, Visit, moment, page

if TYPE_CHECKING:
    from ..org import Org

_RELATED = 25  # rows of each related object
# Kept by the org itself; the history says what they would.
_NOT_SHOWN = frozenset({"IsDeleted", "SystemModstamp"})
_BY_HAND = frozenset({"string", "textarea", "email", "phone", "url", "picklist", "combobox"})


def _find(org: "Org", text: str) -> tuple[SObject, Record]:
    record_id = ids.normalise(text)
    obj = org.object_of_id(record_id) if record_id else None
    record = org.tables.get(obj.name, record_id) if obj and record_id else None
    if obj is None or record is None:
        raise NotHere(
            f"No record has the id {text}. It may have been removed for good, or the org started over."
        )
    return obj, record


def canonical(org: "Org", text: str) -> str:
    """The address of a record's page, from an id of either length. Raises NotHere."""
    return f"/r/{_find(org, text)[1]['Id']}"


def _facts(org: "Org", obj: SObject, record: Record) -> Markup:
    items = []
    for field in obj.fields.values():
        value = record.get(field.name)
        if value is None or value is False or value == "" or field.name in _NOT_SHOWN:
            continue
        more = el("small", value) if field.type == "reference" else None
        term = el("dt", field.label, el("code", field.name))
        items.append(
            el(
                "div",
                term,
                el("dd", shown(org, field, value), more),
                data_cell=f"{record['Id']}.{field.name}",
            )
        )
    return el("dl", *items, class_="facts")


def _leads_to(org: "Org", obj: SObject, record: Record) -> list[Markup]:
    """The people and things that a record itself names, its users aside."""
    found = []
    for field in obj.fields.values():
        value = record.get(field.name)
        if field.type != "reference" or not isinstance(value, str) or not has_page(org, value):
            continue
        target = org.object_of_id(value)
        if target and target.name in LISTED:
            found.append(
                el(
                    "li",
                    tag(target.label),
                    shown(org, field, value),
                    el("span", label(field), class_="soft"),
                )
            )
    return found


def _pointing_here(org: "Org", record_id: str) -> list[Markup]:
    """The records that name this one, object by object."""
    found = []
    for name in LISTED:
        obj, met = org.catalogue[name], {}
        for field in obj.fields.values():
            if field.type == "reference" and org.tables.is_indexed(name, field.name):
                met |= dict.fromkeys(org.tables.find(name, field.name, record_id))
        records = [near for one in met if (near := org.live(name, one))][::-1]
        if records:
            note = (
                f"{count(len(records))}, the newest {_RELATED}"
                if len(records) > _RELATED
                else count(len(records))
            )
            found.append(
                part(f"r-{name}", obj.plural, records_table(org, obj, records[:_RELATED]), note=note)
            )
    return found


_KINDS = {history.MADE: ("Made", "good"), history.CHANGED: ("Changed", "blue"), history.DELETED: ("Deleted", "bad"),
          history.RESTORED: ("Restored", "good")}  # fmt: skip


def _entry(org: "Org", obj: SObject, record_id: str, number: int, entry: history.Entry) -> Markup:
    who = (
        el("a", said(name_of(org, entry.user_id)), href=f"/r/{entry.user_id}") if entry.user_id else "by hand"
    )
    changes = []
    for name, was, now in entry.changes:
        field = obj.fields.get(name) or Field(name, "string", 0, name)
        values = el("span", el("del", shown(org, field, was)), el("span", " → ", aria_hidden="true"),
                    el("span", " to ", class_="unseen"), el("ins", shown(org, field, now)))  # fmt: skip
        changes.append(el("li", el("b", field.label), el("code", name), values))
    words, tone = _KINDS[entry.kind]
    same = el("p", "Written, but no value was another.", class_="soft")
    nothing = same if entry.kind == history.CHANGED and not changes else None
    head = el(
        "p", tag(words, tone), moment(entry.at, precise=True), el("span", who), el("code", said(entry.call))
    )
    return el("li", head, el("ul", *changes) if changes else nothing, data_row=f"h.{record_id}.{number}")


def _history(org: "Org", obj: SObject, record_id: str) -> Markup:
    entries = org.history.of(record_id)
    if not entries:
        return part(
            "history",
            "History",
            empty("Nothing was written down: this record is from before records had one."),
        )
    # Numbered from the oldest, so that an entry keeps its number when the next one comes.
    lines = [_entry(org, obj, record_id, len(entries) - i, entry) for i, entry in enumerate(entries)]
    note = f"the latest {len(entries)}" if len(entries) == history.KEPT else None
    return part("history", "History", el("ol", *lines, class_="history"), note=note)


def _by_hand(visit: Visit, obj: SObject, record: Record) -> Markup | None:
    """What a person in the org might do to a record while an app works on it."""
    if obj.name not in LISTED:
        return None
    path = f"/r/{record['Id']}"
    if record.get("IsDeleted"):
        return part("hand", "By hand", form(path, "restore", button("Take out of the recycle bin")))
    fields = [f for f in obj.fields.values() if f.type in _BY_HAND and (f.updateable or f.custom)]
    chosen = visit.form.get("field", fields[0].name if fields else "")
    options = [el("option", f"{f.label} ({f.name})", value=f.name, selected=f.name == chosen) for f in fields]
    wrong = "notice" if visit.problem else None
    change = form(
        path, "change",
        el("p", el("label", "Field", for_="field"), el("select", *options, id="field", name="field")),
        el("p", el("label", "New value", for_="value"),
           el("input", id="value", name="value", value=visit.form.get("value", ""), dir="auto",
              aria_describedby=wrong, aria_invalid="true" if wrong else None)),
        button("Change"),
        class_="line",
    )  # fmt: skip
    convert = None
    if obj.name == "Lead" and not record.get("IsConverted"):
        words = el(
            "p", "Makes an account and a contact of it and moves its events there. This cannot be taken back."
        )
        convert = fold("Convert", words, form(path, "convert", button("Convert this lead", "danger")))
    gone = el("p", "Moves it to the recycle bin, as a person does. It can be taken out again.")
    delete = fold("Delete", gone, form(path, "delete", button(f"Delete this {obj.label.lower()}", "danger")))
    lead = el(
        "p", "As a person in the org would, past all rules, to see what an app makes of it.", class_="soft"
    )
    return part("hand", "By hand", lead, change, el("div", convert, delete, class_="folds"))


def record(visit: Visit, record_id: str) -> str:
    """One record: what it holds, what belongs to it, what happened to it."""
    org = visit.org
    obj, found = _find(org, record_id)
    key = found["Id"]
    above = el("a", obj.plural, href=f"/o/{obj.name}") if obj.name in LISTED else obj.label
    gone = (
        notice("This record is in the recycle bin. The API does not see it.")
        if found.get("IsDeleted")
        else None
    )
    near = _leads_to(org, obj, found)
    return page(
        visit,
        name_of(org, key),
        problem(visit),
        live("gone", gone),
        live("fields", _facts(org, obj, found)),
        live("near", part("near", "Belongs to", el("ul", *near, class_="near")) if near else None),
        live("related", *_pointing_here(org, key)),
        live("past", _history(org, obj, key)),
        _by_hand(visit, obj, found),
        above=el("p", above, class_="crumbs"),
        lead=[obj.label, " ", el("code", key)],
    )


def act(visit: Visit, record_id: str) -> str:
    """A person's deed to a record, by the orders of `/__fake__/`; the address to go on at. Raises Refused."""
    org = visit.org
    obj, found = _find(org, record_id)
    here = {"object": obj.name, "id": found["Id"]}
    asked = visit.form.get("act")
    order = {
        "delete": ("DELETE", "records", here),
        "restore": ("PATCH", "records", {**here, "fields": {"IsDeleted": False}}),
        "convert": ("POST", "convert-lead", {"leadId": found["Id"]}),
    }.get(asked or "")
    try:
        if asked == "change":
            field = obj.fields.get(visit.form.get("field", ""))
            if field is None:
                raise Refused("That field is not there any more. Choose another.")
            value = coerce(field, visit.form.get("value", ""))
            order = ("PATCH", "records", {**here, "fields": {field.name: value}})
        if order is None or obj.name not in LISTED:
            raise Refused("That cannot be done to this record.")
        admin.order(org, *order)
    except RowError as error:
        raise Refused(f"Not changed. {error.message}. Type another value.") from None
    except ApiError as error:
        raise Refused(f"Not done. {error.body['error']}") from None
    return f"/r/{found['Id']}"
