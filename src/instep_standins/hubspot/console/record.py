"""One record: a contact with its timeline, a meeting with its people; and what a person may do to it."""

from typing import TYPE_CHECKING, Any

from ...inputs import Input, adder
from ...markup import Markup, el, said
from ...pages import NotHere, Refused, button, count, empty, fold, form, live, notice, part, problem
from .. import admin, calculated
from ..errors import ApiError
from ..schema import OBJECT_TYPES, ObjectType
from ..tables import RECORD_KINDS, Row
from .frame import Visit, href, moment, name_of, outcome, owner_name, page, shown
from .lists import records_table

if TYPE_CHECKING:
    from ..portal import Portal

# What the portal keeps for itself, or the page says otherwise.
_NOT_SHOWN = frozenset({
    "hs_object_id", "hs_all_contact_vids", "hs_is_contact", "hs_full_name_or_email", "hs_body_preview",
    "hs_body_preview_is_truncated", "hs_object_source_id", "hs_object_source_label", "hs_engagement_source",
    "hs_duration", "hs_email_domain",
})  # fmt: skip


def _find(portal: "Portal", kind: str, record_id: str) -> tuple[ObjectType, Row]:
    otype = OBJECT_TYPES.get(kind)
    held = portal.tables.get(kind, record_id) if otype else None
    row = (portal.resolve(kind, record_id) or held) if otype else None
    if otype is None or row is None:
        raise NotHere(
            f"No record has the id {record_id}. It may have been erased, or the portal started over."
        )
    return otype, row


def linked(portal: "Portal", type_id: str, record_id: str) -> str:
    """The address of a record as HubSpot itself links it, by the number of its type. Raises NotHere."""
    kind = next((one.name for one in OBJECT_TYPES.values() if one.type_id == type_id), "")
    return href(kind, _find(portal, kind, record_id)[1]["id"])


def _facts(portal: "Portal", otype: ObjectType, row: Row) -> Markup:
    """Filled properties in the catalogue's order, those of the portal's own first."""
    known, lines = portal.properties(otype.name), []
    order = sorted(row["properties"], key=lambda n: (not (n in known and known[n].own), list(known).index(n)))
    for name in (one for one in order if one not in _NOT_SHOWN):
        value = shown(portal, otype.name, known[name], row["properties"][name])
        label = el("dt", known[name].label, el("code", name))
        lines.append(el("div", label, el("dd", value, data_cell=f"{otype.name}.{row['id']}.{name}")))
    return part("facts-all", "Properties", el("dl", *lines, class_="facts"))


def _times(properties: dict[str, str]) -> list[Any]:
    """When a meeting starts, and how long it is."""
    start = properties.get("hs_meeting_start_time") or properties.get("hs_timestamp")
    minutes = int(properties.get("hs_duration", "0")) // 60_000
    return [moment(start) if start else None, f" · {minutes} min" if minutes else None]


def _card(portal: "Portal", meeting: Row) -> Markup:
    """A meeting on the timeline: title, outcome, times, host, what it says."""
    held, key = meeting["properties"], f"timeline.{meeting['id']}"
    title = el("a", said(name_of(OBJECT_TYPES["meetings"], meeting)), href=href("meetings", meeting["id"]))
    owner = held.get("hubspot_owner_id")
    body, place = calculated.plain(held.get("hs_meeting_body", "")), held.get("hs_meeting_location")
    notes = calculated.plain(held.get("hs_internal_meeting_notes", ""))
    lines = [
        el(
            "p",
            el("b", title),
            el("span", outcome(portal, held.get("hs_meeting_outcome", "")), data_cell=f"{key}.outcome"),
        ),
        el("p", *_times(held), class_="soft", data_cell=f"{key}.times"),
        el("p", "Host: ", said(owner_name(portal, owner)), data_cell=f"{key}.owner") if owner else None,
        el("p", "Where: ", said(place)) if place else None,
        el("p", said(body)) if body else None,
        el("p", "Internal: ", said(notes), class_="soft") if notes else None,
    ]
    return el("li", *lines, class_="event", data_row=key)


def _timeline(portal: "Portal", row: Row) -> Markup:
    found = [portal.resolve("meetings", one) for one in portal.associated("contacts", row["id"], "meetings")]
    meetings = sorted(
        (one for one in found if one), key=lambda m: m["properties"].get("hs_timestamp", ""), reverse=True
    )
    if not meetings:
        nothing = empty("No meetings yet. One appears here as soon as a booking of this person is written.")
        return part("timeline-all", "Timeline", nothing)
    cards = el("ol", *(_card(portal, one) for one in meetings), class_="history")
    return part(
        "timeline-all",
        "Timeline",
        cards,
        note=f"{count(len(meetings))} meetings" if len(meetings) > 1 else None,
    )


def _related(portal: "Portal", otype: ObjectType, row: Row) -> list[Markup]:
    parts = []
    for kind in RECORD_KINDS:
        if otype.name == "contacts" and kind == "meetings":
            continue
        ids = admin.linked(portal, otype.name, row["id"], kind)
        rows = [found for one in ids if (found := portal.resolve(kind, one))]
        other = OBJECT_TYPES[kind]
        parts.append(
            live(
                f"r-{kind}",
                part(f"r-{kind}-all", other.plural, records_table(portal, other, rows)) if rows else None,
            )
        )
    return parts


def _editable(portal: "Portal", otype: ObjectType) -> tuple[tuple[str, str], ...]:
    found = [
        one
        for one in portal.properties(otype.name).values()
        if not (one.read_only or one.hidden or one.archived_at)
    ]
    return tuple((one.name, one.label) for one in sorted(found, key=lambda one: (not one.own, one.label)))


def _by_hand(visit: Visit, otype: ObjectType, row: Row) -> Markup:
    """What a person in the portal may do: change a property, merge, delete."""
    portal, path = visit.portal, href(otype.name, row["id"])
    first = (
        "hs_meeting_outcome"
        if otype.name == "meetings"
        else "lifecyclestage"
        if otype.name == "contacts"
        else ""
    )
    change = (
        Input("name", "Property", first, _editable(portal, otype)),
        Input("value", "Value", "", hint="The internal value, such as COMPLETED. Empty clears it.", lines=2),
    )
    folds = [adder(visit, path, "change", "Change a property", change, "Change")]
    others = [one for one in portal.tables.living(otype.name) if one["id"] != row["id"]][-50:]
    if otype.name == "contacts" and others:
        choices = tuple(
            (one["id"], f"{name_of(otype, one)} ({one['properties'].get('email', one['id'])})")
            for one in others
        )
        into = (Input("other", "The other contact", choices[-1][0], choices),)
        folds.append(adder(visit, path, "merge", "Merge another contact into this one", into, "Merge"))
    sure = form(path, "delete", button("Delete it", "danger"))
    folds.append(
        fold("Delete", el("p", "It goes to the recycle bin; an app does not find it any more."), sure)
    )
    return el("div", *folds, class_="folds")


def record(visit: Visit, kind: str, record_id: str) -> str:
    """A record's page. Once it is deleted it says so."""
    portal = visit.portal
    otype, row = _find(portal, kind, record_id)
    gone = (
        notice("It is deleted: an app is told that it is not there.", bad=True)
        if row.get("archived")
        else None
    )
    crumb = el("p", el("a", otype.plural, href=f"/o/{otype.name}"), class_="crumbs")
    about = [el("code", row["id"]), f" · {otype.label}"]
    main = [live("timeline", _timeline(portal, row))] if kind == "contacts" else []
    return page(
        visit, name_of(otype, row), live("gone", gone), problem(visit), None if gone else _by_hand(visit, otype, row),
        *main, live("facts", _facts(portal, otype, row)), *([] if gone else _related(portal, otype, row)),
        above=crumb, lead=about,
    )  # fmt: skip


def act(visit: Visit, kind: str, record_id: str) -> str:
    """A person's change, merge or deletion; the address to go on at. Raises Refused."""
    portal, typed = visit.portal, visit.form
    otype, row = _find(portal, kind, record_id)
    what, here = typed.get("act"), {"object": kind, "id": row["id"]}
    try:
        if what == "change":
            if typed.get("name") not in dict(_editable(portal, otype)):
                raise Refused("Choose a property from the list.")
            admin.order(
                portal,
                "PATCH",
                "edit",
                {**here, "properties": {typed["name"]: typed.get("value", "").strip()}},
            )
            return href(kind, row["id"])
        if what == "merge":
            merged = admin.order(
                portal, "POST", "merge", {"object": kind, "primary": row["id"], "other": typed.get("other")}
            )
            return href(kind, merged["id"])
        if what == "delete":
            admin.order(portal, "DELETE", "records", here)
            return href(kind, row["id"])
    except ApiError as error:
        raise Refused(f"Not done. {error.body.get('error') or error.body['message']}") from None
    raise Refused("This page has no such button. Reload it.")
