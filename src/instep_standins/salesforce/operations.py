"""What a request is about to do, read from its method, path and body before anything happens.

Faults match operations, and the journal tells them; a composite yields itself and its sub-requests.
"""

import re
from typing import Any
from urllib.parse import parse_qs, unquote

import attrs

from .. import faults

_VERSIONED = re.compile(r"^/services/data/v\d+\.0(/.*)?$")
_DML_OF_METHOD = {"POST": "create", "PATCH": "update", "DELETE": "delete"}


@attrs.frozen
class Operation(faults.Operation):
    """One call or sub-call of the org."""

    def told(self) -> str:
        """A few words for the journal."""
        order = (
            "query",
            "create",
            "update",
            "upsert",
            "delete",
            "describe",
            "read",
            "composite",
            "token",
            "other",
        )
        word = next((kind for kind in order if kind in self.kinds), "other")
        if word == "other":
            return self.path.rpartition(".0/")[2] or self.path
        subject = self.object or ""
        count = f" ×{len(self.records)}" if "collection" in self.kinds else ""
        return f"{word} {subject}{count}".strip()


def _type_of(record: Any) -> str:
    attributes = record.get("attributes") if isinstance(record, dict) else None
    return str(attributes.get("type", "")) if isinstance(attributes, dict) else ""


def _records(body: Any) -> tuple[dict[str, Any], ...]:
    found = body.get("records") if isinstance(body, dict) else None
    return tuple(r for r in found if isinstance(r, dict)) if isinstance(found, list) else ()


def _collection(method: str, path: str, parts: list[str], body: Any) -> Operation:
    records = _records(body)
    if len(parts) >= 4 and method == "PATCH":
        return Operation(method, path, frozenset({"collection", "upsert"}), parts[2], records)
    if len(parts) == 3:
        return Operation(method, path, frozenset({"collection", "read"}), parts[2])
    names = list(dict.fromkeys(_type_of(record) for record in records))
    kinds = frozenset({"collection", _DML_OF_METHOD.get(method, "read")})
    return Operation(method, path, kinds, ",".join(n for n in names if n) or None, records)


def _sobject(method: str, path: str, parts: list[str], body: Any) -> Operation:
    name = parts[1] if len(parts) > 1 else None
    if parts[-1] == "describe" or len(parts) == 1 or (len(parts) == 2 and method == "GET"):
        return Operation(method, path, frozenset({"describe"}), name)
    kind = _DML_OF_METHOD.get(method, "read")
    if len(parts) == 4 and method in ("PATCH", "POST"):
        kind = "upsert"
    record = dict(body) if isinstance(body, dict) else {}
    if len(parts) == 4:
        record.setdefault(parts[2], unquote(parts[3]))
    elif len(parts) == 3:
        record.setdefault("Id", parts[2])
    return Operation(method, path, frozenset({kind}), name, (record,))


def of_call(method: str, target: str, body: Any) -> Operation:
    """The operation of one REST call or composite sub-request; `target` may carry a query string."""
    path, _, query = target.partition("?")
    found = _VERSIONED.match(path)
    if not found:
        kind = "token" if path.startswith("/services/oauth2/token") else "other"
        return Operation(method, path, frozenset({kind}))
    parts = [part for part in (found.group(1) or "").split("/") if part]
    head = parts[0].lower() if parts else ""
    if head in ("query", "queryall"):
        text = (parse_qs(query, keep_blank_values=True).get("q") or [""])[0]
        named = re.search(r"\bfrom\s+(\w+)", text, re.IGNORECASE)
        return Operation(method, path, frozenset({"query"}), named.group(1) if named else None, (), text)
    if head == "composite" and len(parts) > 1 and parts[1] == "sobjects":
        return _collection(method, path, parts, body)
    if head == "composite":
        return Operation(method, path, frozenset({"composite"}))
    if head == "sobjects":
        return _sobject(method, path, parts, body)
    return Operation(method, path, frozenset({"other"}))


def of_request(method: str, target: str, body: Any) -> list[Operation]:
    """The request's own operation first, then those of a composite's sub-requests."""
    whole = of_call(method, target, body)
    found = [whole]
    subs = body.get("compositeRequest") if "composite" in whole.kinds and isinstance(body, dict) else None
    for sub in subs if isinstance(subs, list) else []:
        if isinstance(sub, dict):
            found.append(of_call(str(sub.get("method", "")), str(sub.get("url", "")), sub.get("body")))
    return found
