"""Associations of meetings that exist: the contacts that they have from now on, and those that leave them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import frozen

from instep.core.errors import InstepError
from instep.crm.hubspot.client import Answer, HubSpotClient
from instep.crm.hubspot.errors import error_of, invalid_ids

_PAIRS_PER_CALL = 100
_PATH = "/crm/associations/{V}/meetings/contacts/batch"


@frozen
class Relating:
    """One meeting with the contacts to associate and to part. `ref` is its write."""

    ref: str
    meeting: str
    contacts: tuple[str, ...]
    gone: tuple[str, ...] = ()


def relate(
    client: HubSpotClient, wanted: Sequence[Relating], before: Callable[[], None]
) -> dict[str, InstepError]:
    """Make the associations; both ways may be repeated. The errors, by the write's ref."""
    refused: dict[str, InstepError] = {}
    made = [(one, contact) for one in wanted for contact in one.contacts]
    gone = [(one, contact) for one in wanted for contact in one.gone]
    for pairs, what, inputs_of in ((made, "associate/default", _pair), (gone, "archive", _parted)):
        for start in range(0, len(pairs), _PAIRS_PER_CALL):
            chunk = pairs[start : start + _PAIRS_PER_CALL]
            body = {"inputs": [inputs_of(one.meeting, contact) for one, contact in chunk]}
            answer = client.request(
                "POST",
                f"{_PATH}/{what}",
                json=body,
                purpose="write",
                changes=True,
                refusals=True,
                before=before,
            )
            refused |= _refused(chunk, answer)
    return refused


def _pair(meeting: str, contact: str) -> dict[str, Any]:
    return {"from": {"id": meeting}, "to": {"id": contact}}


def _parted(meeting: str, contact: str) -> dict[str, Any]:
    return {"from": {"id": meeting}, "to": [{"id": contact}]}


def _refused(chunk: Sequence[tuple[Relating, str]], answer: Answer) -> dict[str, InstepError]:
    """Whom an answer refuses; an error that names nobody speaks of all."""
    entries: list[Mapping[str, Any]] = answer.rows("errors")
    if answer.status >= 400:
        entries = [answer.body] if isinstance(answer.body, Mapping) else [{}]
    refused: dict[str, InstepError] = {}
    for entry in entries:
        context = entry.get("context") or {}
        ids = invalid_ids(entry) | {
            str(i) for listed in context.values() if isinstance(listed, list) for i in listed
        }
        named = [one.ref for one, contact in chunk if ids & {one.meeting, contact}]
        error = error_of(
            entry, status=answer.status if answer.status >= 400 else 0, request_id=answer.request_id
        )
        refused |= dict.fromkeys(named or [one.ref for one, _ in chunk], error)
    return refused
