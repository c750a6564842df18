"""Composite and composite/batch: several calls in one, with references from later ones to earlier answers."""

import re
from collections.abc import Callable
from typing import Any

import attrs

from ..routing import Answer
from . import errors
from .call import Caller
from .errors import ApiError, RowError, json_parser_error, refuse
from .faults import error_of
from .operations import of_call

MOST_SUB_REQUESTS = 25
MOST_QUERIES_AND_COLLECTIONS = 5

_REFERENCE = re.compile(r"@\{([^}]*)\}?")
_REFERENCE_ID = re.compile(r"^[A-Za-z][A-Za-z0-9_]*$", re.ASCII)
_STEP = re.compile(r"([A-Za-z0-9_]+)|\[(\d+)\]|\.")
_KEYS = frozenset({"method", "url", "referenceId", "body", "httpHeaders"})
_ROLLED_BACK = "The transaction was rolled back since another operation in the same transaction failed."

Handle = Callable[[Caller, str, str, Any], Answer]


class Unresolved(Exception):
    """A reference that points to nothing: its whole sub-request is void."""


@attrs.frozen
class SubRequest:
    method: str
    url: str
    reference_id: str
    body: Any
    headers: dict[str, str]


def _sub_request(raw: Any, seen: set[str]) -> SubRequest:
    if not isinstance(raw, dict):
        raise json_parser_error("Each compositeRequest must be a JSON object at [line:1, column:2]")
    unknown = sorted(raw.keys() - _KEYS)
    if unknown:
        raise json_parser_error(f'Unrecognized field "{unknown[0]}" at [line:1, column:2]')
    for name in ("method", "url", "referenceId"):
        if not isinstance(raw.get(name), str) or not raw[name]:
            raise json_parser_error(
                f"Missing required field {name} in compositeRequest at [line:1, column:2]"
            )
    reference_id = raw["referenceId"]
    if not _REFERENCE_ID.match(reference_id):
        raise json_parser_error(
            f"Invalid reference ID '{reference_id}': use letters, digits and underscores, a letter first"
        )
    if reference_id in seen:
        raise json_parser_error(f"Duplicate referenceId: {reference_id}")
    seen.add(reference_id)
    headers = raw.get("httpHeaders") or {}
    if not isinstance(headers, dict):
        raise json_parser_error("httpHeaders must be a JSON object at [line:1, column:2]")
    headers = {str(name).lower(): str(value) for name, value in headers.items()}
    return SubRequest(raw["method"].upper(), raw["url"], reference_id, raw.get("body"), headers)


def _parse(body: Any) -> tuple[list[SubRequest], bool]:
    if not isinstance(body, dict) or not isinstance(body.get("compositeRequest"), list):
        raise json_parser_error("The request body must be an object with a list named compositeRequest")
    unknown = sorted(body.keys() - {"compositeRequest", "allOrNone", "collateSubrequests"})
    if unknown:
        raise json_parser_error(f'Unrecognized field "{unknown[0]}" at [line:1, column:2]')
    raw = body["compositeRequest"]
    if not 1 <= len(raw) <= MOST_SUB_REQUESTS:
        raise refuse(
            400,
            errors.LIMIT_EXCEEDED,
            f"Limit of {MOST_SUB_REQUESTS} reached for operations in Composite API request" if raw else
            "The compositeRequest list is empty",
        )  # fmt: skip
    seen: set[str] = set()
    subs = [_sub_request(item, seen) for item in raw]
    heavy = [s for s in subs if of_call(s.method, s.url, s.body).kinds & {"query", "collection"}]
    if len(heavy) > MOST_QUERIES_AND_COLLECTIONS:
        raise refuse(
            400,
            errors.LIMIT_EXCEEDED,
            f"Limit of {MOST_QUERIES_AND_COLLECTIONS} reached for query and sObject Collections operations in "
            "Composite API request",
        )
    return subs, bool(body.get("allOrNone", False))


def _look_up(expression: str, answers: dict[str, Any]) -> Any:
    """The value that `ref.id`, `ref[0].id` or `ref.records[0].Id` names in the answers so far."""
    steps, at = [], 0
    while at < len(expression):
        found = _STEP.match(expression, at)
        if not found:
            raise Unresolved(expression)
        if found.group(1) is not None:
            steps.append(found.group(1))
        elif found.group(2) is not None:
            steps.append(int(found.group(2)))
        at = found.end()
    if not steps or steps[0] not in answers:
        raise Unresolved(expression)
    value = answers[steps[0]]
    for step in steps[1:]:
        if (isinstance(value, list) and isinstance(step, int) and step < len(value)) or (
            isinstance(value, dict) and isinstance(step, str) and step in value
        ):
            value = value[step]
        else:
            raise Unresolved(expression)
    if value is None or isinstance(value, dict | list):
        raise Unresolved(expression)
    return value


def _resolve(value: Any, answers: dict[str, Any]) -> Any:
    """`value` with every reference in every string, at any depth, replaced. Raises Unresolved."""
    if isinstance(value, str):
        if "@{" not in value:
            return value
        whole = _REFERENCE.fullmatch(value)
        if whole:
            return _look_up(whole.group(1), answers)
        return _REFERENCE.sub(lambda found: str(_look_up(found.group(1), answers)), value)
    if isinstance(value, list):
        return [_resolve(item, answers) for item in value]
    if isinstance(value, dict):
        return {key: _resolve(item, answers) for key, item in value.items()}
    return value


def _halted(message: str) -> Answer:
    return Answer(400, [{"errorCode": errors.PROCESSING_HALTED, "message": message}])


def _run(caller: Caller, sub: SubRequest, answers: dict[str, Any], handle: Handle) -> Answer:
    try:
        url = _resolve(sub.url, answers)
        body = _resolve(sub.body, answers)
    except Unresolved as missing:
        name = str(missing)
        source = re.split(r"[.\[]", name)[0]
        return _halted(
            f"Invalid reference specified. No value for {name} found in {source}. Missing value or a failed request."
        )
    operation = of_call(sub.method, url, body)
    if operation.kinds & {"composite", "other"} and not url.partition("?")[0].endswith("/limits"):
        refusal = errors.not_found()
        return Answer(refusal.status, refusal.body)
    fault = caller.org.faults.on_sub_request(operation)
    mark = caller.org.tables.mark()
    inner = attrs.evolve(caller, headers={**caller.headers, **sub.headers})
    try:
        if fault:
            raise error_of(fault)
        return handle(inner, sub.method, url, body)
    except RowError as error:
        refusal = error.single()
    except ApiError as error:
        refusal = error
    caller.org.tables.rollback(mark)
    return Answer(refusal.status, refusal.body)


def composite(caller: Caller, body: Any, handle: Handle) -> Answer:
    """POST /composite: 200 with each sub-request's answer. `handle` runs one inner call."""
    subs, all_or_none = _parse(body)
    mark = caller.org.tables.mark()
    answers: dict[str, Any] = {}
    results: list[Answer] = []
    for sub in subs:
        answer = _run(caller, sub, answers, handle)
        if answer.status < 300:
            answers[sub.reference_id] = answer.body
        results.append(answer)
        if all_or_none and answer.status >= 300:
            caller.org.tables.rollback(mark)
            halted = _halted(_ROLLED_BACK)
            results = [halted] * (len(results) - 1) + [answer] + [halted] * (len(subs) - len(results))
            break
    listed = [
        {"body": a.body, "httpHeaders": a.headers, "httpStatusCode": a.status, "referenceId": s.reference_id}
        for s, a in zip(subs, results, strict=True)
    ]
    return Answer(200, {"compositeResponse": listed})


def batch(caller: Caller, body: Any, handle: Handle) -> Answer:
    """POST /composite/batch: up to 25 independent calls."""
    raw = body.get("batchRequests") if isinstance(body, dict) else None
    if not isinstance(raw, list) or not all(isinstance(item, dict) for item in raw):
        raise json_parser_error("The request body must be an object with a list named batchRequests")
    if not 1 <= len(raw) <= MOST_SUB_REQUESTS:
        raise refuse(400, errors.LIMIT_EXCEEDED, f"Limit of {MOST_SUB_REQUESTS} reached for batchRequests")
    results, halted = [], False
    for item in raw:
        if halted:
            answer = refuse(412, errors.PROCESSING_HALTED, "Processing halted by an earlier failed request")
            results.append({"statusCode": answer.status, "result": answer.body})
            continue
        url = "/" + str(item.get("url", "")).lstrip("/")
        url = url if url.startswith("/services/") else "/services/data" + url
        sub = SubRequest(str(item.get("method", "GET")).upper(), url, "batch", item.get("richInput"), {})
        done = _run(caller, sub, {}, handle)
        halted = bool(body.get("haltOnError")) and done.status >= 300
        results.append({"statusCode": done.status, "result": done.body})
    failed = any(result["statusCode"] >= 300 for result in results)
    return Answer(200, {"hasErrors": failed, "results": results})
