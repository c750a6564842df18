"""Facts made here as JSON and back, so that every booking is folded from all that was ever said of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from attrs import asdict

from instep.core.booking import Kind, Status
from instep.core.fold import Change, Form, Owner, Snapshot

_MICROSECOND = timedelta(microseconds=1)


def document_of(snapshot: Snapshot) -> dict[str, Any]:
    """A fact as JSON, without the parts that it does not speak of."""
    return asdict(snapshot, filter=lambda _, value: value is not None, value_serializer=_plain)


def _plain(_: object, __: object, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value // _MICROSECOND
    return value.value if isinstance(value, Enum) else value


def snapshot_of(document: Mapping[str, Any]) -> Snapshot:
    """A fact from JSON."""
    parts = dict(document)
    for name in ("updated_at", "created_at", "start", "booked_at"):
        if name in parts:
            parts[name] = datetime.fromisoformat(parts[name])
    for name, kind in (("change", Change), ("step", Change), ("owner", Owner)):
        if name in parts:
            parts[name] = kind(**parts[name])
    if "attendees" in parts:
        parts["attendees"] = tuple(parts["attendees"])
    if "form" in parts:
        form = parts["form"]
        parts["form"] = Form(**{**form, "guests": tuple(form["guests"]), "custom": _values(form["custom"])})
    if "custom" in parts:
        parts["custom"] = _values(parts["custom"])
    parts |= {"kind": Kind(parts["kind"]), "status": Status(parts["status"])}
    return Snapshot(**{**parts, "duration": parts["duration"] * _MICROSECOND})


def _values(custom: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in custom.items()}
