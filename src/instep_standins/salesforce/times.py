"""Dates and times as Salesforce takes and gives them. Stored datetimes are UTC texts that sort as they read."""

import re
from datetime import UTC, date, datetime, timedelta

# 2026-08-05T10:15:00Z, …10:15:00.000+0000, …10:15+02:00: the zone is required.
_DATETIME = re.compile(
    r"^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)$", re.ASCII
)
_DATE = re.compile(r"^\d{4}-\d\d-\d\d$", re.ASCII)
_FIRST, _LAST = date(1700, 1, 1), date(4000, 12, 31)  # the range that Salesforce accepts


def format_datetime(moment: datetime) -> str:
    """`2022-03-17T16:21:26.000+0000`, whole seconds: Salesforce keeps no more."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")[:19] + ".000+0000"


def parse_datetime(text: str) -> str | None:
    """A datetime of a request in stored form; None where Salesforce would not take it."""
    found = _DATETIME.match(text)
    if not found:
        return None
    year, month, day, hour, minute, second, _, zone = found.groups()
    offset = timedelta()
    if zone != "Z":
        digits = zone[1:].replace(":", "")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:])) * (-1 if zone[0] == "-" else 1)
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second or 0), tzinfo=UTC
        )
        moment -= offset
    except (ValueError, OverflowError):
        return None
    return format_datetime(moment) if _FIRST <= moment.date() <= _LAST else None


def parse_date(text: str) -> str | None:
    if not _DATE.match(text):
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return text if _FIRST <= day <= _LAST else None


def read_datetime(stored: str) -> datetime:
    """A stored datetime as an aware UTC value."""
    return datetime.fromisoformat(stored[:19]).replace(tzinfo=UTC)
