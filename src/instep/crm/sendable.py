"""Values that no request can carry, found before anything is sent."""

from __future__ import annotations

import json
from typing import Any

from instep.core.changes import Write
from instep.core.errors import InputError, InstepError, Scope


def unsendable(write: Write) -> InstepError | None:
    """Values that no JSON can hold: refused here, so that they hold back their own record only."""
    bad = tuple(name for name, value in write.values.items() if not _is_json(value))
    if not bad:
        return None
    return InputError(
        f"The value of {', '.join(bad)} holds characters that cannot be sent.",
        code="unsendable_value",
        cure="Correct the value in the booking.",
        scope=Scope.FIELD,
        fields=bad,
    )


def _is_json(value: Any) -> bool:
    if isinstance(value, str) and value.isascii():
        return True
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (TypeError, ValueError):
        return False
    return True
