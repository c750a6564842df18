"""What the drop-downs of the mapping offer: our properties and the CRM's fields, grouped, with names and types."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen
from django.utils import formats
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later

from instep.core.catalogue import STATIC, SYSTEM_PROPERTIES, Property
from instep.core.crm_schema import WORDS, Field, ObjectSchema, mappable, takes

#: how people call the CRM's types
FIELD_TYPES = {
    "string": later("text"),
    "combobox": later("text"),
    "textarea": later("text area"),
    "email": later("e-mail"),
    "phone": later("phone"),
    "url": later("web address"),
    "int": later("whole number"),
    "long": later("whole number"),
    "double": later("number"),
    "currency": later("currency"),
    "percent": later("percent"),
    "date": later("date"),
    "datetime": later("date/time"),
    "picklist": later("picklist"),
    "multipicklist": later("picklist, multi-select"),
    "boolean": later("checkbox"),
    "location": later("geolocation, as “48.2, 16.37”"),
    "reference": later("lookup relationship"),
    "encryptedstring": later("encrypted text"),
}
#: how people call ours
PROPERTY_TYPES = {
    "text": later("text"),
    "textarea": later("text area"),
    "picklist": later("one choice"),
    "multi": later("several choices"),
    "boolean": later("yes or no"),
    "number": later("number"),
    "date": later("date"),
    "datetime": later("date/time"),
    "email": later("e-mail"),
    "phone": later("phone"),
    "url": later("web address"),
}
#: the groups of the catalogue, in the order in which they are offered
_GROUPS = {
    "Customer data": later("Customer data"),
    "Booking data": later("Booking data"),
    "Cancel/reschedule data": later("Cancel/reschedule data"),
    "Booking page data": later("Booking page data"),
    "Master page data": later("Master page data"),
    "Event type data": later("Event type data"),
    "Source tracking": later("Source tracking"),
}
_CUSTOM = {"Contact": later("Custom fields of the contact"), "Meeting": later("Custom fields of the meeting")}


@frozen
class Option:
    """One line of a drop-down. `type` is what the other half of the row is filtered by."""

    value: str
    label: str
    type: str
    words: str


Groups = Sequence[tuple[str, Sequence[Option]]]


def type_words(target: Field) -> str:
    """A field's type as people call it, with its length where that is worth knowing."""
    words = str(FIELD_TYPES.get(target.type, target.type))
    if target.html:
        return str(_("rich text"))
    if target.type in ("string", "textarea", "combobox") and target.length:
        return f"{words} {formats.number_format(target.length, force_grouping=True)}"
    return words


def source_groups(custom: Iterable[Property], used: Iterable[str]) -> Groups:
    """Every property that a row may use, by group; archived ones only where a row uses them already."""
    kept = set(used)
    groups: dict[str, list[Option]] = {str(_("Fixed value")): [_static()]}
    for prop in SYSTEM_PROPERTIES:
        groups.setdefault(str(_GROUPS.get(prop.group, prop.group)), []).append(_of(prop))
    for prop in sorted(custom, key=lambda p: (p.object, p.label.casefold())):
        if not prop.archived or prop.key in kept:
            groups.setdefault(str(_CUSTOM.get(prop.object, prop.object)), []).append(_of(prop))
    order = [str(_("Fixed value")), *map(str, _GROUPS.values())]
    return sorted(groups.items(), key=lambda pair: order.index(pair[0]) if pair[0] in order else len(order))


def _static() -> Option:
    return Option(STATIC, str(_("A static value …")), "text", str(_("always the same")))


def _of(prop: Property) -> Option:
    words = str(PROPERTY_TYPES[prop.type])
    identifier = f" ({prop.key.rpartition('.')[2]})" if prop.custom else ""
    archived = f", {_('archived')}" if prop.archived else ""
    return Option(prop.key, f"{prop.label}{identifier}", offered_as(prop), words + archived)


def offered_as(prop: Property) -> str:
    """The type by which a property is offered fields: what guests type into a field of yours may be a number."""
    return WORDS if prop.type == "text" and not prop.custom else prop.type


def by_chance() -> str:
    """The name of the group of fields that a text fills only where it happens to be what they take."""
    return str(_("Only where the text is a number, a date, a place, choices, yes or no"))


def plain_first(groups: Groups, kinds: frozenset[str]) -> Groups:
    """The options of these types in their groups, then all others as those that a text fills by chance."""
    others = [option for _label, options in groups for option in options if option.type not in kinds]
    return [*fitting(groups, kinds), *([(by_chance(), others)] if others else [])]


def field_groups(described: ObjectSchema, own: frozenset[str]) -> Groups:
    """Every field that a row may name: required ones first, then standard and custom ones, each by label."""
    offered = [f for f in described.fields.values() if f.name not in own and mappable(described, f)]
    required = [f for f in offered if f.required]
    custom = [f for f in offered if f.custom and not f.required]
    standard = [f for f in offered if not f.required and f not in custom]
    return [
        (label, [_field(f) for f in sorted(some, key=lambda f: f.label.casefold())])
        for label, some in (
            (str(_("Required")), required),
            (str(_("Standard fields")), standard),
            (str(_("Custom fields")), custom),
        )
        if some
    ]


def _field(target: Field) -> Option:
    return Option(target.name, f"{target.label} ({target.name})", target.type, type_words(target))


def fitting(groups: Groups, kinds: frozenset[str] | None) -> Groups:
    """The options of these types; None leaves all."""
    if kinds is None:
        return groups
    kept = ((label, [o for o in options if o.type in kinds]) for label, options in groups)
    return [(label, options) for label, options in kept if options]


def fits_of(described: ObjectSchema) -> Mapping[str, list[str]]:
    """Which types of fields each type of property may feed, for the filter in the browser."""
    fields = {f.type: f for f in described.fields.values() if mappable(described, f)}
    return {
        kind: sorted(t for t, one in fields.items() if takes(kind, described, one))
        for kind in (*PROPERTY_TYPES, WORDS)
    }


def options_html(groups: Groups, chosen: str, empty: str, unknown: str = "") -> SafeString:
    """The inside of a `<select>`. A chosen value that is not offered any more stays a choice, as `unknown` says."""
    offered = any(option.value == chosen for _label, options in groups for option in options)
    stale = [(chosen, unknown or chosen)] if chosen and not offered else []
    return format_html(
        '<option value="">{}</option>{}{}',
        empty,
        format_html_join("", '<option value="{}" selected>{}</option>', stale),
        format_html_join(
            "",
            '<optgroup label="{}">{}</optgroup>',
            ((label, _options(options, chosen)) for label, options in groups),
        ),
    )


def _options(options: Iterable[Option], chosen: str) -> SafeString:
    return format_html_join(
        "",
        '<option value="{}"{}>{} · {}</option>',
        ((o.value, SafeString(" selected") if o.value == chosen else "", o.label, o.words) for o in options),
    )


def as_data(groups: Groups) -> str:
    """The groups for the script that makes drop-downs searchable."""
    return json.dumps(
        [[label, [[o.value, o.label, o.type, o.words] for o in options]] for label, options in groups]
    )
