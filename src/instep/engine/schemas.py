"""Schemas as last described, parsed once in a process for each different document.

Thousands of connections describe the same standard objects in the same words. A document is known by its
digest, so that a drain neither loads nor parses what any drain of its process has seen before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from instep.core.crm_schema import ObjectSchema
from instep.store import memory_queries

#: a parsed object takes some hundred kB
_MOST = 300
_parsed: dict[tuple[str, str], ObjectSchema | None] = {}

Parse = Callable[[Mapping[str, Any]], ObjectSchema]


def schemas_of(account_id: int, connection_id: int, vendor: str, parse: Parse) -> dict[str, ObjectSchema]:
    """The objects of a connection that are visible to us, as last described; `parse` is its vendor's."""
    kept = memory_queries.describes(account_id, connection_id)
    return parsed(
        account_id, connection_id, vendor, parse, {name: row["digest"] for name, row in kept.items()}
    )


def parsed(
    account_id: int, connection_id: int, vendor: str, parse: Parse, digests: Mapping[str, str]
) -> dict[str, ObjectSchema]:
    """`schemas_of` where the digests by object are at hand."""
    found = {name: _parsed[vendor, digest] for name, digest in digests.items() if (vendor, digest) in _parsed}
    missing = digests.keys() - found.keys()
    if missing:
        documents = memory_queries.describe_documents(account_id, connection_id, missing)
        if len(_parsed) > _MOST:
            _parsed.clear()
        for name, document in documents.items():
            found[name] = _parsed[vendor, digests[name]] = parse(document) if document else None
    return {name: schema for name, schema in found.items() if schema is not None}
