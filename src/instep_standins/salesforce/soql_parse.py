"""SOQL text → a query, by a tokenizer and a recursive parser; what the text means is soql_run's matter.

Covers SELECT fields, relationship paths, FIELDS(…), COUNT(); WHERE with AND, OR, NOT, parentheses, comparisons, LIKE,
IN, NOT IN; ORDER BY, LIMIT, OFFSET. As in Salesforce AND and OR do not mix without parentheses.
"""

import re
from typing import Any

import attrs

from . import errors
from .errors import ApiError, refuse

LONGEST_STATEMENT = 100_000
LONGEST_STRING = 4_000

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
    | (?P<date>\d{4}-\d\d-\d\d)
    | (?P<number>[+-]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)
    | (?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?::\d+)?)
    | (?P<op><=|>=|!=|<>|=|<|>|\(|\)|,)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "'": "'", '"': '"', "\\": "\\"}
_COMPARISONS = {"=": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


@attrs.frozen
class Token:
    kind: str
    text: str
    at: int


@attrs.frozen
class Path:
    """A field or relationship path as written; `at` is its offset in the statement."""

    parts: tuple[str, ...]
    at: int

    @property
    def text(self) -> str:
        return ".".join(self.parts)


@attrs.frozen
class Literal:
    """kind: string, number, boolean, null, date, datetime, or relative (a date word such as TODAY)."""

    kind: str
    value: Any
    at: int


@attrs.frozen
class Compare:
    path: Path
    op: str
    value: Literal


@attrs.frozen
class Among:
    path: Path
    negated: bool
    values: tuple[Literal, ...]


@attrs.frozen
class Both:
    """AND or OR of two and more conditions."""

    all: bool
    parts: tuple[Any, ...]


@attrs.frozen
class Not:
    part: Any


@attrs.frozen
class Order:
    path: Path
    descending: bool
    nulls_first: bool


@attrs.frozen
class Query:
    text: str
    select: tuple[Path, ...]
    source: Path
    where: Any = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
    count: bool = False
    every_field: str | None = None  # ALL, STANDARD or CUSTOM of FIELDS(…)


def place(text: str, at: int) -> str:
    """The head of a message about one place of the statement: the line, a caret, row and column."""
    begin = max(0, at - 60)
    shown = text[begin : at + 60].replace("\n", " ")
    row = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    return f"\n{shown}\n{' ' * (at - begin)}^\nERROR at Row:{row}:Column:{column}\n"


def malformed(text: str, at: int, message: str) -> ApiError:
    return refuse(400, errors.MALFORMED_QUERY, place(text, at) + message)


def _tokens(text: str) -> list[Token]:
    found, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if not match:
            rest = len(text) - len(text[at:].lstrip())
            if text[rest] == "'":
                raise malformed(text, rest, "unexpected end of string: a quote is not closed")
            raise malformed(text, rest, f"unexpected token: '{text[rest]}'")
        kind = match.lastgroup or ""
        found.append(Token(kind, match.group(kind), match.start(kind)))
        at = match.end()
    found.append(Token("end", "<EOF>", end))
    return found


class _Parser:
    """Reads tokens from left to right; `next` is the one not yet consumed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = _tokens(text)
        self._at = 0

    @property
    def next(self) -> Token:
        return self._tokens[self._at]

    def fail(self, token: Token | None = None) -> ApiError:
        token = token or self.next
        said = "unexpected end of query" if token.kind == "end" else f"unexpected token: '{token.text}'"
        return malformed(self.text, token.at, said)

    def take(self) -> Token:
        token = self.next
        self._at += 1
        return token

    def is_word(self, *words: str, ahead: int = 0) -> bool:
        token = self._tokens[min(self._at + ahead, len(self._tokens) - 1)]
        return token.kind == "name" and token.text.upper() in words

    def is_op(self, op: str, ahead: int = 0) -> bool:
        token = self._tokens[min(self._at + ahead, len(self._tokens) - 1)]
        return token.kind == "op" and token.text == op

    def word(self, *words: str) -> bool:
        """Consume the words where they come next."""
        if all(self.is_word(word, ahead=i) for i, word in enumerate(words)):
            self._at += len(words)
            return True
        return False

    def need_word(self, *words: str) -> None:
        if not self.word(*words):
            raise self.fail()

    def need_op(self, op: str) -> None:
        if not self.is_op(op):
            raise self.fail()
        self._at += 1

    def path(self) -> Path:
        if self.next.kind != "name" or ":" in self.next.text:
            raise self.fail()
        token = self.take()
        return Path(tuple(token.text.split(".")), token.at)

    def whole_number(self) -> int:
        if self.next.kind != "number" or not self.next.text.isdigit():
            raise self.fail()
        return int(self.take().text)

    # -- the grammar ------------------------------------------------------------------------------

    def query(self) -> Query:
        self.need_word("SELECT")
        select, count, every = self.selection()
        self.need_word("FROM")
        source = self.path()
        where = self.condition() if self.word("WHERE") else None
        order = self.ordering() if self.word("ORDER", "BY") else ()
        limit = self.whole_number() if self.word("LIMIT") else None
        offset = self.whole_number() if self.word("OFFSET") else 0
        if self.next.kind != "end":
            raise self.fail()
        return Query(self.text, select, source, where, order, limit, offset, count, every)

    def selection(self) -> tuple[tuple[Path, ...], bool, str | None]:
        if self.is_word("COUNT") and self.is_op("(", 1) and self.is_op(")", 2):
            self._at += 3
            return (), True, None
        if self.is_word("FIELDS") and self.is_op("(", 1):
            self._at += 2
            word = self.take()
            if word.text.upper() not in ("ALL", "STANDARD", "CUSTOM"):
                raise self.fail(word)
            self.need_op(")")
            return (), False, word.text.upper()
        paths = [self.path()]
        while self.is_op(","):
            self.take()
            paths.append(self.path())
        return tuple(paths), False, None

    def condition(self) -> Any:
        """One condition, or several joined by one and the same word."""
        if self.is_word("NOT"):
            self.take()
            return Not(self.simple())
        parts, joined = [self.simple()], None
        while self.is_word("AND", "OR"):
            word = self.next.text.upper()
            if joined not in (None, word):
                raise self.fail()
            joined = word
            self.take()
            parts.append(self.simple())
        return parts[0] if joined is None else Both(joined == "AND", tuple(parts))

    def simple(self) -> Any:
        if self.is_op("("):
            self.take()
            inner = self.condition()
            self.need_op(")")
            return inner
        if self.is_word("NOT"):
            raise self.fail()
        return self.comparison()

    def comparison(self) -> Any:
        path = self.path()
        if self.next.kind == "op" and self.next.text in _COMPARISONS:
            return Compare(path, _COMPARISONS[self.take().text], self.literal())
        if self.word("LIKE"):
            return Compare(path, "LIKE", self.literal())
        negated = self.word("NOT")
        self.need_word("IN")
        self.need_op("(")
        values = [self.literal()]
        while self.is_op(","):
            self.take()
            values.append(self.literal())
        self.need_op(")")
        return Among(path, negated, tuple(values))

    def literal(self) -> Literal:
        token = self.take()
        if token.kind == "string":
            return Literal("string", self.string(token), token.at)
        if token.kind in ("date", "datetime"):
            return Literal(token.kind, token.text, token.at)
        if token.kind == "number":
            value = float(token.text) if re.search(r"[.eE]", token.text) else int(token.text)
            return Literal("number", value, token.at)
        if token.kind == "name" and token.text.upper() in ("TRUE", "FALSE"):
            return Literal("boolean", token.text.upper() == "TRUE", token.at)
        if token.kind == "name" and token.text.upper() == "NULL":
            return Literal("null", None, token.at)
        if token.kind == "name" and "." not in token.text:
            return Literal("relative", token.text.upper(), token.at)
        raise self.fail(token)

    def string(self, token: Token) -> str:
        """The value of a quoted string. `\\_` and `\\%` stay as written: they mean something to LIKE only."""
        raw = token.text[1:-1]
        if len(raw) > LONGEST_STRING:
            raise malformed(self.text, token.at, f"string literal is longer than {LONGEST_STRING} characters")

        def replace(found: re.Match[str]) -> str:
            char = found.group(1)
            if char in "_%":
                return found.group(0)
            if char.lower() == "u" and found.group(2):
                return chr(int(found.group(2), 16))
            if char not in _ESCAPES:
                raise malformed(self.text, token.at + found.start(), f"Illegal string escape: '\\{char}'")
            return _ESCAPES[char]

        return re.sub(
            r"\\([uU](?=([0-9a-fA-F]{4}))|.)((?<=[uU])[0-9a-fA-F]{4})?", replace, raw, flags=re.DOTALL
        )

    def ordering(self) -> tuple[Order, ...]:
        orders = []
        while True:
            path = self.path()
            descending = self.word("DESC")
            if not descending:
                self.word("ASC")
            nulls_first = not descending
            if self.word("NULLS"):
                nulls_first = self.word("FIRST")
                if not nulls_first:
                    self.need_word("LAST")
            orders.append(Order(path, descending, nulls_first))
            if not self.is_op(","):
                return tuple(orders)
            self.take()


def parse(text: str) -> Query:
    """The query of a statement. Raises ApiError 400 MALFORMED_QUERY."""
    if len(text) > LONGEST_STATEMENT:
        raise refuse(
            400,
            errors.MALFORMED_QUERY,
            f"SOQL statements cannot be longer than {LONGEST_STATEMENT:,} characters",
        )
    if "\x00" in text:
        raise refuse(400, errors.MALFORMED_QUERY, "SOQL statements cannot contain NUL characters")
    return _Parser(text).query()
