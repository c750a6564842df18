"""Field validation: the fields that the CRM requires of new records, and what fills each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from attrs import evolve, frozen
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from instep.core.catalogue import STATIC, Property, static_value
from instep.core.crm_schema import ObjectSchema, takes
from instep.core.desired import VALIDATION_ERROR
from instep.core.errors import InstepError
from instep.core.field_validation import Required, State, required_fields, with_row
from instep.core.mapping import Row
from instep.core.refusal import REQUIRED
from instep.core.required_advice import advice
from instep.core.rules import SyncConfig, system_fields
from instep.crm.vendors import Vendor, vendor_of
from instep.engine import mapping_edit
from instep.engine.lane import custom_properties, load_config
from instep.engine.schemas import schemas_of
from instep.store import credentials, log_queries
from instep.store.calendar_queries import calendar_uses
from instep.store.connection_queries import defaults_sent, described_at, linked_records
from instep.web.connection import row_of
from instep.web.crm_words import words_of
from instep.web.mapping_choices import Groups, fitting, options_html, source_groups, type_words
from instep.web.mapping_tabs import Tab, tabs_of
from instep.web.setup_names import setup_object

#: the three ways to fill a field, and none of them
FIELD, FIXED, VALUE, NOTHING = "field", "static", "value", ""
#: what is known of the fields is read anew when it is older than so many seconds: a reload shows what was solved
_OLD = 15.0


@frozen
class Chosen:
    """What stands in the form for one field; all texts."""

    option: str = NOTHING
    source: str = ""
    static: str = ""
    value: str = ""
    fallback: str = ""


@frozen
class Entry:
    """One required field as the page shows it. `n` numbers it in the form."""

    n: int
    required: Required
    chosen: Chosen
    type: str
    sources: SafeString
    values: tuple[tuple[str, str], ...]
    errors: tuple[str, ...] = ()
    #: where the field is set up in the CRM: fields of Events belong to another object there
    setup_object: str = ""
    #: what helps, in the words of receipts and problems; empty while it is filled
    advice: str = ""
    #: changes that the CRM has refused because of it
    waiting: int = 0

    @property
    def default(self) -> str:
        """What is sent in its stead: a value in quotation marks, or in words what differs from day to day."""
        value = self.required.default
        in_words = self.required.target.type in ("date", "datetime")
        return value if in_words or not value else _("“%(value)s”") % {"value": value}


@frozen
class Section:
    """One object's required fields."""

    tab: Tab
    entries: tuple[Entry, ...]
    version: str
    hidden: bool

    @property
    def blocked(self) -> bool:
        """Whether no new record is taken, whatever fills the others."""
        return any(entry.required.state is State.BLOCKED for entry in self.entries)

    @property
    def open(self) -> int:
        """How many of them need somebody."""
        return sum(entry.required.is_open for entry in self.entries)


@frozen
class Logged:
    """The field validation errors of one calendar and field, the newest first; `total` counts those not shown, too."""

    calendar: str
    object: str
    field: str
    label: str
    total: int
    lines: tuple[Mapping[str, Any], ...]

    @property
    def more(self) -> int:
        """How many others there are."""
        return self.total - len(self.lines)


@frozen
class Due:
    """Records that have to be compared because a required field gets another source: up to `count` of them change."""

    name: str
    count: int
    labels: tuple[str, ...]
    rows: tuple[Row, ...]


@frozen
class Page:
    """What the page is made from."""

    row: dict[str, Any]
    vendor: Vendor
    config: SyncConfig
    schema: Mapping[str, ObjectSchema]
    custom: Mapping[str, Property]
    tabs: Sequence[Tab]

    def required(self, name: str) -> list[Required]:
        """An object's required fields."""
        described = self.schema.get(name)
        if described is None:
            return []
        return required_fields(
            described, self.config.rows.get(name, ()), system_fields(self.vendor.profile, name)
        )


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def validation(request: HttpRequest, connection_id: str) -> HttpResponse:
    """Every required field by object, and the form that says what fills it."""
    row = row_of(request, connection_id)
    error = None
    if request.method != "POST" or request.POST.get("act") == "read":
        error = _read_again(request, row, 0 if request.method == "POST" else _OLD)
    page = _page(request, row)
    if request.method == "POST" and request.POST.get("act") != "read":
        return _save(request, page)
    return _shown(request, page, {}, error=error)


def _read_again(request: HttpRequest, row: dict[str, Any], older_than: float) -> InstepError | None:
    if row["state"] != credentials.CONNECTED and older_than:
        return None
    try:
        mapping_edit.read_again(
            request.user.account_id, row, vendor_of(row["vendor"]).profile.objects, older_than
        )
    except InstepError as error:
        return error
    return None


def _page(request: HttpRequest, row: dict[str, Any]) -> Page:
    account_id, vendor, config = request.user.account_id, vendor_of(row["vendor"]), load_config(row)
    schema = schemas_of(account_id, int(row["id"]), row["vendor"], vendor.schema_of)
    return Page(row, vendor, config, schema, custom_properties(account_id), tabs_of(row, config, schema, ""))


# --- saving ---


def _save(request: HttpRequest, page: Page) -> HttpResponse:
    """Save what was chosen, object by object; what cannot be stays as it was typed."""
    typed = _typed(request.POST)
    errors: dict[tuple[str, str], list[str]] = {}
    stale = False
    chosen = {tab.name: _wanted(page, tab.name, typed, errors) for tab in page.tabs}
    due = _due(request.user.account_id, page, chosen)
    # whoever changes a choice after that is asked again
    if due and not errors and request.POST.get("confirmed") != _mark(due):
        return _shown(request, page, typed, due=due, status=422)
    for tab in page.tabs:
        wanted = chosen[tab.name]
        if wanted == page.config.rows.get(tab.name, ()) or any(name == tab.name for name, _f in errors):
            continue
        try:
            outcome = mapping_edit.save_rows(
                request.user.account_id,
                page.row,
                tab.name,
                wanted,
                request.POST.get(f"version-{tab.name}", ""),
                request.user.name or request.user.email,
                datetime.now(UTC),
            )
        except InstepError as error:
            return _shown(request, page, typed, error=error, status=503)
        for place, fault in outcome.faults:
            errors.setdefault((tab.name, wanted[place].field), []).append(fault.message)
        stale = stale or outcome.theirs is not None
    page = _page(request, row_of(request, page.row["public_id"]))
    if errors or stale:
        return _shown(request, page, typed, errors=errors, stale=stale, status=409 if stale else 422)
    messages.success(request, _("Saved. Fixed values reach records that are there with their next change."))
    if request.POST.get("act") == "continue":
        return redirect("mapping-first", page.row["public_id"])
    return redirect("validation", page.row["public_id"])


def _due(account_id: int, page: Page, chosen: Mapping[str, Sequence[Row]]) -> tuple[Due, ...]:
    """Records that are there and that the rows would be written to at once: those fed by what somebody has said."""
    profile = page.vendor.profile
    kinds = {profile.activity.name: "activity"}
    kinds |= {profile.case.name: "case"} if profile.case else {}
    kinds |= {profile.company.name: "company"} if profile.company else {}
    linked: dict[str, int] = {}
    found = []
    for name, rows in chosen.items():
        before = {row.field: row.source for row in page.config.rows.get(name, ())}
        new = [r for r in rows if r.source and not static_value(r.source) and before.get(r.field) != r.source]
        if not new:
            continue
        linked = linked or linked_records(account_id, int(page.row["id"]))
        count = linked.get(kinds.get(name, name), 0)
        described = page.schema[name]
        labels = tuple(target.label if (target := described.get(r.field)) else r.field for r in new)
        found += [Due(name, count, labels, tuple(new))] if count else []
    return tuple(found)


def _mark(due: Sequence[Due]) -> str:
    return " ".join(f"{one.name}.{row.field}={row.source}" for one in due for row in one.rows)


def _typed(data: Mapping[str, Any]) -> dict[tuple[str, str], Chosen]:
    """What was chosen, by object and field."""
    found = {}
    for n in range(500):
        name, target = str(data.get(f"f{n}-object", "")), str(data.get(f"f{n}-field", ""))
        if not name or not target:
            break
        said = [str(data.get(f"f{n}-{part}", "")).replace("\0", "")[:5000] for part in _PARTS]
        found[name, target] = Chosen(*said)
    return found


_PARTS = ("option", "source", "static", "value", "fallback")


def _wanted(
    page: Page,
    name: str,
    typed: Mapping[tuple[str, str], Chosen],
    errors: dict[tuple[str, str], list[str]],
) -> tuple[Row, ...]:
    """The object's rows as chosen; what is missing is told in `errors`."""
    rows, described = page.config.rows.get(name, ()), page.schema.get(name)
    if described is None:
        return rows
    for one in page.required(name):
        chosen = typed.get((name, one.target.name))
        if chosen is None or one.state is State.BLOCKED:
            continue
        missing, row = _row(chosen, one.target.name)
        if missing:
            errors.setdefault((name, one.target.name), []).append(missing)
        elif row is None and one.row is not None and one.row.source == "":
            rows = with_row(rows, described, one.target.name, None)
        elif row != (evolve(one.row, overwrite=False) if one.row else None):
            rows = with_row(rows, described, one.target.name, row)
    return rows


def _row(chosen: Chosen, target: str) -> tuple[str, Row | None]:
    """(what is missing, the row that was chosen); no row where nothing is to fill the field."""
    if chosen.option == FIELD:
        row = Row(chosen.source, target, fallback=chosen.fallback.strip() or None)
        return ("", row) if chosen.source else (_("Choose the field that fills it."), None)
    text = chosen.static if chosen.option == FIXED else chosen.value
    if chosen.option in (FIXED, VALUE):
        missing = (
            _("Type the value that is always written.") if chosen.option == FIXED else _("Choose a value.")
        )
        return ("", Row(f"{STATIC}{text.strip()}", target)) if text.strip() else (missing, None)
    return "", None


# --- showing ---


def _shown(
    request: HttpRequest,
    page: Page,
    typed: Mapping[tuple[str, str], Chosen],
    *,
    errors: Mapping[tuple[str, str], Sequence[str]] | None = None,
    error: InstepError | None = None,
    stale: bool = False,
    due: Sequence[Due] = (),
    status: int = 200,
) -> HttpResponse:
    sources = source_groups(
        page.custom.values(), [r.source for rows in page.config.rows.values() for r in rows]
    )
    sections: list[Section] = []
    waiting = _waiting(request.user.account_id, page)
    n = 0
    for tab in page.tabs:
        entries = []
        for one in page.required(tab.name):
            key = (tab.name, one.target.name)
            wrong = tuple((errors or {}).get(key, ()))
            entries.append(_entry(page, n, one, typed.get(key), wrong, sources, waiting.get(key, 0)))
            n += one.state is not State.BLOCKED
        version = mapping_edit.version_of(page.config.rows.get(tab.name, ()))
        sections.append(Section(tab, tuple(entries), version, tab.name not in page.schema))
    account_id, key_ = request.user.account_id, int(page.row["id"])
    at = [at for name, at in described_at(account_id, key_).items() if name in page.vendor.profile.objects]
    context = {
        "row": page.row,
        "vendor": page.vendor,
        "words": words_of(page.row["vendor"]),
        "blocker": f"web/validation/{page.row['vendor']}_blocker.html",
        "sections": sections,
        "open": sum(section.open for section in sections),
        "fillable": n > 0,
        "log": _logged(defaults_sent(account_id, key_, VALIDATION_ERROR), _called(account_id)),
        "described_at": min(at, default=None),
        "wrong": bool(errors),
        "stale": stale,
        "due": due,
        "mark": _mark(due),
        "then": "continue" if request.POST.get("act") == "continue" else "save",
        "error": error,
        "nothing": _("No field"),
    }
    return render(request, "web/validation/page.html", context, status=status)


def _called(account_id: int) -> dict[str, str]:
    """What calendars without a name are called, by id."""
    uses = calendar_uses(account_id, datetime.now(UTC))
    return {use.source_id: use.called for use in uses if not use.name}


def _waiting(account_id: int, page: Page) -> dict[tuple[str, str], int]:
    """How many changes of records wait, new ones or not, by the object and the required field that they lack."""
    found: Counter[tuple[str, str]] = Counter()
    for group in log_queries.problem_groups(account_id, connection=page.row["public_id"]):
        if group.code == REQUIRED:
            found.update({(group.object, name): group.count for name in group.fields})
    return found


def _logged(lines: Sequence[Mapping[str, Any]], called: Mapping[str, str]) -> list[tuple[str, list[Logged]]]:
    """The errors by calendar (empty for contacts that no booking speaks of), then by field."""
    by_field: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for line in lines:
        calendar = called.get(line["calendar"], line["calendar"])
        by_field.setdefault((calendar, line["object"], line["field"]), []).append(line)
    by_calendar: dict[str, list[Logged]] = {}
    for key, found in by_field.items():
        one = Logged(*key, found[0]["label"], int(found[0]["total"]), tuple(found))
        by_calendar.setdefault(key[0], []).append(one)
    return list(by_calendar.items())


def _entry(
    page: Page,
    n: int,
    one: Required,
    typed: Chosen | None,
    errors: tuple[str, ...],
    sources: Groups,
    waiting: int,
) -> Entry:
    described = page.schema[one.object]
    chosen = typed or _chosen(one)
    kinds = frozenset(o.type for _label, options in sources for o in options)
    # a static value has an option of its own here
    fields = [
        (label, [o for o in options if o.value != STATIC])
        for label, options in fitting(sources, frozenset(k for k in kinds if takes(k, described, one.target)))
    ]
    return Entry(
        n,
        one,
        chosen,
        type_words(one.target),
        options_html([g for g in fields if g[1]], chosen.source, _("Choose a field …"), chosen.source),
        tuple((v.value, v.label) for v in one.target.picklist if v.active),
        errors,
        setup_object(one.object, one.target),
        advice(described, (one.target.name,), page.vendor.profile, new=True, there=True)
        if one.state in (State.REFUSED, State.BLOCKED) or waiting
        else "",
        waiting,
    )


def _chosen(one: Required) -> Chosen:
    """What stands in the form at first: what fills the field now."""
    row = one.row
    if row is None or (not row.source and row.fallback is None):
        return Chosen()
    text = static_value(row.source) if row.source else row.fallback
    if text is None:
        return Chosen(FIELD, source=row.source, fallback=row.fallback or "")
    if one.target.picklist and any(v.value == text for v in one.target.picklist):
        return Chosen(VALUE, value=text)
    return Chosen(FIXED, static=text)
