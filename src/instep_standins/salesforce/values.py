"""One JSON value of a request → the value that the org stores, or the error that Salesforce answers."""

import re
from typing import Any

from . import custom_fields, errors, ids, times
from .errors import RowError
from .schema import Field

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+"
_EMAIL = re.compile(rf"^{_ATOM}(?:\.{_ATOM})*@[A-Za-z0-9](?:[A-Za-z0-9\-]*\.)+[A-Za-z0-9\-]{{2,}}$", re.ASCII)
_TIME = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.\d{1,3})?)?Z?$", re.ASCII)
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")
_JAVA_TOKEN = {bool: "VALUE_FALSE", int: "VALUE_NUMBER_INT", float: "VALUE_NUMBER_FLOAT", str: "VALUE_STRING"}


def _not_deserialisable(kind: str, value: Any) -> RowError:
    token = "VALUE_TRUE" if value is True else _JAVA_TOKEN.get(type(value), "START_OBJECT")
    shown = "true" if value is True else "false" if value is False else value
    message = f"Cannot deserialize instance of {kind} from {token} value {shown}"
    return RowError(
        errors.JSON_PARSER_ERROR,
        f"{message} or request may be missing a required field at [line:1, column:2]",
        fields=None,
    )


def _text(field: Field, value: Any) -> str | None:
    if not isinstance(value, str):
        raise _not_deserialisable("string", value)
    if _NO_TEXT.search(value):
        raise RowError(
            errors.JSON_PARSER_ERROR, f"Illegal character (NUL or half a pair) in {field.name}", fields=None
        )
    # Salesforce trims text at both ends, and blank text is no text.
    value = value.strip()
    if not value:
        return None
    if field.length and len(value) > field.length:
        raise RowError(
            errors.STRING_TOO_LONG,
            f"{field.label}: data value too large: {value} (max length={field.length})",
            [field.name],
        )
    if field.type == "email" and not _EMAIL.match(value):
        raise RowError(
            errors.INVALID_EMAIL_ADDRESS, f"{field.label}: invalid email address: {value}", [field.name]
        )
    return value


def _picklist(field: Field, value: Any) -> str | None:
    text = _text(field, value)
    if text is None:
        return None
    known = {choice.value.lower(): choice.value for choice in field.choices}
    parts = text.split(";") if field.type == "multipicklist" else [text]
    if field.restricted:
        offered = {choice.value.lower() for choice in field.choices if choice.active}
        for part in parts:
            if part.strip().lower() not in offered:
                raise RowError(
                    errors.INVALID_RESTRICTED_PICKLIST,
                    f"{field.label}: bad value for restricted picklist field: {part}",
                    [field.name],
                )
    return ";".join(known.get(part.strip().lower(), part.strip()) for part in parts)


def _reference(field: Field, value: Any) -> str | None:
    if not isinstance(value, str):
        raise _not_deserialisable("reference", value)
    if not value.strip():
        return None
    normal = ids.normalise(value)
    if normal is None:
        raise RowError(
            errors.MALFORMED_ID, f"{field.label}: id value of incorrect type: {value}", [field.name]
        )
    return normal


def _number(field: Field, value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _not_deserialisable(field.type, value)
    if field.type == "int":
        if isinstance(value, float) and not value.is_integer():
            raise _not_deserialisable("int", value)
        if abs(value) >= 10 ** (field.digits or 9):
            raise RowError(
                errors.NUMBER_OUTSIDE_VALID_RANGE,
                f"{field.label}: value outside of valid range on numeric field: {value}",
                [field.name],
            )
        return int(value)
    if abs(value) >= 10 ** ((field.precision or 18) - field.scale):
        raise RowError(
            errors.NUMBER_OUTSIDE_VALID_RANGE,
            f"{field.label}: value outside of valid range on numeric field: {value}",
            [field.name],
        )
    most = custom_fields.bounds(field)
    if most is not None and abs(value) > most:
        raise RowError(
            errors.NUMBER_OUTSIDE_VALID_RANGE,
            f"{field.label}: value outside of valid range on numeric field: {value}",
            [field.name],
        )
    return round(float(value), field.scale)


def _time(field: Field, value: Any) -> str:
    found = _TIME.match(value) if isinstance(value, str) else None
    if not found:
        raise _not_deserialisable("time", value)
    return f"{found[1]}:{found[2]}:{found[3] or '00'}.000Z"


def coerce(field: Field, value: Any) -> Any:
    """The stored form of `value` for `field`; None clears. Raises RowError."""
    if field.type == "boolean":
        if value is None:
            raise RowError(
                errors.INVALID_TYPE_ON_FIELD,
                f"{field.label}: value not of required type: null",
                [field.name],
            )
        if not isinstance(value, bool):
            raise _not_deserialisable("boolean", value)
        return value
    if value is None:
        return None
    if field.type in ("reference", "id"):
        return _reference(field, value)
    if field.type in ("picklist", "multipicklist"):
        return _picklist(field, value)
    if field.is_text:
        return _text(field, value)
    if field.type in ("date", "datetime"):
        parsed = None
        if isinstance(value, str):
            parsed = (times.parse_date if field.type == "date" else times.parse_datetime)(value)
        if parsed is None:
            raise _not_deserialisable(field.type, value)
        return parsed
    if field.type == "time":
        return _time(field, value)
    return _number(field, value)
