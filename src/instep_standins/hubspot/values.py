"""Property values as they are sent: checked, and turned to the strings that are kept."""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from . import errors, times
from .errors import Problem
from .schema import ObjectType, Property

if TYPE_CHECKING:
    from .portal import Portal

_EMAIL = re.compile(r"[^@\s<>(),;:\"\[\]]+@[^@\s.<>(),;:\"\[\]]+(\.[^@\s.<>(),;:\"\[\]]+)+")
_MOST_DIGITS = 30
LONGEST = 65_536  # characters of a text


def as_text(value: Any) -> str:
    """JSON's numbers and booleans as HubSpot keeps them. Raises TypeError for objects and lists."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(int(value)) if float(value).is_integer() else str(value)
    if isinstance(value, str):
        return value
    raise TypeError(value)


def _bool(held: Property, text: str) -> str | Problem:
    if text.lower() in ("true", "false"):
        return text.lower()
    return Problem(held.name, errors.INVALID_OPTION,
                   f"{text} was not one of the allowed options: [true, false]")  # fmt: skip


def _number(held: Property, text: str) -> str | Problem:
    try:
        number = Decimal(text.strip())
        if (
            re.fullmatch(r"[-+]?[\d.]+([eE][-+]?\d+)?", text.strip())
            and abs(number.adjusted()) <= _MOST_DIGITS
        ):
            return format(number.normalize(), "f") if "e" in text.lower() else text.strip()
    except InvalidOperation:
        pass
    return Problem(held.name, errors.INVALID_FLOAT, f"{text} was not a valid number.")


def _moment(held: Property, text: str) -> str | Problem:
    try:
        return times.told(times.read(text))
    except ValueError:
        return Problem(held.name, errors.INVALID_LONG, f"{text} was not a valid long.")


def _day(held: Property, text: str) -> str | Problem:
    try:
        at = times.read(text)
    except ValueError:
        return Problem(held.name, errors.INVALID_DATE, f"{text} was not a valid date.")
    if (at.hour, at.minute, at.second, at.microsecond) != (0, 0, 0, 0):
        return Problem(
            held.name, errors.INVALID_DATE, f"{times.milliseconds(at)} is at {at:%H:%M:%S} UTC, not midnight!"
        )
    return f"{at:%Y-%m-%d}"


def _text(held: Property, text: str) -> str | Problem:
    if held.name == "email":
        address = text.strip().lower()
        if not _EMAIL.fullmatch(address):
            return Problem(held.name, errors.INVALID_EMAIL, f"Email address {text} is invalid")
        return address
    if len(text) > LONGEST:
        return Problem(held.name, "PROPERTY_VALUE_TOO_LONG",
                       f"The value is {len(text)} characters long, more than {LONGEST}")  # fmt: skip
    return text


_READERS = {"bool": _bool, "number": _number, "datetime": _moment, "date": _day}


def _owner(portal: "Portal", held: Property, text: str) -> str | Problem:
    for one in text.split(";") if held.many else [text]:
        owner = portal.owner(one)
        if owner is None or owner["archived"]:
            return Problem(held.name, errors.INVALID_OWNER_ID, f"Owner {one} does not exist or is not active")
    return text


def _choice(portal: "Portal", kind: str, held: Property, text: str, now: str) -> str | Problem:
    """An enumeration's value; several are split by semicolons, and a leading one adds to what is there."""
    options = portal.options(held, kind)
    allowed = {one.value for one in options}
    parts = [one.strip() for one in text.split(";") if one.strip()] if held.many else [text]
    for one in parts:
        if one not in allowed and not held.free:
            listed = ", ".join(option.value for option in options)
            return Problem(
                held.name, errors.INVALID_OPTION, f"{one} was not one of the allowed options: [{listed}]"
            )
    if held.many:
        before = [one for one in now.split(";") if one] if text.startswith(";") else []
        return ";".join(dict.fromkeys([*before, *parts]))
    return text


def _read(portal: "Portal", kind: str, held: Property, text: str, now: str) -> str | Problem:
    if text == "":
        return ""
    if held.reference in ("owner", "owners"):
        return _owner(portal, held, text)
    if held.kind == "enumeration":
        return _choice(portal, kind, held, text, now)
    return _READERS.get(held.kind, _text)(held, text)


def _decimal(text: str) -> Decimal:
    """0 for a text that is no number: rules of numbers may be set on texts."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal(0)


_BREAKS: dict[str, Callable[[str, list[str]], bool]] = {
    "REGEX": lambda text, given: not re.fullmatch(given[0], text),
    "ALPHANUMERIC": lambda text, given: not text.replace(" ", "").isalpha(),
    "MIN_LENGTH": lambda text, given: len(text) < Decimal(given[0]),
    "MAX_LENGTH": lambda text, given: len(text) > Decimal(given[0]),
    "MIN_NUMBER": lambda text, given: _decimal(text) < Decimal(given[0]),
    "MAX_NUMBER": lambda text, given: _decimal(text) > Decimal(given[0]),
    "EMAIL_ALLOWED_DOMAINS": lambda text, given: text.rpartition("@")[2] not in given,
    "EMAIL_BLOCKED_DOMAINS": lambda text, given: text.rpartition("@")[2] in given,
}


def is_rule(rule: Any) -> bool:
    """Whether an admin's rule can be asked: its arguments are of the kind that it compares with."""
    if not isinstance(rule, dict) or not isinstance(rule.get("ruleType"), str):
        return False
    given = rule.get("ruleArguments") or [""]
    try:
        re.compile(str(given[0])) if rule["ruleType"] == "REGEX" else None
        Decimal(str(given[0])) if rule["ruleType"].startswith(("MIN", "MAX")) else None
    except (re.error, InvalidOperation, TypeError, KeyError):
        return False
    return isinstance(given, list)


def _rules(portal: "Portal", kind: str, name: str, text: str) -> Iterator[Problem]:
    """What the admin's own rules say of a value."""
    for rule in portal.settings.validations.get(f"{kind}.{name}", []):
        what, given = rule["ruleType"], [str(one) for one in rule.get("ruleArguments") or [""]]
        breaks = _BREAKS.get(what)
        if breaks and breaks(text, given):
            code, words = _RULE_TOLD[what]
            yield Problem(name, code, words.format(value=text, rule=given[0]))


_RULE_TOLD = {
    "ALPHANUMERIC": ("INVALID_ALPHA", "Enter only letters"),
    "REGEX": ("INVALID_REGEX", "{value} does not match the pattern {rule}"),
    "MIN_LENGTH": ("INVALID_MIN_LENGTH", "Enter at least {rule} characters"),
    "MAX_LENGTH": ("INVALID_MAX_LENGTH", "Enter at most {rule} characters"),
    "MIN_NUMBER": ("INVALID_MIN_NUMBER", "Enter a number of at least {rule}"),
    "MAX_NUMBER": ("INVALID_MAX_NUMBER", "Enter a number of at most {rule}"),
    "EMAIL_BLOCKED_DOMAINS": ("INVALID_EMAIL_DOMAIN", "The domain of {value} is not allowed"),
    "EMAIL_ALLOWED_DOMAINS": ("INVALID_EMAIL_DOMAIN", "The domain of {value} is not allowed"),
}


def read(
    portal: "Portal", otype: ObjectType, given: dict[str, Any], current: dict[str, str]
) -> tuple[dict[str, str], list[Problem]]:
    """(values to keep, "" for a cleared one; what is not valid)."""
    kept: dict[str, str] = {}
    problems: list[Problem] = []
    for name, value in given.items():
        held = portal.property(otype.name, name)
        if held is None:
            problems.append(Problem(name, errors.PROPERTY_DOESNT_EXIST, f'Property "{name}" does not exist'))
            continue
        if held.read_only:
            problems.append(
                Problem(
                    name,
                    errors.READ_ONLY_VALUE,
                    f'"{name}" is a read only property; its value cannot be set.',
                )
            )
            continue
        try:
            text = as_text(value)
        except TypeError:
            raise errors.bad_json(
                1, 1, f"Cannot deserialize the value of the property {name} from an object"
            ) from None
        found = _read(portal, otype.name, held, text, current.get(name, ""))
        if isinstance(found, Problem):
            problems.append(found)
            continue
        problems += _rules(portal, otype.name, name, found) if found else []
        kept[name] = found
    return kept, problems
