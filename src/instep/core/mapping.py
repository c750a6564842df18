"""From a source value to a CRM field: rows, conversion, and when two wire values are equal.

Conversions follow the supported-types table (reference: OnceHub 2.4.3). A value that cannot be
written is never sent: it is left out with the reason, or cut with a note.
"""

from __future__ import annotations

import html
import re
import sys
import unicodedata
from datetime import UTC, date, datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from attrs import evolve, frozen

from instep.core.composed import day_time
from instep.core.crm_schema import LOCATION, NUMERIC, Field, ObjectSchema
from instep.core.picklists import not_a_choice, option_of

#: the value for a required field that nothing else fills (reference: OnceHub 2.3)
DEFAULT_TEXT = "Unspecified"


@frozen
class Row:
    """One mapping row: source field → CRM field.

    `source` is a catalogue key (`static:Web` is a fixed value), or empty for a row that only holds a fallback.
    `overwrite` matters on person objects and accounts only; `fallback` is used when the source is empty.
    """

    source: str
    field: str
    overwrite: bool = False
    fallback: str | None = None


@frozen(slots=False)
class Converted:
    """A wire value ready to send. `note` says what was changed; `refused` why it cannot be sent."""

    value: Any = None
    note: str = ""
    refused: str = ""


#: a union of types would be put together anew at each look
_MANY = (list, tuple)


def is_blank(value: Any) -> bool:
    """None, empty text and white space are blank; zero and False are values."""
    if value is None or value == "":
        return True
    if isinstance(value, str):
        return value.isspace()
    return not value and isinstance(value, _MANY)


def convert(value: Any, target: Field, where: tzinfo = UTC) -> Converted:
    """Turn a source value into the wire value of `target`; `where` is the zone for dates of a moment."""
    if is_blank(value):
        return Converted(None)
    kind = target.type
    if kind in _TEXTS:
        text = day_time(value, where) if isinstance(value, datetime) else _as_text(value)
        # with lists of states and countries switched on, their texts take nothing else either
        return _picklist(text, target) if target.picklist and target.restricted else _text(text, target)
    if kind == "email":
        return _email(value, target)
    if kind in ("date", "datetime"):
        return _moment(value, kind, where)
    if target.axis:
        return _coordinate(value, target)
    if kind in NUMERIC:
        return _number(value, target)
    if kind == "boolean":
        return _boolean(value)
    if kind == "picklist":
        return _picklist(_as_text(value), target)
    if kind == "multipicklist":
        return _multi(value, target)
    return Converted(refused=f"{target.label}: fields of type {kind} cannot be filled by a mapping.")


_TEXTS = frozenset({"string", "textarea", "phone", "url", "combobox"})


def room(target: Field) -> int:
    """How many characters of a printable fingerprint the field takes as they are; 0 where all is converted.

    Most values are such texts, so that nothing has to be converted for them.
    """
    if target.type not in _TEXTS or target.html or target.restricted:
        return 0
    return target.length or sys.maxsize


def is_wire_moment(value: Any, target: Field) -> bool:
    """Whether the fingerprint of a value is its wire value too: a moment for a field of moments."""
    return (
        isinstance(value, datetime)
        and target.type == "datetime"
        and value.tzinfo is not None
        and _FIRST_YEAR < value.year < _LAST_YEAR
    )


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        text = value
    elif isinstance(value, datetime):
        return wire_datetime(value)
    elif isinstance(value, bool):
        return "Yes" if value else "No"
    elif isinstance(value, _MANY):
        text = ", ".join(str(part) for part in value)
    else:
        text = str(value)
    if text.isprintable():
        # most texts are: they hold neither line ends nor anything invisible
        return text.strip()
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_INVISIBLE).strip()


#: control characters that no form means and some CRMs refuse; line ends and tabs stay
_INVISIBLE = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127])


def _text(text: str, target: Field) -> Converted:
    kind = target.type
    if target.html:
        return _rich(text, target)
    if kind != "textarea":
        # single-line fields hold no line ends: the CRM would alter them and every look would differ
        text = text.replace("\n", " ")
    if target.length and len(text) > target.length:
        if kind == "url":
            return Converted(refused=f"{target.label}: longer than {target.length} characters.")
        cut = text[: target.length].rstrip()
        return Converted(cut, note=f"cut to {target.length} characters (was {len(text)})")
    return Converted(text)


def _rich(text: str, target: Field) -> Converted:
    """Plain text as HTML; what is too long is cut before it is escaped, so that no character is cut in two."""
    escaped = [_LINE_BREAK if ch == "\n" else html.escape(ch) for ch in text]
    whole = "".join(escaped)
    if not target.length or len(whole) <= target.length:
        return Converted(whole)
    room, kept = target.length, 0
    for part in escaped:
        if len(part) > room:
            break
        room, kept = room - len(part), kept + 1
    cut = "".join(escaped[:kept]).rstrip()
    return Converted(cut, note=f"cut to {target.length} characters of HTML (was {len(whole)})")


def plain_text(rich: str) -> str:
    """Rich text as it was before it was escaped."""
    return html.unescape(_LINE_BREAKS.sub("\n", rich))


def as_read(rich: str) -> str:
    """Rich text as people read it: without its marks, whoever wrote it."""
    lines = _MARKS.sub("", _LINE_ENDS.sub("\n", _LINE_BREAKS.sub("\n", rich)))
    return html.unescape(lines).strip()


def with_line(old: str, line: str, target: Field) -> str:
    """A text of this field (as it goes over the wire) with one more line, which survives where the text is cut."""
    if target.html:
        end = f"{_LINE_BREAK}{html.escape(line)}"
        room = target.length - len(end) if target.length else 0
        return f"{_rich(plain_text(old), evolve(target, length=room)).value}{end}"
    room = target.length - len(line) - 1 if target.length else sys.maxsize
    return f"{old[: max(0, room)].rstrip()}\n{line}"


_LINE_BREAK = "<br>"
_LINE_BREAKS = re.compile(r"\s*<br\s*/?>", re.IGNORECASE)
_LINE_ENDS = re.compile(r"</(?:p|div|li|h\d)\s*>\s*", re.IGNORECASE)
_MARKS = re.compile(r"</?[a-z][^>]*>", re.IGNORECASE)


# as strict as the CRM is known to be: one @, no spaces or quotes, a dot in the domain
_EMAIL = re.compile(r"[^@\s\"<>(),;:\\\[\]]+@[^@\s\"<>(),;:\\\[\]{}]+\.[^@\s\"<>(),;:\\\[\]{}.]+")


# a plan asks for one address several times
@lru_cache(maxsize=4096)
def is_email(text: str) -> bool:
    """Whether a CRM will take this as an e-mail address."""
    shaped = _EMAIL.fullmatch(text) is not None and ".." not in text and ".@" not in text
    return shaped and len(text) <= 80 and text.isprintable()


def _email(value: Any, target: Field) -> Converted:
    text = _as_text(value)
    if not is_email(text):
        return Converted(refused=f"{target.label}: “{text[:80]}” is not a valid e-mail address.")
    return Converted(text)


#: a count that any number field takes
_SURELY_FITS = 10**9
# thousands as the forms that people fill in write them; "1.234,50" is refused rather than guessed
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")


def _number(value: Any, target: Field) -> Converted:
    if (
        type(value) is int
        and abs(value) < _SURELY_FITS
        and target.type == "double"
        and not (target.precision or target.scale)
    ):
        return Converted(float(value))
    text, named = _bare_number(str(value), target)
    try:
        number = Decimal(text.replace(",", "") if _GROUPED.fullmatch(text) else text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        return Converted(refused=f"{target.label}: “{str(value)[:40]}” is not a number.")
    whole = target.type in ("int", "long")
    if whole:
        # the CRM takes whole numbers of 32 bits, and long ones of 64
        too_large = abs(number) >= 2 ** (31 if target.type == "int" else 63)
    else:
        too_large = abs(number) >= Decimal(10) ** ((target.precision or 18) - target.scale)
    if too_large:
        return Converted(refused=f"{target.label}: “{str(value)[:40]}” is too large.")
    if whole:
        return Converted(int(number), note="" if number == int(number) else "decimals dropped")
    if not (target.precision or target.scale):
        return Converted(float(number), note=named)
    # rounded as the CRM does it, or every later look would find a difference
    kept = number.quantize(Decimal(1).scaleb(-target.scale), ROUND_HALF_UP)
    note = "" if kept == number else f"rounded to {target.scale} decimals"
    return Converted(float(kept), note="; ".join(filter(None, (named, note))))


_CURRENCY = re.compile(r"^([A-Z]{3})\s*(?=[\d+-])|(?<=\d)\s*([A-Z]{3})$")


def _bare_number(text: str, target: Field) -> tuple[str, str]:
    """The text without what people write around an amount or a share: `$ 5`, `EUR 5`, `5 %`; and a note.

    An amount is always in the currency of its record (Salesforce: CurrencyIsoCode).
    """
    text, note = text.strip(), ""
    if target.type == "currency":
        text = "".join(ch for ch in text if unicodedata.category(ch) != "Sc").strip()
        code = _CURRENCY.search(text)
        if code is not None:
            text = _CURRENCY.sub("", text)
            note = f"“{code[1] or code[2]}” is not written: the record's own currency counts"
    return text.removesuffix("%").strip(), note


_BETWEEN = re.compile(r"\s*[,;]\s*|\s+")
_FURTHEST = {"latitude": 90, "longitude": 180}


def _coordinate(value: Any, target: Field) -> Converted:
    """One half of a geolocation: of a text `48.2, 16.37` its own part; a number alone is that part."""
    parts = [part for part in _BETWEEN.split(str(value).strip().strip("()").replace("°", "")) if part]
    if len(parts) > 2:
        return Converted(refused=f"{target.label}: “{str(value)[:60]}” is not “latitude, longitude”.")
    part = parts[0 if target.axis == "latitude" else len(parts) - 1] if parts else ""
    done = _number(part, target)
    if done.refused or abs(done.value) <= _FURTHEST[target.axis]:
        return done
    return Converted(refused=f"{target.label}: {part} is beyond {_FURTHEST[target.axis]} degrees.")


def wire_datetime(at: datetime) -> str:
    """A moment as the CRM takes it: UTC, whole seconds (more the CRM does not keep), `Z`."""
    return f"{at.astimezone(UTC).isoformat(timespec='seconds')[:19]}.000Z"


# years that a CRM's dates reach, and a year of room for time zones
_FIRST_YEAR, _LAST_YEAR = 1701, 3999


def _moment(value: Any, kind: str, where: tzinfo) -> Converted:
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
    except ValueError:
        return Converted(refused=f"“{str(value)[:40]}” is not a date in ISO form.")
    if not _FIRST_YEAR < at.year < _LAST_YEAR:
        return Converted(refused=f"“{str(value)[:40]}” is a date that the CRM cannot hold.")
    if at.tzinfo is None:
        at = at.replace(tzinfo=where)
    return Converted(at.astimezone(where).date().isoformat() if kind == "date" else wire_datetime(at))


_TRUE, _FALSE = frozenset({"true", "yes", "1", "on"}), frozenset({"false", "no", "0", "off"})


def _boolean(value: Any) -> Converted:
    text = str(value).strip().lower()
    if text in _TRUE or text in _FALSE:
        return Converted(text in _TRUE)
    return Converted(refused=f"“{text[:40]}” is neither yes nor no.")


def _picklist(text: str, target: Field) -> Converted:
    found = option_of(text, target)
    if found is not None:
        return Converted(found.value)
    if target.restricted:
        return Converted(refused=not_a_choice(text, target))
    done = _text(_as_text(text), target)
    # an open list takes any text, and keeps it as a value that nobody can choose
    return done if done.note or not target.picklist else Converted(done.value, note="not in the field's list")


def _multi(value: Any, target: Field) -> Converted:
    parts = value if isinstance(value, _MANY) else str(value).split(";")
    done = [_picklist(str(part).strip().replace(";", ","), target) for part in parts if str(part).strip()]
    kept = [str(part.value) for part in done if not part.refused]
    refused = "; ".join(part.refused for part in done if part.refused)
    if not kept:
        return Converted(refused=refused)
    return Converted(";".join(dict.fromkeys(kept)), note=refused)


def default_for(target: Field, now: datetime) -> Converted:
    """The documented default of a required field that has neither value nor fallback."""
    kind = target.type
    if kind in ("string", "textarea", "combobox") and not target.restricted:
        return _text(DEFAULT_TEXT, target)
    fixed: dict[str, Any] = {
        **dict.fromkeys(NUMERIC, 0),
        "date": now.astimezone(UTC).date().isoformat(),
        "datetime": wire_datetime(now),
        "email": "email@example.com",
        "phone": "1234567890",
        "url": "http://NA",
    }
    if kind in fixed:
        return Converted(fixed[kind])
    return Converted(refused=f"{target.label} is required and has no value, no fallback and no default.")


def canonical(target: Field | None, wire: Any) -> Any:
    """The form in which two wire values that mean the same are equal.

    Blank is None, for a checkbox it is False; line ends, outer spaces and text beyond the field's length do
    not count; moments compare in UTC to the second, numbers by value, e-mail addresses without case, ids by
    their first 15 characters, several choices in any order, rich text however its characters are escaped.
    """
    kind = target.type if target is not None else "string"
    if is_blank(wire):
        return False if kind == "boolean" else None
    if kind == "datetime":
        return _instant(wire)
    if kind in NUMERIC:
        return float(wire)
    if kind == "boolean":
        return wire if isinstance(wire, bool) else str(wire).lower() == "true"
    if kind in ("reference", "id"):
        return str(wire)[:15]
    if kind == "date":
        return str(wire)[:10]
    text = str(wire).replace("\r\n", "\n").replace("\r", "\n").strip()
    if kind == "email":
        return text.lower()
    if kind == "multipicklist":
        # the CRM gives the choices back in the order of its own list
        return frozenset(part.strip() for part in text.split(";") if part.strip())
    if target is not None and target.html:
        # the CRM gives rich text back in tags of its own
        return plain_text(text).strip()
    if target is not None and target.length:
        text = text[: target.length].rstrip()
    return text


def _instant(wire: Any) -> datetime | str:
    try:
        at = wire if isinstance(wire, datetime) else datetime.fromisoformat(str(wire))
    except ValueError:
        return str(wire)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)


def same(target: Field | None, one: Any, other: Any) -> bool:
    """Whether two wire values mean the same to the CRM."""
    if type(one) is type(other) and one == other:
        return True
    return bool(canonical(target, one) == canonical(target, other))


def effective(rows: tuple[Row, ...], described: ObjectSchema) -> tuple[Row, ...]:
    """Rows as they are written: a geolocation's as its two parts, and names so that no word comes twice.

    A first name holds middle names too, and a last name its suffix, unless they have a row of their own.
    """
    sources = {row.source for row in rows}
    done: list[Row] = []
    for row in rows:
        target = described.get(row.field)
        alone = _ALONE.get(row.source)
        if alone is not None and alone[0] in sources:
            row = evolve(row, source=alone[1])
        parts = described.parts(target.name) if target is not None and target.type == LOCATION else ()
        done += [evolve(row, field=part.name) for part in parts] or [row]
    return tuple(done)


#: source → (the source that takes a part of it, what is left then)
_ALONE = {
    "contact.first_name": ("contact.middle_name", "contact.given_name"),
    "contact.last_name": ("contact.suffix", "contact.family_name"),
}


def fingerprint(value: Any) -> str:
    """A source value as comparable text: tells later whether the source has changed."""
    if type(value) is str and value.isprintable():
        # most values are such: nothing about them has to be put in order but their ends
        return value.strip()
    if is_blank(value):
        return ""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return _as_text(value)
