"""Formulas as admins write them, enough for validation and assignment rules: parsed once, never executed as code.

Text, numbers, TRUE and FALSE; field names, one step of relationship (Owner.Name), $User and $Profile; the operators
|| && ! = == <> != < > <= >= & + - * /; the functions of _FUNCTIONS.
"""

import functools
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import attrs

from .schema import SObject
from .tables import Record

if TYPE_CHECKING:
    from .org import Org

_LONGEST = 3900  # characters, as in Salesforce
_DEEPEST = 60
_MOST_TOKENS = 400  # a chain of operators is as deep as it is long
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<number>\d+(?:\.\d+)?)
    |(?P<name>\$?[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?)|(?P<op>\|\||&&|==|<>|!=|<=|>=|[=<>!&+\-*/(),]))""",
    re.VERBOSE,
)
# Operators that bind alike, the loosest first.
_LEVELS = (("||",), ("&&",), ("=", "==", "<>", "!=", "<", ">", "<=", ">="), ("+", "-", "&"), ("*", "/"))
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


@attrs.frozen
class Scope:
    """What a formula speaks of: a record as it will be, as it was (None for a new one), and who writes it."""

    org: "Org"
    object: SObject
    record: Record
    old: Record | None
    user_id: str

    def value(self, name: str, record: Record | None = None) -> Any:
        """The value of a name. Raises ValueError for one that means nothing."""
        head, _, tail = name.partition(".")
        if head.startswith("$"):
            return self._of_user(head, tail)
        if tail:
            return self._of_parent(head, tail)
        field = self.object.by_lower.get(name.lower())
        if field is None:
            raise ValueError(f"Field {name} does not exist on {self.object.name}. Check the spelling.")
        held = (self.record if record is None else record).get(field.name)
        return bool(held) if field.type == "boolean" else held

    def _of_user(self, head: str, name: str) -> Any:
        user = self.org.tables.get("User", self.user_id) or {}
        if head.lower() == "$profile":
            user = self.org.tables.get("Profile", user.get("ProfileId", "")) or {}
        elif head.lower() != "$user":
            raise ValueError(f"{head} is not known here; known are $User and $Profile.")
        obj = self.org.catalogue["Profile" if head.lower() == "$profile" else "User"]
        if name.lower() not in obj.by_lower:
            raise ValueError(f"{head} has no field {name}.")
        return user.get(obj.by_lower[name.lower()].name)

    def _of_parent(self, relation: str, name: str) -> Any:
        link = self.object.by_relationship.get(relation.lower())
        targets = [self.org.catalogue[t] for t in link.targets if t in self.org.catalogue] if link else []
        if link is None or not any(name.lower() in target.by_lower for target in targets):
            raise ValueError(f"Field {relation}.{name} does not exist. Check the spelling.")
        target = self.org.object_of_id(self.record.get(link.name) or "")
        if target is None or name.lower() not in target.by_lower:
            return None
        parent = self.org.tables.get(target.name, self.record[link.name]) or {}
        return parent.get(target.by_lower[name.lower()].name)


@attrs.frozen
class Literal:
    value: Any


@attrs.frozen
class Name:
    text: str


@attrs.frozen
class Call:
    """A function, or an operator under its own sign, with what it is given."""

    function: str
    given: tuple[Any, ...]


Node = Literal | Name | Call


class _Parser:
    def __init__(self, text: str) -> None:
        if len(text) > _LONGEST:
            raise ValueError(f"The formula is longer than {_LONGEST:,} characters.")
        self._tokens: list[tuple[str, str]] = []
        at, end = 0, len(text.rstrip())
        while at < end:
            found = _TOKEN.match(text, at)
            if not found:
                raise ValueError(f"The formula cannot be read from “{text[at : at + 20].strip()}” on.")
            kind = found.lastgroup or ""
            self._tokens.append((kind, found.group(kind)))
            at = found.end()
        if len(self._tokens) > _MOST_TOKENS:
            raise ValueError(f"The formula has more than {_MOST_TOKENS} words and signs.")
        self._tokens.append(("end", ""))
        self._at = 0
        self._depth = 0

    def whole(self) -> Node:
        node = self._level(0)
        if self._next[0] != "end":
            raise ValueError(f"The formula has “{self._next[1]}” where it should end.")
        return node

    @property
    def _next(self) -> tuple[str, str]:
        return self._tokens[self._at]

    def _take(self) -> tuple[str, str]:
        token = self._next
        self._at += 1
        return token

    def _need(self, sign: str) -> None:
        if self._take() != ("op", sign):
            raise ValueError(f"The formula lacks a “{sign}”.")

    def _level(self, depth: int) -> Node:
        if depth == len(_LEVELS):
            return self._unary()
        node = self._level(depth + 1)
        while self._next[0] == "op" and self._next[1] in _LEVELS[depth]:
            node = Call(self._take()[1], (node, self._level(depth + 1)))
        return node

    def _unary(self) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError("The formula is nested too deeply.")
        try:
            if self._next in (("op", "!"), ("op", "-")):
                sign = self._take()[1]
                return Call("NOT" if sign == "!" else "neg", (self._unary(),))
            return self._atom()
        finally:
            self._depth -= 1

    def _atom(self) -> Node:
        kind, text = self._take()
        if kind == "text":
            return Literal(re.sub(r"\\(.)", r"\1", text[1:-1]))
        if kind == "number":
            return Literal(float(text) if "." in text else int(text))
        if (kind, text) == ("op", "("):
            node = self._level(0)
            self._need(")")
            return node
        if kind != "name":
            raise ValueError(
                f"The formula has “{text}” where a value should be."
                if text
                else "The formula ends too early."
            )
        if self._next != ("op", "("):
            known = {"TRUE": True, "FALSE": False, "NULL": None}
            return Literal(known[text.upper()]) if text.upper() in known else Name(text)
        return self._call(text.upper())

    def _call(self, function: str) -> Node:
        self._need("(")
        given: list[Node] = []
        while self._next != ("op", ")"):
            if given:
                self._need(",")
            given.append(self._level(0))
        self._need(")")
        if function not in _FUNCTIONS and function not in _LAZY:
            raise ValueError(
                f"Function {function} is not known here; known are {', '.join(sorted({*_FUNCTIONS, *_LAZY}))}."
            )
        least, most = _ARITY.get(function, (1, 1))
        if not least <= len(given) <= most:
            raise ValueError(f"Function {function} is given {len(given)} values. Give it {least}.")
        if function in _OF_FIELDS and not isinstance(given[0], Name):
            raise ValueError(f"Function {function} wants a field first.")
        return Call(function, tuple(given))


def _blank(value: Any) -> bool:
    return value is None or value == ""


def _same(left: Any, right: Any) -> bool:
    return (_blank(left) and _blank(right)) or left == right


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(left: Any, right: Any) -> bool:
        # A blank is neither more nor less than anything.
        return (
            not _blank(left)
            and not _blank(right)
            and isinstance(left, str) is isinstance(right, str)
            and test(left, right)
        )

    return compare


def _number(value: Any) -> float:
    if isinstance(value, bool | int | float):
        return value
    return float(value) if re.fullmatch(r"-?\d+(\.\d+)?", str(value or "").strip()) else 0


def _add(left: Any, right: Any, sign: int = 1) -> Any:
    if isinstance(left, str) and _DATE.fullmatch(left[:10]):
        if isinstance(right, str) and _DATE.fullmatch(right[:10]):
            return (date.fromisoformat(left[:10]) - date.fromisoformat(right[:10])).days
        return (date.fromisoformat(left[:10]) + timedelta(days=sign * _number(right))).isoformat() + left[10:]
    if sign > 0 and (isinstance(left, str) or isinstance(right, str)):
        return f"{left or ''}{right or ''}"
    return _number(left) + sign * _number(right)


def _matches(text: Any, pattern: Any) -> bool:
    try:
        # As in Java the whole text must match.
        return re.fullmatch(str(pattern or ""), str(text or "")) is not None
    except re.error:
        return False


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "=": _same, "==": _same, "<>": lambda a, b: not _same(a, b), "!=": lambda a, b: not _same(a, b),
    "<": _ordered(lambda a, b: a < b), ">": _ordered(lambda a, b: a > b), "<=": _ordered(lambda a, b: a <= b),
    ">=": _ordered(lambda a, b: a >= b), "+": _add, "-": lambda a, b: _add(a, b, -1),
    "*": lambda a, b: _number(a) * _number(b), "/": lambda a, b: _number(a) / _number(b) if _number(b) else None,
    "&": lambda a, b: f"{a or ''}{b or ''}", "neg": lambda a: -_number(a),
    "NOT": lambda a: not a, "ISBLANK": _blank, "ISNULL": _blank,
    "ISPICKVAL": _same, "TEXT": lambda a: "" if a is None else str(a), "VALUE": _number,
    "LEN": lambda a: len(str(a or "")), "TRIM": lambda a: str(a or "").strip(),
    "UPPER": lambda a: str(a or "").upper(), "LOWER": lambda a: str(a or "").lower(),
    "LEFT": lambda a, n: str(a or "")[: max(0, int(_number(n)))],
    "RIGHT": lambda a, n: str(a or "")[-int(_number(n)) :] if _number(n) > 0 else "",
    "CONTAINS": lambda a, b: str(b or "") in str(a or ""), "BEGINS": lambda a, b: str(a or "").startswith(str(b or "")),
    "INCLUDES": lambda a, b: str(b) in str(a or "").split(";"), "REGEX": _matches,
    "DATEVALUE": lambda a: None if _blank(a) else str(a)[:10],
}  # fmt: skip
_LAZY = frozenset({"AND", "OR", "IF", "ISNEW", "ISCHANGED", "PRIORVALUE", "TODAY", "NOW", "BLANKVALUE"})
_OF_FIELDS = frozenset({"ISPICKVAL", "ISCHANGED", "PRIORVALUE", "INCLUDES"})
_ARITY = {
    "AND": (1, 60), "OR": (1, 60), "IF": (3, 3), "ISNEW": (0, 0), "TODAY": (0, 0), "NOW": (0, 0), "ISPICKVAL": (2, 2),
    "CONTAINS": (2, 2), "BEGINS": (2, 2), "INCLUDES": (2, 2), "REGEX": (2, 2), "LEFT": (2, 2), "RIGHT": (2, 2),
    "BLANKVALUE": (2, 2),
}  # fmt: skip


@functools.lru_cache(maxsize=512)
def parse(text: str) -> Node:
    """A formula's tree. Raises ValueError that says what is wrong with it."""
    return _Parser(text).whole()


def _lazy(node: Call, scope: Scope) -> Any:
    """The functions that do not want all their values, or more than them."""
    given = node.given
    if node.function == "AND":
        return all(_run(one, scope) for one in given)
    if node.function == "OR":
        return any(_run(one, scope) for one in given)
    if node.function == "IF":
        return _run(given[1] if _run(given[0], scope) else given[2], scope)
    if node.function == "BLANKVALUE":
        value = _run(given[0], scope)
        return _run(given[1], scope) if _blank(value) else value
    if node.function in ("TODAY", "NOW"):
        stamp = scope.org.stamp()
        return stamp[:10] if node.function == "TODAY" else stamp
    if node.function == "ISNEW":
        return scope.old is None
    now, was = scope.value(given[0].text), scope.value(given[0].text, scope.old or scope.record)
    return was if node.function == "PRIORVALUE" else not _same(now, was)


def _run(node: Node, scope: Scope) -> Any:
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Name):
        return scope.value(node.text)
    if node.function in ("&&", "||"):
        return _lazy(Call("AND" if node.function == "&&" else "OR", node.given), scope)
    if node.function in _LAZY:
        return _lazy(node, scope)
    return _FUNCTIONS[node.function](*(_run(one, scope) for one in node.given))


def check(text: str, org: "Org", obj: SObject) -> None:
    """Raises ValueError where a formula cannot be read or names what an object does not have."""
    scope = Scope(org, obj, {}, None, "")

    def visit(node: Node) -> None:
        if isinstance(node, Name):
            scope.value(node.text)
        for one in node.given if isinstance(node, Call) else ():
            visit(one)

    visit(parse(text))


def value(text: str, scope: Scope) -> Any:
    """What a formula makes of a record; None where its field is gone."""
    try:
        found = _run(parse(text), scope)
    except (ValueError, TypeError, OverflowError):
        return None
    return None if found == "" else found


def holds(text: str, scope: Scope) -> bool:
    """Whether a formula is true of a record; an empty one always is, one whose field is gone never."""
    return not text.strip() or bool(value(text, scope))
