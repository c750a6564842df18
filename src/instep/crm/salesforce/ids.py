"""Record ids: 15 characters that differ in case, or 18 with a checksum that repairs a lost case."""

from __future__ import annotations

import re

from instep.crm.salesforce.names import ID_PREFIXES

_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?\Z")
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def is_id(text: str) -> bool:
    """Whether the text has the shape of a record id."""
    return bool(_ID.match(text))


def long_id(text: str) -> str:
    """The 18-character form; what is not an id comes back as it is (reference 3.1)."""
    if len(text) != 15 or not is_id(text):
        return text
    blocks = (text[0:5], text[5:10], text[10:15])
    marks = (sum(1 << j for j, char in enumerate(block) if "A" <= char <= "Z") for block in blocks)
    return text + "".join(_CHECK[mark] for mark in marks)


def checked_id(text: str) -> str:
    """An id that came from outside in its long form, or nothing where it cannot be one.

    With 18 characters the last three must fit the others. Only an id that has lost its case as a whole, as some mail
    programs do to addresses, is repaired by them.
    """
    text = text.strip()
    if not is_id(text):
        return ""
    if len(text) == 15:
        return long_id(text)
    if long_id(text[:15]) == text:
        return text
    repaired = _with_case(text) if text in (text.lower(), text.upper()) else ""
    return repaired if repaired and long_id(repaired[:15]) == repaired else ""


def _with_case(text: str) -> str:
    """An id whose letters have the case that its last three characters say."""
    checks = text[15:].upper()
    if not set(checks) <= set(_CHECK):
        return ""
    capital = [bool(_CHECK.index(check) >> place & 1) for check in checks for place in range(5)]
    letters = (
        char.upper() if large else char.lower() for char, large in zip(text[:15], capital, strict=True)
    )
    return "".join(letters) + checks


def object_of(record_id: str) -> str:
    """The object that an id's prefix names, empty for objects we do not write."""
    return ID_PREFIXES.get(record_id[:3], "")
