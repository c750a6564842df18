"""Contacts: identity, merge rules, and the parts of a typed name.

Identity (reference: OnceHub 8.6): e-mail, else mobile phone when there is no e-mail, else always new.
Merge: missing values are added, newer values replace older ones, a blank never erases.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import phonenumbers
from attrs import field, frozen
from nameparser import HumanName


@frozen
class Contact:
    """A person who books. `id` is our public id (written into the CRM as "Contact id").

    `name` is as typed; `first_name` and `last_name` are its parts, and `last_name` is never empty when
    `name` is not. `former_emails` are addresses (`email_key`) that somebody here has corrected to the present one.
    """

    id: str
    email: str = ""
    name: str = ""
    first_name: str = ""
    last_name: str = ""
    salutation: str = ""
    phone: str = ""
    mobile_phone: str = ""
    company: str = ""
    job_title: str = ""
    street: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""
    time_zone: str = ""
    status: str = ""
    custom: Mapping[str, Any] = field(factory=dict)
    updated_at: datetime | None = None
    former_emails: tuple[str, ...] = ()
    #: the parts of the name that some CRMs keep apart: `first_name` is given and middle, `last_name` family and suffix
    given_name: str = ""
    middle_name: str = ""
    family_name: str = ""
    suffix: str = ""

    @property
    def location(self) -> str:
        """State and country, as far as they are known."""
        return ", ".join(part for part in (self.state, self.country) if part)


@frozen
class NameParts:
    """A typed name in parts. `first` holds all given names, `middle` being the later ones, so that none is lost."""

    salutation: str
    first: str
    last: str
    suffix: str = ""
    middle: str = ""


@lru_cache(maxsize=4096)
def split_name(typed: str) -> NameParts:
    """Split a typed name. No last name found → the whole name is the last name.

    The parser is trusted only when no word of the typed name gets lost in its parts; otherwise the
    name is split at its last space.
    """
    whole = " ".join(typed.split())
    if not whole:
        return NameParts("", "", "")
    parsed = HumanName(whole)
    first = " ".join(part for part in (parsed.first, parsed.middle) if part)
    last = str(parsed.last)
    kept = f"{parsed.title} {first} {last} {parsed.suffix}"
    if last and _words(kept) == _words(whole):
        # without a first name the middle one is all there is
        middle = str(parsed.middle) if parsed.first else ""
        return NameParts(str(parsed.title), first, last, str(parsed.suffix), middle)
    if "," in whole or " " not in whole or not (first or last):
        return NameParts("", "", whole)
    head, tail = whole.rsplit(" ", 1)
    return NameParts("", head, tail)


def _words(text: str) -> list[str]:
    return sorted(word for word in text.replace(",", " ").split() if word)


def email_key(email: str) -> str:
    """The form in which two spellings of one address are equal: trimmed, lower case."""
    return email.strip().lower()


def identity_email(email: str) -> str:
    """The key that a typed address identifies a person by; empty for what cannot be an address ("n/a")."""
    key = email_key(email)
    local, at, domain = key.rpartition("@")
    plausible = bool(local and at and domain) and len(key) <= 254 and len(key.split()) == 1
    return key if plausible else ""


def identity_mobile(number: str) -> str:
    """The E.164 form that a typed mobile number identifies a person by; empty where it has none."""
    key = mobile_key(number)
    return key if key.startswith("+") and len(key) <= 16 else ""


# one event asks for the same number several times
@lru_cache(maxsize=1024)
def mobile_key(number: str, region: str = "") -> str:
    """A phone number as E.164, or its digits when it cannot be parsed; empty for an empty number."""
    text = number.strip()
    if not text:
        return ""
    try:
        parsed = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        digits = "".join(ch for ch in text if ch.isdigit())
        return digits
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


#: fewer digits than this are an extension or a joke, and would match strangers
_FEWEST_DIGITS = 6
#: a CRM's phone field holds no more
_LONGEST_NUMBER = 40


@lru_cache(maxsize=4096)
def phone_spellings(number: str, region: str = "") -> tuple[str, ...]:
    """Every spelling under which a CRM may hold this number: E.164, international, national, digits.

    None for what is no number ("n/a"), is longer than any, or holds what no query can carry.
    """
    text = number.strip()
    digits = "".join(ch for ch in text if ch.isdigit())
    if len(digits) < _FEWEST_DIGITS or len(text) > _LONGEST_NUMBER or not text.isprintable():
        return ()
    try:
        parsed = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        return tuple(dict.fromkeys((text, digits)))
    formats = phonenumbers.PhoneNumberFormat
    e164 = phonenumbers.format_number(parsed, formats.E164)
    spelled = (
        text,
        e164,
        phonenumbers.format_number(parsed, formats.INTERNATIONAL),
        phonenumbers.format_number(parsed, formats.NATIONAL),
        e164.lstrip("+"),
        "".join(ch for ch in phonenumbers.format_number(parsed, formats.NATIONAL) if ch.isdigit()),
    )
    return tuple(dict.fromkeys(spelled))


# --- values that remember who said them ---

#: name of a value → (value, order key of the fact or edit that said so); custom ones as `custom.<identifier>`
Fields = Mapping[str, tuple[Any, str]]

CUSTOM = "custom."

#: the values of a contact that facts and people may set
SETTABLE = (
    "email",
    "name",
    "phone",
    "mobile_phone",
    "company",
    "salutation",
    "job_title",
    "street",
    "city",
    "state",
    "postal_code",
    "country",
    "time_zone",
    "status",
)


def stamped(values: Mapping[str, Any], stamp: str) -> dict[str, tuple[Any, str]]:
    """These values as said at `stamp`; blanks are left out, so that they never erase."""
    return {name: (value, stamp) for name, value in values.items() if value not in ("", None, (), [])}


def merge(one: Fields, other: Fields) -> dict[str, tuple[Any, str]]:
    """Both maps together, the newer stamp winning for each value. Commutative and idempotent."""
    merged = dict(one)
    for name, (value, stamp) in other.items():
        if name not in merged or merged[name][1] < stamp:
            merged[name] = (value, stamp)
    return merged


def values_of(fields: Fields) -> dict[str, Any]:
    """The values alone, without who said them."""
    return {name: value for name, (value, _) in fields.items()}


def is_other_name(there: str, contact: Contact) -> bool:
    """Whether a whole name that stands somewhere is not the contact's: no last name in common, or other first names.

    An initial stands for any name that begins with it, and a missing name for every one.
    """
    words, last, first = _name_words(there), _name_words(contact.last_name), _name_words(contact.first_name)
    if not words or not last:
        return False
    others = words - last
    if others == words:
        return True
    return bool(others and first) and not any(_may_be_same(one, other) for one in others for other in first)


def _name_words(name: str) -> frozenset[str]:
    return frozenset(name.casefold().replace(".", " ").replace("-", " ").split())


def _may_be_same(one: str, other: str) -> bool:
    return one == other or (min(len(one), len(other)) == 1 and one[0] == other[0])


def tidy_email(email: str) -> str:
    """An address as typed, its domain in lower case."""
    local, at, domain = email.strip().rpartition("@")
    return f"{local}{at}{domain.lower()}"


def contact_of(public_id: str, fields: Fields, updated_at: datetime | None = None) -> Contact:
    """The contact that a map of values makes; the parts of the name come from the typed name."""
    said = values_of(fields)
    parts = split_name(str(said.get("name", "")))
    known: dict[str, Any] = {name: str(said[name]) for name in SETTABLE if name in said}
    known.setdefault("salutation", parts.salutation)
    # a suffix belongs to no field of its own; it stays with the last name, so that no word is lost
    last_name = " ".join(part for part in (parts.last, parts.suffix) if part)
    custom = {name.removeprefix(CUSTOM): value for name, value in said.items() if name.startswith(CUSTOM)}
    return Contact(
        id=public_id,
        first_name=parts.first,
        last_name=last_name,
        given_name=parts.first.removesuffix(parts.middle).rstrip() if parts.middle else parts.first,
        middle_name=parts.middle,
        family_name=parts.last,
        suffix=parts.suffix,
        custom=custom,
        updated_at=updated_at,
        **known,
    )
