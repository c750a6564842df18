"""The rows of the mapping's form: what was typed, what each row offers, what is wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from attrs import evolve, field, frozen
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from instep.core.catalogue import STATIC, Property, find, static_value
from instep.core.crm_schema import WORDS, Field, ObjectSchema, mappable, takes
from instep.core.mapping import Row
from instep.core.mapping_check import SOURCE, Fault
from instep.web.mapping_choices import Groups, fitting, offered_as, options_html, plain_first, type_words

#: how the hidden field is named that says how many rows there are
COUNT = "rows"
#: more fields than this no object has mapped; a form of more is not one of ours
MOST = 150


@frozen
class Typed:
    """A row as it stands in the form; all texts. `source` is `static:` where `static` has the value."""

    source: str = ""
    static: str = ""
    field: str = ""
    overwrite: bool = False
    fallback: str = ""
    #: added by the suggestion, and not saved yet
    fresh: bool = False

    @property
    def is_blank(self) -> bool:
        """Whether nothing was chosen: then the row is none."""
        return not (self.source or self.field or self.static or self.fallback)

    def row(self) -> Row:
        """What is saved."""
        source = f"{STATIC}{self.static.strip()}" if self.source == STATIC else self.source
        return Row(source, self.field, self.overwrite, self.fallback.strip() or None)


def typed_of(row: Row, fresh: bool = False) -> Typed:
    """A row as the form shows it."""
    static = static_value(row.source)
    source = row.source if static is None else STATIC
    return Typed(source, static or "", row.field, row.overwrite, row.fallback or "", fresh)


def read_typed(data: Mapping[str, Any]) -> list[Typed]:
    """The rows of a form that was sent."""
    said = str(data.get(COUNT, ""))
    count = min(int(said), MOST) if said.isdecimal() and len(said) < 4 else 0
    return [_typed_at(data, n) for n in range(count)]


def _typed_at(data: Mapping[str, Any], n: int) -> Typed:
    def said(name: str, longest: int) -> str:
        return str(data.get(f"r{n}-{name}", "")).replace("\0", "")[:longest]

    return Typed(
        said("source", 200),
        said("static", 5000),
        said("field", 200),
        said("overwrite", 2) == "on",
        said("fallback", 5000),
        said("fresh", 2) == "on",
    )


@frozen
class Cell:
    """What a row would make of the chosen booking. `tone` is good, quiet or bad."""

    text: str = ""
    tone: str = "quiet"
    note: str = ""


@frozen
class RowView:
    """One row as the page shows it. `errors` are sentences by the half that they are about."""

    n: int
    typed: Typed
    sources: SafeString
    fields: SafeString
    target: Field | None
    type: str
    is_default: bool
    is_missing: bool
    is_required: bool
    is_open: bool
    values: str
    errors: Mapping[str, list[str]] = field(factory=dict)
    would: Cell | None = None

    @property
    def called(self) -> str:
        """The row's name for those who do not see the table."""
        return self.target.label if self.target else self.typed.field or str(self.n + 1)


@frozen
class Offer:
    """What rows can be made of: the object, its fields, the properties, and the rows that come out of the box."""

    described: ObjectSchema
    sources: Groups
    fields: Groups
    custom: Mapping[str, Property]
    defaults: Collection[Row]


def views_of(
    typed: Sequence[Typed],
    offer: Offer,
    faults: Sequence[tuple[int, Fault]] = (),
    cells: Sequence[Cell] | None = None,
) -> list[RowView]:
    """The rows as the page shows them."""
    return [_view(n, one, offer, faults, cells) for n, one in enumerate(typed)]


def _view(
    n: int, one: Typed, offer: Offer, faults: Sequence[tuple[int, Fault]], cells: Sequence[Cell] | None
) -> RowView:
    target = offer.described.get(one.field) if one.field else None
    prop = find(one.source, offer.custom) if one.source and one.source != STATIC else None
    errors: dict[str, list[str]] = {}
    for place, fault in faults:
        if place == n:
            errors.setdefault(fault.part, []).append(fault.message)
    return RowView(
        n=n,
        typed=one,
        sources=options_html(
            fitting(offer.sources, _feeding(offer, target)),
            one.source,
            str(_("No field: only what stands under “If empty”"))
            if one.field
            else str(_("Choose a field …")),
            prop.label if prop else "",
        ),
        fields=options_html(
            _offered(offer, prop),
            target.name if target else one.field,
            str(_("Choose a field …")),
            f"{target.label} ({target.name})" if target else "",
        ),
        target=target,
        type=type_words(target) if target else "",
        is_default=any(one.source == row.source and one.field == row.field for row in offer.defaults),
        is_missing=bool(one.field) and target is None,
        is_required=_is_required(one, offer.described),
        is_open=_is_open(one, offer.described),
        values=f"values-{target.name}" if target is not None and target.picklist else "",
        errors=errors,
        would=cells[n] if cells is not None and n < len(cells) else None,
    )


def _feeding(offer: Offer, target: Field | None) -> frozenset[str] | None:
    """The types of properties that may feed this field; None where none is chosen yet."""
    if target is None:
        return None
    whole = offer.described.get(target.compound) if target.axis else target
    kinds = {option.type for _label, options in offer.sources for option in options}
    return frozenset(k for k in kinds if takes(k, offer.described, whole or target))


def _offered(offer: Offer, prop: Property | None) -> Groups:
    """The fields that a property is offered; all of them while none is chosen."""
    if prop is None:
        return offer.fields
    kind = offered_as(prop)
    fitted = fitting(offer.fields, _types_for(offer, kind))
    return plain_first(fitted, _types_for(offer, WORDS)) if kind == "text" else fitted


def _types_for(offer: Offer, kind: str) -> frozenset[str]:
    fields = offer.described.fields.values()
    return frozenset(f.type for f in fields if takes(kind, offer.described, f))


def meant(typed: Sequence[Typed], described: ObjectSchema) -> list[int]:
    """The places of rows that mean something: not those of required fields that nobody filled yet."""
    return [n for n, t in enumerate(typed) if not t.is_blank and not _is_open(t, described)]


def _is_open(one: Typed, described: ObjectSchema) -> bool:
    return _is_required(one, described) and not (one.source or one.static or one.fallback.strip())


def _is_required(one: Typed, described: ObjectSchema) -> bool:
    target = described.get(one.field) if one.field else None
    return target is not None and target in described.asked()


def with_required(typed: Sequence[Typed], described: ObjectSchema, own: frozenset[str]) -> list[Typed]:
    """The rows, and one more for each required field that none of them names: it asks for a source."""
    named = {target.name for t in typed if t.field and (target := described.get(t.field)) is not None}
    missing = [
        f for f in described.asked() if f.name not in named and f.name not in own and mappable(described, f)
    ]
    return [*typed, *(Typed(field=f.name) for f in missing)]


def after(typed: Sequence[Typed], act: str) -> list[Typed]:
    """The rows after an act, “add” or “remove-2”."""
    rows = list(typed)
    word, _sep, place = act.partition("-")
    n = int(place) if place.isdecimal() and len(place) < 4 else -1
    if word == "add" and len(rows) < MOST:
        rows.append(Typed())
    elif word == "remove" and 0 <= n < len(rows):
        del rows[n]
    return rows


def static_faults(typed: Sequence[Typed]) -> list[tuple[int, Fault]]:
    """Rows that were to write a static value and have none."""
    text = str(_("Type the value that is always written."))
    return [
        (n, Fault(SOURCE, text)) for n, t in enumerate(typed) if t.source == STATIC and not t.static.strip()
    ]


def keeping_overwrite(rows: Sequence[Row], known: Sequence[Row]) -> tuple[Row, ...]:
    """Rows of an object without the Overwrite column: what its creation rule has set stays set."""
    before = {row.field: row.overwrite for row in known}
    usual = bool(known) and all(row.overwrite for row in known)
    return tuple(evolve(row, overwrite=before.get(row.field, usual)) for row in rows)
