"""Times as the portal takes them (epoch milliseconds or ISO 8601) and gives them (ISO 8601 in UTC with Z)."""

import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS = re.compile(r"-?\d+")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)")


def told(at: datetime) -> str:
    """As answers write it; milliseconds only where there are some, as Java's Instant does."""
    at = at.astimezone(UTC)
    part = f".{at.microsecond // 1000:03d}" if at.microsecond // 1000 else ""
    return f"{at:%Y-%m-%dT%H:%M:%S}{part}Z"


def read(text: str) -> datetime:
    """A datetime as clients may send it. Raises ValueError."""
    text = text.strip()
    try:
        if _MILLISECONDS.fullmatch(text):
            return _EPOCH + timedelta(milliseconds=int(text))
        if _DAY.fullmatch(text):
            return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
        if _ISO.fullmatch(text):
            return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
    except OverflowError:
        pass
    raise ValueError(text)


def milliseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)
