"""Tooling reads: what admins look up about objects, fields and rules."""

from typing import Any

from ..routing import Answer
from . import describe, errors, queries
from .call import Caller
from .errors import not_found, refuse
from .soql_parse import parse

_SINGLE = ("Metadata", "FullName")


def route(caller: Caller, method: str, parts: list[str], query: dict[str, str], body: Any) -> Answer:
    """GET /tooling/query, /tooling/sobjects, /tooling/sobjects/X/describe."""
    if method != "GET":
        raise refuse(405, errors.METHOD_NOT_ALLOWED, f"HTTP Method '{method}' not allowed. Allowed are GET")
    if not caller.org.permissions(caller.user_id)["PermissionsViewSetup"]:
        raise refuse(403, "INSUFFICIENT_ACCESS", "You need View Setup and Configuration to read metadata")
    if parts[:1] == ["query"] and len(parts) == 2:
        return queries.more(caller, parts[1])
    if parts == ["query"]:
        return _query(caller, query.get("q"))
    if parts == ["sobjects"]:
        return Answer(200, describe.everything(caller))
    if len(parts) == 3 and parts[0] == "sobjects" and parts[2] == "describe":
        return Answer(200, describe.one(caller, caller.view(parts[1])))
    raise not_found()


def _query(caller: Caller, text: str | None) -> Answer:
    answer = queries.query(caller, text, False)
    named = {path.text for path in parse(text or "").select}
    if named & set(_SINGLE) and answer.body["totalSize"] > 1:
        raise refuse(
            400,
            errors.MALFORMED_QUERY,
            "When retrieving results with Metadata or FullName fields, the query qualifications must specify no more "
            f"than one row for retrieval. Result size: {answer.body['totalSize']}",
        )
    return answer
