"""Mapping rows that nobody made yet and that suggest themselves: equal words, and a type that takes every value."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence

from instep.core.catalogue import SHOW_AS, SYSTEM_PROPERTIES, Property
from instep.core.crm_schema import CHOICES, NUMERIC, TEXTUAL, Field, ObjectSchema, mappable, takes
from instep.core.mapping import Row

#: what CRMs call our properties, beside their own labels; without spaces and in small letters
_CALLED: Mapping[str, frozenset[str]] = {
    "contact.job_title": frozenset({"title", "jobtitle", "position"}),
    "contact.street": frozenset({"street", "address", "streetaddress"}),
    "contact.postal_code": frozenset({"postalcode", "zip", "zippostalcode", "postcode", "zipcode"}),
    "contact.state": frozenset({"state", "stateprovince", "province"}),
    "contact.country": frozenset({"country", "countryterritory"}),
    "contact.mobile_phone": frozenset({"mobile", "mobilephone"}),
    "contact.company": frozenset({"company", "companyname", "accountname"}),
    "contact.middle_name": frozenset({"middlename"}),
    "contact.suffix": frozenset({"suffix", "namesuffix"}),
}
#: how parts of an address are told apart on one record; the first kind that there is gets the person's own
_KINDS = ("mailing", "billing", "person")
_WORDS = re.compile(r"[^a-z0-9]+")


def suggestions(
    described: ObjectSchema,
    rows: Sequence[Row],
    own: Collection[str],
    custom: Mapping[str, Property],
    of_meeting: bool,
) -> tuple[Row, ...]:
    """Rows for fields that no row names, where a property has the same name and fits, in the CRM's order.

    `own` are the fields that Instep fills; `of_meeting` asks for the meeting's properties before the person's. A
    property that a row uses already is not suggested again: one field takes one source, and the other way round.
    """
    taken = {target.name for row in rows if (target := described.get(row.field)) is not None}
    used = {row.source for row in rows}
    found: list[Row] = []
    candidates = _candidates(custom.values(), of_meeting)
    for target in described.fields.values():
        if target.name in taken or target.name in own or not mappable(described, target):
            continue
        names = _names(target)
        match = next((p for p in candidates if p.key not in used and _is_called(p, names)), None)
        if match is None or not takes(match.type, described, target) or not _takes_all(match, target):
            continue
        used.add(match.key)
        found.append(Row(match.key, target.name))
    return tuple(found)


def _candidates(custom: Iterable[Property], of_meeting: bool) -> list[Property]:
    """Custom properties first: their names were chosen here. Only those of the object where a name says little."""
    first = "Meeting" if of_meeting else "Contact"
    own = sorted((p for p in custom if not p.archived), key=lambda p: p.object != first)
    return [*own, *(p for p in SYSTEM_PROPERTIES if p.object == first)]


def _is_called(prop: Property, names: frozenset[str]) -> bool:
    said = {_plain(prop.label), *_CALLED.get(prop.key, ())}
    if prop.custom:
        said.add(_plain(prop.key.rpartition(".")[2]))
    return bool(names & said)


#: types of ours → the CRM's types that take whatever such a property holds, beside texts
_SURELY: Mapping[str, frozenset[str]] = {
    "text": frozenset({"picklist"}),
    "picklist": CHOICES,
    "multi": frozenset({"multipicklist"}),
    "number": NUMERIC,
    "date": frozenset({"date", "datetime"}),
    "datetime": frozenset({"date", "datetime"}),
    "boolean": frozenset({"boolean"}),
    "email": frozenset({"email"}),
    "url": frozenset({"url"}),
}


def _takes_all(prop: Property, target: Field) -> bool:
    """Whether the field takes every value of the property: what is right by chance only is for people to choose.

    A list that takes nothing beside its values is such a chance, whatever fills it; so is a text that may be a number.
    """
    if target.restricted and (target.picklist or target.type in CHOICES):
        return prop.key == SHOW_AS and {"Busy", "Free"} <= {v.value for v in target.picklist if v.active}
    return target.type in TEXTUAL | {"phone"} or target.type in _SURELY.get(prop.type, frozenset())


def _names(target: Field) -> frozenset[str]:
    api = re.sub(r"__[a-z]+$", "", target.name)
    names = {_plain(target.label), _plain(api)}
    bare = {name.removeprefix(kind) for name in names for kind in _KINDS if name.startswith(kind)}
    return frozenset({*names, *bare} - {""})


def _plain(text: str) -> str:
    """Words for comparing: small letters and digits only, without accents."""
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _WORDS.sub("", letters)
