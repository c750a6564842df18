"""A parsed query → rows, with the user's view of fields, indexes where a condition allows, and Salesforce's errors."""

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import attrs

from . import errors, ids, soql_paths, times, virtual
from .call import Caller
from .errors import ApiError, refuse
from .schema import Field, SObject
from .soql_parse import Among, Both, Compare, Literal, Not, Path, Query, place
from .soql_paths import Column, Getter
from .tables import Record, index_key

LARGEST_OFFSET = 2000
_MOST_DAY_DIGITS = 5
_MOST_OF_ALL_FIELDS = 200
_QUOTED = {
    "string",
    "textarea",
    "email",
    "phone",
    "url",
    "picklist",
    "combobox",
    "multipicklist",
    "id",
    "reference",
}

Test = Callable[[Record], bool]


class Binder:
    """Finds what the names of one query mean for one user."""

    def __init__(self, caller: Caller, query: Query) -> None:
        self.caller = caller
        self.query = query
        self.object = self._source()

    def _source(self) -> SObject:
        name = self.query.source.text
        for known in self.caller.org.catalogue:
            if known.lower() == name.lower() and self.caller.sees(known):
                return self.caller.view(known)
        hint = soql_paths.SUFFIX_HINT.format(kind="object", thing="entity")
        raise self.fail(
            errors.INVALID_TYPE, self.query.source, f"sObject type '{name}' is not supported. {hint}"
        )

    def fail(self, code: str, at: Path | Literal, message: str) -> ApiError:
        return refuse(400, code, place(self.query.text, at.at) + message)

    def no_column(self, path: Path, name: str, entity: str) -> ApiError:
        hint = soql_paths.SUFFIX_HINT.format(kind="field", thing="custom field")
        return self.fail(errors.INVALID_FIELD, path, f"No such column '{name}' on entity '{entity}'. {hint}")

    def column(self, path: Path) -> Column:
        return soql_paths.column(self, path)

    # -- conditions -------------------------------------------------------------------------------

    def test(self, condition: Any) -> Test:
        if isinstance(condition, Both):
            tests = [self.test(part) for part in condition.parts]
            if condition.all:
                return lambda record: all(test(record) for test in tests)
            return lambda record: any(test(record) for test in tests)
        if isinstance(condition, Not):
            inner = self.test(condition.part)
            return lambda record: not inner(record)
        return self._compare(condition)

    def filterable(self, path: Path) -> Column:
        column = self.column(path)
        if not column.field.filterable or column.field.type in ("address", "location"):
            raise self.fail(
                errors.INVALID_FIELD, path, f"field '{column.field.name}' can not be filtered in a query call"
            )
        return column

    def _compare(self, condition: Compare | Among) -> Test:
        column = self.filterable(condition.path)
        get, field = column.get, column.field
        if isinstance(condition, Among):
            wanted = {self._key(field, self.value(condition.path, field, v)) for v in condition.values}
            negated = condition.negated
            return lambda record: (self._key(field, get(record)) in wanted) is not negated
        if condition.op == "LIKE":
            return self._like(condition, field, get)
        value = self._key(field, self.value(condition.path, field, condition.value))
        if condition.op == "=":
            return lambda record: self._key(field, get(record)) == value
        if condition.op == "!=":
            return lambda record: self._key(field, get(record)) != value
        if field.type in ("boolean", "reference", "id") or value is None:
            raise self.fail(
                errors.INVALID_QUERY_FILTER_OPERATOR,
                condition.path,
                f"invalid operator on {field.type} field",
            )
        compare = {
            "<": lambda a: a < value, "<=": lambda a: a <= value,
            ">": lambda a: a > value, ">=": lambda a: a >= value,
        }[condition.op]  # fmt: skip

        def ranged(record: Record) -> bool:
            held = self._key(field, get(record))
            return held is not None and compare(held)

        return ranged

    @staticmethod
    def _key(field: Field, value: Any) -> Any:
        return value if field.case_sensitive or field.type in ("id", "reference") else index_key(value)

    def _like(self, condition: Compare, field: Field, get: Getter) -> Test:
        if field.type in ("id", "reference") or field.type not in _QUOTED:
            raise self.fail(
                errors.INVALID_QUERY_FILTER_OPERATOR,
                condition.path,
                f"invalid operator on {field.type} field",
            )
        if condition.value.kind != "string":
            raise self._wrong_type(condition.path, field, condition.value)
        pattern = ""
        for part in re.findall(r"\\[_%]|.", condition.value.value, re.DOTALL):
            pattern += ".*" if part == "%" else "." if part == "_" else re.escape(part[-1])
        matcher = re.compile(pattern, re.IGNORECASE | re.DOTALL)
        return lambda record: (held := get(record)) is not None and matcher.fullmatch(str(held)) is not None

    def _wrong_type(self, path: Path, field: Field, literal: Literal) -> ApiError:
        kind = {"datetime": "dateTime", "id": "ID"}.get(field.type, field.type)
        quotes = (
            "should be enclosed in quotes" if field.type in _QUOTED else "should not be enclosed in quotes"
        )
        return self.fail(
            errors.INVALID_FIELD,
            literal,
            f"value of filter criterion for field '{path.text}' must be of type {kind} and {quotes}",
        )

    def value(self, path: Path, field: Field, literal: Literal) -> Any:
        """A literal in the field's stored form. Raises INVALID_FIELD where its type is another."""
        if literal.kind == "null":
            return None
        if field.type in ("id", "reference") and literal.kind == "string":
            normal = ids.normalise(literal.value)
            if normal is None and literal.value:
                raise self.fail(
                    errors.INVALID_QUERY_FILTER_OPERATOR, literal, f"invalid ID field: {literal.value}"
                )
            return normal
        if field.type in _QUOTED and literal.kind == "string":
            return literal.value.replace("\\_", "_").replace("\\%", "%") or None
        if field.type == "boolean" and literal.kind == "boolean":
            return literal.value
        if field.type in ("int", "double", "currency", "percent", "long") and literal.kind == "number":
            return literal.value
        stored = self._moment(field, literal) if field.type in ("date", "datetime") else None
        if stored is None:
            raise self._wrong_type(path, field, literal)
        return stored

    def _moment(self, field: Field, literal: Literal) -> str | None:
        if literal.kind == "datetime" and field.type == "datetime":
            return times.parse_datetime(literal.value)
        if literal.kind == "date" and field.type == "date":
            return times.parse_date(literal.value)
        if literal.kind != "relative":
            return None
        word, _, count = literal.value.partition(":")
        days = {"TODAY": 0, "YESTERDAY": -1, "TOMORROW": 1}.get(word)
        if count and len(count) <= _MOST_DAY_DIGITS and word in ("LAST_N_DAYS", "NEXT_N_DAYS"):
            days = -int(count) if word == "LAST_N_DAYS" else int(count)
        if days is None:
            return None
        midnight = self.caller.org.now().replace(hour=0, minute=0, second=0) + timedelta(days=days)
        return midnight.date().isoformat() if field.type == "date" else times.format_datetime(midnight)

    # -- candidates by index ----------------------------------------------------------------------

    def candidates(self, condition: Any) -> list[str] | None:
        """Ids that may meet the condition, from indexes; None where all rows must be looked at."""
        if isinstance(condition, Both):
            found = [self.candidates(part) for part in condition.parts]
            if condition.all:
                known = [ids_ for ids_ in found if ids_ is not None]
                return min(known, key=len) if known else None
            if any(ids_ is None for ids_ in found):
                return None
            return list(dict.fromkeys(i for ids_ in found for i in ids_ or ()))
        if isinstance(condition, Compare):
            return self._indexed(condition.path, (condition.value,)) if condition.op == "=" else None
        if isinstance(condition, Among):
            return None if condition.negated else self._indexed(condition.path, condition.values)
        return None

    def _indexed(self, path: Path, literals: Iterable[Literal]) -> list[str] | None:
        column = self.filterable(path)
        tables, name = self.caller.org.tables, self.object.name
        if column.links:
            return None
        values = [self.value(path, column.field, literal) for literal in literals]
        if any(value is None for value in values):
            return None
        if column.field.name == "Id":
            return [value for value in values if value in tables.rows(name)]
        if not tables.is_indexed(name, column.field.name):
            return None
        return list(dict.fromkeys(i for value in values for i in tables.find(name, column.field.name, value)))


def _sort_key(field: Field, value: Any) -> Any:
    return value if isinstance(value, bool | int | float) else index_key(value)


def _sorted(binder: Binder, rows: list[Record]) -> list[Record]:
    for order in reversed(binder.query.order):
        column = binder.column(order.path)
        if not column.field.sortable:
            raise binder.fail(
                errors.INVALID_FIELD,
                order.path,
                f"field '{column.field.name}' can not be sorted in a query call",
            )
        held = [row for row in rows if column.get(row) is not None]
        empty = [row for row in rows if column.get(row) is None]
        held.sort(key=lambda row, c=column: _sort_key(c.field, c.get(row)), reverse=order.descending)
        rows = empty + held if order.nulls_first else held + empty
    return rows


def _columns(binder: Binder) -> list[Column]:
    query = binder.query
    if query.every_field:
        if query.every_field != "STANDARD" and (query.limit is None or query.limit > _MOST_OF_ALL_FIELDS):
            raise refuse(
                400,
                errors.MALFORMED_QUERY,
                "The SOQL FIELDS function must have a LIMIT of at most 200",
            )
        wanted = {"ALL": (True, False), "STANDARD": (False,), "CUSTOM": (True,)}[query.every_field]
        names = [f.name for f in binder.object.fields.values() if f.custom in wanted]
        return [binder.column(Path((name,), 0)) for name in names]
    columns, seen = [], set()
    for path in query.select:
        column = binder.column(path)
        key = (tuple(link.name for link in column.links), column.field.name)
        if key in seen:
            raise refuse(400, errors.INVALID_FIELD, f"duplicate field selected: {path.text}")
        seen.add(key)
        columns.append(column)
    return columns


def _rows(binder: Binder, deleted_too: bool) -> list[Record]:
    org, query, name = binder.caller.org, binder.query, binder.object.name
    test = binder.test(query.where) if query.where is not None else None
    made = virtual.rows(binder.caller, name)
    if made is not None:
        candidates: Iterable[Record] = made
    else:
        found = binder.candidates(query.where) if query.where is not None else None
        table = org.tables.rows(name)
        candidates = table.values() if found is None else (table[record_id] for record_id in found)
    limit = org.archive_limit()
    rows = []
    for record in candidates:
        if not deleted_too and record.get("IsDeleted"):
            continue
        if not deleted_too and name == "Event" and (record.get("ActivityDateTime") or limit) < limit:
            continue
        if test is None or test(record):
            rows.append(record)
    return rows


def _shown(binder: Binder, columns: list[Column], record: Record) -> dict[str, Any]:
    caller, name = binder.caller, binder.object.name
    row: dict[str, Any] = {"attributes": {"type": name, "url": caller.object_url(name, record["Id"])}}
    for column in columns:
        _place(binder, column, record, row)
    return row


def _place(binder: Binder, column: Column, record: Record, row: dict[str, Any]) -> None:
    """A column's value, in the parents it goes through; a parent that is not there is null."""
    org, value, here = binder.caller.org, column.get(record), record
    for link in column.links:
        relation, parent_id = link.relationship or "", here.get(link.name)
        target = org.object_of_id(parent_id or "")
        if parent_id is None or target is None:
            row.setdefault(relation, None)
            return
        kind = "Name" if link.polymorphic else target.name
        url = binder.caller.object_url(target.name, parent_id)
        row = row.setdefault(relation, {"attributes": {"type": kind, "url": url}})
        here = org.tables.get(target.name, parent_id) or {}
    row[column.field.name] = value


@attrs.frozen
class Result:
    """All rows of a query, in order; `counted` for a bare COUNT()."""

    rows: list[dict[str, Any]]
    total: int
    counted: bool = False


def run(caller: Caller, query: Query, deleted_too: bool = False) -> Result:
    """Run a query as the caller. The org's lock is held. Raises ApiError 400."""
    binder = Binder(caller, query)
    columns = _columns(binder)
    if query.offset > LARGEST_OFFSET:
        raise refuse(
            400, errors.NUMBER_OUTSIDE_VALID_RANGE, f"Maximum SOQL offset allowed is {LARGEST_OFFSET}"
        )
    rows = _sorted(binder, _rows(binder, deleted_too))
    rows = rows[query.offset :]
    if query.limit is not None:
        rows = rows[: query.limit]
    if query.count:
        return Result([], len(rows), counted=True)
    return Result([_shown(binder, columns, row) for row in rows], len(rows))
