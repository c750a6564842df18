"""A connection's state in a colour and a word, wherever it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import frozen
from django.utils.translation import gettext as _

from instep.store.credentials import CONNECTED, DISABLED

WORKS, PAUSED, RECONNECT, DISCONNECTED = "connected", "paused", "reconnect", "disconnected"
_TONES = {WORKS: "good", PAUSED: "wait", RECONNECT: "bad", DISCONNECTED: ""}


@frozen
class State:
    """`name` is a constant above; `tone` colours its badge; `until` ends a pause."""

    name: str
    word: str
    tone: str
    until: datetime | None = None


def state_of(row: Mapping[str, Any]) -> State:
    """The state of a connection's row."""
    words = {
        WORKS: _("Connected"),
        PAUSED: _("Paused"),
        RECONNECT: _("Reconnect needed"),
        DISCONNECTED: _("Disconnected"),
    }
    until = row["held_until"]
    if row["state"] == DISABLED:
        name = DISCONNECTED
    elif row["state"] != CONNECTED:
        name = RECONNECT
    else:
        name = PAUSED if until is not None and until > datetime.now(UTC) else WORKS
    return State(name, words[name], _TONES[name], until if name == PAUSED else None)
