"""The query calls: /query, /queryAll and the pages behind nextRecordsUrl."""

import re
from typing import Any

import attrs

from ..routing import Answer
from . import errors, ids, soql_run
from .call import Caller
from .errors import refuse
from .soql_parse import parse

_PAGE, _SMALLEST_PAGE = 2000, 200
_KEPT_LOCATORS = 200
_BATCH = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)


@attrs.frozen
class Locator:
    """The rows of a query that did not fit its first page; for its own user only."""

    user_id: str
    rows: list[dict[str, Any]]
    page: int


def _page_size(headers: dict[str, str]) -> int:
    found = _BATCH.search(headers.get("sforce-query-options", ""))
    return min(_PAGE, max(_SMALLEST_PAGE, int(found.group(1)))) if found else _PAGE


def query(caller: Caller, text: str | None, deleted_too: bool) -> Answer:
    """GET /query and /queryAll."""
    if not text:
        raise refuse(400, errors.MALFORMED_QUERY, "SOQL query is missing: send it as the parameter q")
    result = soql_run.run(caller, parse(text), deleted_too)
    if result.counted:
        return Answer(200, {"totalSize": result.total, "done": True, "records": []})
    page = _page_size(caller.headers)
    if len(result.rows) <= page:
        return Answer(200, {"totalSize": result.total, "done": True, "records": result.rows})
    org = caller.org
    name = org.mint(ids.LOCATOR_PREFIX)
    org.locators[name] = Locator(caller.user_id, result.rows, page)
    while len(org.locators) > _KEPT_LOCATORS:
        org.locators.pop(next(iter(org.locators)))
    return _page(caller, name, 0)


def _page(caller: Caller, name: str, start: int) -> Answer:
    locator = caller.org.locators[name]
    end = start + locator.page
    body: dict[str, Any] = {"totalSize": len(locator.rows), "done": end >= len(locator.rows)}
    if not body["done"]:
        body["nextRecordsUrl"] = f"{caller.base}/query/{name}-{end}"
    return Answer(200, body | {"records": locator.rows[start:end]})


def more(caller: Caller, reference: str) -> Answer:
    """GET /query/01g…-2000."""
    name, _, start = reference.partition("-")
    locator = caller.org.locators.get(ids.normalise(name) or "")
    if locator is None or locator.user_id != caller.user_id or not start.isdigit():
        raise refuse(400, errors.INVALID_QUERY_LOCATOR, "invalid query locator")
    return _page(caller, ids.normalise(name) or "", int(start))
