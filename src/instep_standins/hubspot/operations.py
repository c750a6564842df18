"""What a request is about to do, read from its method, path and body before anything happens.

Faults match operations, and the journal tells them.
"""

import re
from typing import Any
from urllib.parse import unquote

import attrs

from .. import faults
from .schema import object_type

_DATED = re.compile(
    r"^/(?:crm/(?P<area>[a-z-]+)|(?P<top>account-info|oauth|appinstalls))/(?P<v>20\d\d-(?:03|09)|v[1234])(?P<rest>/.*)?$"
)
_OLDER = re.compile(r"^/crm/(?P<v>v[34])/(?P<area>[a-z-]+)(?P<rest>/.*)?$")
VERSIONS = ("2026-03", "2026-09")


@attrs.frozen
class Operation(faults.Operation):
    """One call of the portal.

    kinds: query create update upsert delete read describe associate batch owners account token other.
    """

    def told(self) -> str:
        """A few words for the journal."""
        order = ("query", "upsert", "create", "update", "delete", "associate", "describe", "read", "owners",
                 "account", "token")  # fmt: skip
        word = next((kind for kind in order if kind in self.kinds), "other")
        if word == "other":
            return self.path
        count = f" ×{len(self.records)}" if "batch" in self.kinds else ""
        return f"{'search' if word == 'query' else word} {self.object or ''}{count}".strip()


@attrs.frozen
class Place:
    """Where a path leads: the API, its version, and the segments below."""

    area: str
    version: str
    parts: tuple[str, ...]


def place(path: str) -> Place | None:
    """None for a path that is none of HubSpot's APIs."""
    found = _DATED.match(path) or _OLDER.match(path)
    if not found:
        return None
    named = found.groupdict()
    area, version = named.get("area") or named.get("top"), named["v"]
    if version.startswith("20") and version not in VERSIONS:
        return None
    parts = tuple(part for part in (named["rest"] or "").split("/") if part)
    return Place(str(area), version, parts)


def _inputs(body: Any) -> tuple[dict[str, Any], ...]:
    """What a batch would write: properties of its inputs, with their ids."""
    found = body.get("inputs") if isinstance(body, dict) else None
    return tuple(_flat(one) for one in found if isinstance(one, dict)) if isinstance(found, list) else ()


def _flat(one: dict[str, Any]) -> dict[str, Any]:
    properties = one.get("properties")
    flat = dict(properties) if isinstance(properties, dict) else {}
    if "id" in one:
        flat.setdefault(str(one.get("idProperty") or "id"), one["id"])
    return flat


_OF_METHOD = {"POST": "create", "PATCH": "update", "DELETE": "delete", "GET": "read"}
_BATCH = {"archive": "delete"}


def _of_objects(method: str, path: str, parts: tuple[str, ...], body: Any) -> Operation:
    otype = object_type(unquote(parts[0]))
    name = otype.name if otype else None
    rest = parts[1:]
    if rest[1:2] == ("associations",):
        other = next((found.name for word in rest[2:] if (found := object_type(word))), "")
        kind = "read" if method == "GET" else "associate"
        return Operation(method, path, frozenset({kind}), f"{name},{other}")
    if rest[:1] == ("batch",) and len(rest) == 2:
        kind = _BATCH.get(rest[1], rest[1])
        return Operation(method, path, frozenset({"batch", kind}), name, _inputs(body))
    if rest == ("search",):
        return Operation(method, path, frozenset({"query"}), name, (), str(body))
    if rest in (("merge",), ("gdpr-delete",)):
        return Operation(method, path, frozenset({"update" if rest[0] == "merge" else "delete"}), name)
    record = _flat(body) if isinstance(body, dict) else {}
    if rest:
        record.setdefault("id", unquote(rest[0]))
    return Operation(method, path, frozenset({_OF_METHOD.get(method, "read")}), name, (record,))


def of_call(method: str, path: str, body: Any) -> Operation:
    """The operation of one call."""
    found = place(path)
    if found is None:
        return Operation(method, path, frozenset({"other"}))
    if found.area == "oauth":
        return Operation(method, path, frozenset({"token"}))
    if found.area == "objects" and found.parts:
        return _of_objects(method, path, found.parts, body)
    named = object_type(unquote(found.parts[0])) if found.parts else None
    if found.area == "associations":
        kind = "read" if method == "GET" or path.endswith("/batch/read") else "associate"
        other = object_type(unquote(found.parts[1])) if len(found.parts) > 1 else None
        names = ",".join(one.name for one in (named, other) if one)
        return Operation(method, path, frozenset({kind, "batch"}), names, _inputs(body))
    if found.area in ("properties", "property-validations", "pipelines"):
        return Operation(method, path, frozenset({"describe"}), named.name if named else None)
    if found.area == "owners":
        return Operation(method, path, frozenset({"owners"}), "owners")
    if found.area == "account-info":
        return Operation(method, path, frozenset({"account"}), "account")
    return Operation(method, path, frozenset({"other"}))
