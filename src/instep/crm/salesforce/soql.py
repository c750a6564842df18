"""SOQL statements: the only place where a value becomes part of a query."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import quote

from attrs import frozen

from instep.core.errors import Bug, InputError
from instep.core.lookup import ObjectLookup
from instep.crm.salesforce.names import CHATTER_USER, REFERENCE_OPENS, STANDARD_USER, USER

#: Characters that a statement may have, and each string in its WHERE (reference 2.8).
STATEMENT_CHARS = 100_000
STRING_CHARS = 4_000
#: Bytes of a GET's address: 16,384 with its headers, of which the token may take 2,000 and more.
ADDRESS_BYTES = 12_000

#: A field's name and a literal.
Condition = tuple[str, str]

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")

#: Control characters that have no escape in a query.
_UNHELD = re.compile(r"[\x00-\x07\x0b\x0e-\x1f]")
#: What statements are full of, the sign of an escape first: whole texts at a time, for a call each takes far longer.
_COMMON = {sign: quote(sign, safe="") for sign in "% ,='@()"}
#: What an address does not carry; escapes are made already.
_NOT_IN_ADDRESS = re.compile(rb"[^A-Za-z0-9_.~%-]")
#: A byte as an address carries it.
_PERCENT = {bytes((n,)): b"%%%02X" % n for n in range(256)}

#: Backslash first: each character is replaced once, so what an escape adds is never escaped again.
_ESCAPES = str.maketrans(
    {
        "\\": "\\\\",
        "'": "\\'",
        '"': '\\"',
        "\n": "\\n",
        "\r": "\\r",
        "\t": "\\t",
        "\b": "\\b",
        "\f": "\\f",
    }
)


def literal(value: str) -> str:
    """A string as a quoted SOQL literal; InputError for what no query can hold."""
    if _UNHELD.search(value):
        raise InputError(
            f"The value {value!r} contains a control character, which no Salesforce query can hold.",
            code="unreadable_value",
            cure="Correct the value in the booking.",
        )
    if len(value) > STRING_CHARS:
        raise InputError(
            f"The value {value[:40]!r}… is longer than the {STRING_CHARS} characters that a query may hold.",
            code="unreadable_value",
            cure="Correct the value in the booking.",
        )
    return f"'{value.translate(_ESCAPES)}'"


def quoted(text: str) -> str:
    """A text as an address carries it: `urllib.parse.quote(text, safe="")`, much faster for long ones."""
    for sign, escape in _COMMON.items():
        text = text.replace(sign, escape)
    return _NOT_IN_ADDRESS.sub(lambda found: _PERCENT[found[0]], text.encode()).decode("ascii")


def moment(value: str) -> str:
    """A date-time as a SOQL literal: ISO 8601 with its zone, without quotes."""
    if not _MOMENT.fullmatch(value):
        raise Bug(f"{value!r} is no moment in ISO 8601 with a zone.", code="bad_moment")
    return value


@frozen
class Statement:
    """One query and where it goes: `everything` includes deleted and archived rows (queryAll)."""

    soql: str
    object: str
    everything: bool = False

    def path(self, base: str) -> str:
        """The resource below /services/data/vXX.0 with the statement in its query string."""
        return f"{base}/{'queryAll' if self.everything else 'query'}?q={quoted(self.soql)}"

    @property
    def composable(self) -> bool:
        """Whether it may travel inside a Composite, where a reference would be replaced."""
        return REFERENCE_OPENS not in self.soql


def fits_statement(soql: str) -> bool:
    """Whether a Composite takes the statement."""
    return len(soql) <= STATEMENT_CHARS


def fits_address(soql: str) -> bool:
    """Whether a GET's address takes the statement."""
    return fits_statement(soql) and len(quoted(soql)) <= ADDRESS_BYTES


def statements(lookup: ObjectLookup, *, alone: bool = False) -> list[Statement]:
    """The queries for one object's look-up: one, more where the limits or a `@{` in a value ask for it.

    `alone`: every query is to go as a GET of its own. No keys, no query: nothing can match.
    """
    for name in (*lookup.keys, *lookup.moments, *lookup.select, *lookup.follow, lookup.object):
        _check_name(name)
    plain: list[Condition] = []
    hijacked: list[Condition] = []
    for name, values in lookup.keys.items():
        for value in dict.fromkeys(values):
            (hijacked if REFERENCE_OPENS in value else plain).append((name, literal(value)))
    plain += [(name, moment(v)) for name, values in lookup.moments.items() for v in dict.fromkeys(values)]
    head = _head(lookup)
    soqls = [
        *_pack(head, plain, fits_address if alone else fits_statement),
        *_pack(head, hijacked, fits_address),
    ]
    return [Statement(soql, lookup.object, lookup.include_deleted) for soql in soqls]


def user_statements(emails: Sequence[str] | None, *, alone: bool = False) -> list[Statement]:
    """All users who can own records, or whoever has one of the addresses, inactive and unlicensed ones too.

    Only people of the org itself: an org's customers in a portal are users too, by the hundred thousand.
    """
    select = _select(("Id", "Email", "Username", "Name", "IsActive", "UserType"), USER)
    if emails is None:
        return [Statement(f"{select}IsActive = true AND UserType = {literal(STANDARD_USER)}", USER)]
    head = f"{select}UserType IN ({literal(STANDARD_USER)}, {literal(CHATTER_USER)})"
    plain = [("Email", literal(e)) for e in dict.fromkeys(emails) if REFERENCE_OPENS not in e]
    hijacked = [("Email", literal(e)) for e in dict.fromkeys(emails) if REFERENCE_OPENS in e]
    soqls = [
        *_pack(f"{head} AND ", plain, fits_address if alone else fits_statement),
        *_pack(f"{head} AND ", hijacked, fits_address),
    ]
    return [Statement(soql, USER) for soql in soqls]


def equal(object_name: str, select: Sequence[str], values: Mapping[str, str]) -> Statement:
    """Records whose fields all have the given values."""
    where = " AND ".join(f"{name} = {literal(value)}" for name, value in values.items())
    return Statement(f"{_select(select, object_name)}{where}", object_name)


def _head(lookup: ObjectLookup) -> str:
    names = ["Id", *(name for name in lookup.select if name != "Id")]
    if lookup.include_deleted and "IsDeleted" not in names:
        names.append("IsDeleted")
    for relation, fields in lookup.follow.items():
        names += [f"{relation}.{name}" for name in ("Id", *(f for f in fields if f != "Id"))]
    return _select(names, lookup.object)


def _select(names: Sequence[str], object_name: str) -> str:
    return f"SELECT {', '.join(dict.fromkeys(names))} FROM {object_name} WHERE "  # noqa: S608 - SOQL


def _check_name(name: str) -> None:
    """Field names come from describes; anything else would be a way into the statement."""
    if not name.replace(".", "_").replace("_", "a").isalnum() or not name.isascii():
        raise Bug(f"{name!r} is no field name.", code="bad_field_name")


def _where(conditions: Sequence[Condition]) -> str:
    """(A IN ('x', 'y') OR B IN ('z')), values ready as literals."""
    by_field: dict[str, list[str]] = {}
    for name, value in conditions:
        by_field.setdefault(name, []).append(value)
    return "(" + " OR ".join(f"{name} IN ({', '.join(vs)})" for name, vs in by_field.items()) + ")"


def _pack(head: str, conditions: Sequence[Condition], fits: Callable[[str], bool]) -> Iterator[str]:
    """As few statements as fit: halve what does not fit."""
    if not conditions:
        return
    soql = head + _where(conditions)
    if fits(soql):
        yield soql
    elif len(conditions) > 1:
        middle = len(conditions) // 2
        yield from _pack(head, conditions[:middle], fits)
        yield from _pack(head, conditions[middle:], fits)
    else:
        raise InputError(
            f"The value {conditions[0][1][:40]!r}… is too long for a query of its own.",
            code="unreadable_value",
            cure="Correct the value in the booking.",
        )
