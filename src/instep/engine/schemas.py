"""Schemas as last described, parsed once in a process for each different document.

Thousands of connections describe the same standard objects in the same words. A document is known by its
digest, so that a drain neither loads nor parses what any drain of its process has seen before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from instep.core.crm_schema import ObjectSchema, with_required
from instep.store import memory_queries

#: a parsed object takes some hundred kB
_MOST = 300
_parsed: dict[tuple[str, str], ObjectSchema | None] = {}

Parse = Callable[[Mapping[str, Any]], ObjectSchema]


#: key of a document: fields that are required although the CRM's own description does not say so
_LEARNED = "required"


def _parse(parse: Parse, document: Mapping[str, Any]) -> ObjectSchema:
    described = parse(document)
    return with_required({"": described}, {"": document.get(_LEARNED) or ()})[""]


def learn(account_id: int, connection_id: int, learned: Mapping[str, Collection[str]]) -> None:
    """Keep with the objects' descriptions which fields the CRM turned out to require."""
    documents = memory_queries.describe_documents(account_id, connection_id, learned)
    fresh = {name: _with_learned(document, learned[name]) for name, document in documents.items() if document}
    memory_queries.keep_describes(account_id, connection_id, fresh)


def carried(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> Mapping[str, Any]:
    """A fresh description with what was learned under the one before."""
    known = (before or {}).get(_LEARNED)
    return _with_learned(now, known) if known and now else now


def taught(document: Mapping[str, Any] | None) -> bool:
    """Whether a kept description has anything that only refusals have told."""
    return bool((document or {}).get(_LEARNED))


def _with_learned(document: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {**document, _LEARNED: sorted({*(document.get(_LEARNED) or ()), *names})}


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
            found[name] = _parsed[vendor, digests[name]] = _parse(parse, document) if document else None
    return {name: schema for name, schema in found.items() if schema is not None}
