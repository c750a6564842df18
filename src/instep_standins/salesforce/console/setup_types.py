"""Record types and the processes behind them."""

from typing import TYPE_CHECKING

from ...inputs import Input, adder, remover, several, switch
from ...markup import Markup, el, said
from ...pages import Refused, empty, live, notice, part, problem, row, table, td
from .. import admin, config, record_types
from ..config import EVERYBODY
from ..errors import ApiError
from ..tables import Record
from .cells import text
from .frame import Visit, page
from .tabs import tabs

if TYPE_CHECKING:
    from ..org import Org

PATH = "/setup/record-types"
_OBJECTS = tuple((name, name) for name in record_types.TYPED)
#: how the values of a list are typed
_SEVERAL = "Each on a line of its own, or with commas between; the first is the default"


def _switches(org: "Org", found: Record) -> list[Markup]:
    """Active, and for everybody: available, and what a new record gets that names none."""
    key, name = found["Id"], text(found, "Name")
    held = org.config.record_type_access.get(EVERYBODY, {})
    offered = key not in held.get("hidden", ())
    chosen = held.get("default", {}).get(text(found, "SobjectType")) == key
    states = (
        ("active", bool(found.get("IsActive", True)), ("Active", "Inactive"), "is active"),
        ("available", offered, ("Available", "Hidden"), "is available"),
        ("default", chosen, ("Default", "Not default"), "is the default"),
    )
    return [
        switch(PATH, act, f"{act}-{key}", on, words, f"{name} {said_of}", id=key)
        for act, on, words, said_of in states
    ]


def _offers(org: "Org", found: Record) -> Markup:
    """What of its picklists a record type offers."""
    process = org.tables.get("BusinessProcess", found.get("BusinessProcessId") or "")
    lines = [("Process", text(process, "Name"))] if process else []
    held = org.config.picklists.get(found["Id"], {})
    lines += [(field, ", ".join(one["values"])) for field, one in held.items()]
    return (
        el("ul", *(el("li", f"{name}: ", said(words)) for name, words in lines))
        if lines
        else said("all values")
    )


def _types(org: "Org") -> Markup:
    rows = []
    for found in org.tables.rows("RecordType").values():
        active, offered, chosen = _switches(org, found)
        key, kind = found["Id"], " (person)" if found.get("IsPersonType") else ""
        head = el("span", said(text(found, "Name")), el("br"), el("code", text(found, "DeveloperName")))
        rows.append(row(
            key, head, td("Object", text(found, "SobjectType") + kind), td("Offers", _offers(org, found), kind="long"),
            td("State", active, key=f"{key}.a"), td("Everybody", offered, key=f"{key}.o"),
            td("New records", chosen, key=f"{key}.d"),
            td("Remove", remover(PATH, "remove", text(found, "Name"), "Records of this type keep its id.", id=key)),
        ))  # fmt: skip
    if not rows:
        return empty(
            "No record types: every record is of the master. Add one, and its object gets a RecordTypeId."
        )
    heads = ["Record type", "Object", "Offers", "State", "Everybody", "New records", "Remove"]
    return table("Record types", heads, rows)


def _processes(org: "Org") -> Markup:
    rows = [
        row(
            found["Id"], said(text(found, "Name")), td("Object", text(found, "TableEnumOrId")),
            td("Statuses", said(", ".join(org.config.processes.get(found["Id"], {}).get("values", ()))), kind="long"),
            td("New records", said(org.config.processes.get(found["Id"], {}).get("default", "–"))),
            td("Remove", remover(PATH, "remove-process", text(found, "Name"), "Record types offer all statuses again.",
                                 id=found["Id"])),
        )
        for found in org.tables.rows("BusinessProcess").values()
    ]  # fmt: skip
    if not rows:
        return empty("No processes: every Lead and Case may have any status.")
    return table("Processes", ["Name", "Object", "Statuses", "New records", "Remove"], rows)


def _exceptions(org: "Org") -> Markup:
    """What holds for one user only."""
    rows = []
    for who, held in org.config.record_type_access.items():
        if who == EVERYBODY:
            continue
        lines = [(key, "hidden") for key in held["hidden"]]
        lines += [(key or record_types.MASTER, "new records") for key in held["default"].values()]
        words = [el("li", said(_name(org, key)), f": {what}") for key, what in lines]
        name = str((org.tables.get("User", who) or {}).get("Name", who))
        rows.append(
            row(f"x-{who}", said(name), td("Record types", el("ul", *words) if words else "as everybody"))
        )
    if not rows:
        return empty("Nobody has anything of their own: what the table says holds for every user.")
    return table("For one user", ["User", "Record types"], rows)


def _name(org: "Org", key: str) -> str:
    found = org.tables.get("RecordType", key)
    return f"{text(found, 'SobjectType')}: {text(found, 'Name')}" if found else "Master"


def _for_one(org: "Org") -> tuple[Input, ...]:
    users = tuple(
        (text(u, "Username"), str(text(u, "Name")))
        for u in org.tables.rows("User").values()
        if u.get("IsActive")
    )
    types = tuple((r["Id"], _name(org, r["Id"])) for r in org.tables.rows("RecordType").values())
    return (
        Input("user", "User", users[0][0], users), Input("recordType", "Record type", types[0][0], types),
        Input("available", "May choose it", "yes", (("yes", "yes"), ("", "no: hidden"))),
        Input("default", "New records that name none", "", (("", "as before"), ("yes", "are of this type"))),
    )  # fmt: skip


def show(visit: Visit) -> str:
    org = visit.org
    processes = (("", "none: all statuses"), *(
        (row["Id"], f"{text(row, 'TableEnumOrId')}: {text(row, 'Name')}")
        for row in org.tables.rows("BusinessProcess").values()
    ))  # fmt: skip
    person = (("", "no"), ("yes", "yes, of a person account"))
    type_inputs = (
        Input("object", "Object", "Lead", _OBJECTS), Input("label", "Label", required=True),
        Input("process", "Process", "", processes),
        Input("field", "Picklist with fewer values", hint="API name, such as LeadSource; empty for none"),
        Input("values", "Its values", hint=_SEVERAL, lines=4),
    )  # fmt: skip
    if org.config.has(config.PERSON_ACCOUNTS):
        type_inputs = (*type_inputs, Input("person", "Person type", "", person))
    process_inputs = (
        Input("object", "Object", "Lead", tuple((name, name) for name in sorted(record_types.PROCESSED))),
        Input("name", "Name", required=True),
        Input("values", "Statuses", required=True, hint=_SEVERAL, lines=4),
    )  # fmt: skip
    add_type = adder(visit, PATH, "add", "Add a record type", type_inputs, "Add the record type")
    add_process = adder(visit, PATH, "process", "Add a process", process_inputs, "Add the process")
    one = None
    if org.tables.rows("RecordType"):
        words = "Set it for one user"
        one = el("div", adder(visit, PATH, "one", words, _for_one(org), words), class_="folds")
    done = notice("Saved. It holds from the next call on.") if visit.query.get("saved") else None
    return page(
        visit, "Record types", problem(visit), done,
        live("types", part("types-all", "Record types", _types(org))), el("div", add_type, class_="folds"),
        live("processes", part("processes-all", "Processes", _processes(org))), el("div", add_process, class_="folds"),
        live("exceptions", part("exceptions-all", "For one user", _exceptions(org))), one,
        above=tabs(visit), lead="What kinds of record there are, who may choose them, and what their picklists offer.",
    )  # fmt: skip


def _add(org: "Org", typed: dict[str, str]) -> None:
    body: dict = {"object": typed.get("object"), "label": typed.get("label", "").strip()}
    if not body["label"]:
        raise Refused("A record type needs a label. Type one.")
    if typed.get("process"):
        body["process"] = typed["process"]
    field, values = typed.get("field", "").strip(), several(typed.get("values", ""))
    if bool(field) is not bool(values):
        raise Refused("Type both the picklist and its values, or neither.")
    if field:
        body |= {"values": {field: values}, "defaults": {field: values[0]}}
    if typed.get("person"):
        body["person"] = True
    admin.order(org, "POST", "record-types", body)


def act(visit: Visit) -> str:
    """Carry a form out by the orders of `/__fake__/`; the address to go on at. Raises Refused."""
    org, typed = visit.org, visit.form
    on, what, key = bool(typed.get("to")), typed.get("act"), typed.get("id", "")
    try:
        if what == "add":
            _add(org, typed)
        elif what == "process":
            body = {
                "object": typed.get("object"),
                "name": typed.get("name", ""),
                "values": several(typed.get("values", "")),
            }
            admin.order(org, "POST", "processes", body)
        elif what == "active":
            found = org.tables.get("RecordType", key) or {}
            names = {
                "object": found.get("SobjectType"),
                "name": found.get("DeveloperName"),
                "label": found.get("Name"),
            }
            admin.order(org, "POST", "record-types", {**names, "id": key, "active": on})
        elif what in ("available", "default"):
            admin.order(org, "POST", "record-type-access", {"recordType": key, what: on})
        elif what == "one":
            body = {"recordType": typed.get("recordType"), "user": typed.get("user") or "nobody"}
            body |= {"available": bool(typed.get("available"))} | (
                {"default": True} if typed.get("default") else {}
            )
            admin.order(org, "POST", "record-type-access", body)
        elif what in ("remove", "remove-process"):
            admin.order(org, "DELETE", "record-types" if what == "remove" else "processes", {"id": key})
        else:
            raise Refused("This page has no such switch. Reload it.")
    except ApiError as error:
        raise Refused(f"Not done. {error.body['error']}") from None
    return f"{PATH}?saved=1"
