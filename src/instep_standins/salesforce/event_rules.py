"""The rules of Event that no describe shows: its dates, its relations, what Salesforce derives from them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from . import errors, times
from .call import Caller
from .errors import RowError
from .schema import SObject
from .tables import Record

LONGEST = timedelta(days=14)
_DATE_FIELDS = frozenset({
    "StartDateTime", "EndDateTime", "ActivityDateTime", "ActivityDate", "DurationInMinutes", "IsAllDayEvent",
})  # fmt: skip
_MINUTES_OF_DAY = 1440


def apply(caller: Caller, obj: SObject, record: Record, changed: dict[str, Any], old: Record | None) -> None:
    """Check and complete an Event as it will be stored."""
    _check_relations(caller, record, changed)
    if old is None or _DATE_FIELDS & changed.keys():
        if record.get("IsAllDayEvent"):
            _all_day(record, changed)
        else:
            _timed(record, changed, old)
    _derive_account(caller, record)
    if record.get("IsPrivate") and (record.get("WhoId") or record.get("WhatId")):
        raise RowError(
            errors.FIELD_INTEGRITY_EXCEPTION,
            "A private event cannot be related to other records",
            ["IsPrivate"],
        )


def _check_relations(caller: Caller, record: Record, changed: dict[str, Any]) -> None:
    who, what = record.get("WhoId"), record.get("WhatId")
    if not who or not {"WhoId", "WhatId"} & changed.keys() or not who.startswith("00Q"):
        return
    lead = caller.org.live("Lead", who) or {}
    if lead.get("IsConverted") and changed.get("WhoId"):
        raise RowError(errors.CANNOT_UPDATE_CONVERTED_LEAD, "cannot reference converted lead")
    if what:
        raise RowError(
            errors.FIELD_INTEGRITY_EXCEPTION,
            "Related To ID: an event that is related to a lead cannot be related to another record",
            ["WhatId"],
        )


def _missing(*names: str) -> RowError:
    return RowError(
        errors.REQUIRED_FIELD_MISSING, f"Required fields are missing: [{', '.join(names)}]", list(names)
    )


def _error_field(changed: dict[str, Any]) -> list[str]:
    """v39 and later: date errors belong to EndDateTime where no duration was sent, else to the duration."""
    return ["DurationInMinutes"] if changed.get("DurationInMinutes") is not None else ["EndDateTime"]


def _timed(record: Record, changed: dict[str, Any], old: Record | None) -> None:
    start = changed.get("StartDateTime") or changed.get("ActivityDateTime")
    if start is None and not {"StartDateTime", "ActivityDateTime"} & changed.keys():
        start = record.get("StartDateTime")
    missing = [] if start else ["ActivityDateTime"]
    both = (changed.get("StartDateTime"), changed.get("ActivityDateTime"))
    if all(both) and both[0] != both[1]:
        raise RowError(
            errors.FIELD_INTEGRITY_EXCEPTION,
            "ActivityDateTime must be equal to StartDateTime",
            ["ActivityDateTime"],
        )
    end, minutes = changed.get("EndDateTime"), changed.get("DurationInMinutes")
    if end is None and minutes is None:
        # Only the start moves: the duration stays and the end moves with it.
        minutes = old.get("DurationInMinutes") if old else None
        if minutes is None or {"EndDateTime", "DurationInMinutes"} & changed.keys():
            missing.insert(0, "DurationInMinutes")
    if missing or start is None:
        raise _missing(*missing)
    begin = times.read_datetime(start)
    finish = times.read_datetime(end) if end else begin + timedelta(minutes=minutes)
    if end and minutes is not None and finish != begin + timedelta(minutes=minutes):
        raise RowError(
            errors.FIELD_INTEGRITY_EXCEPTION,
            "Duration must match the start and the end of the event",
            ["DurationInMinutes"],
        )
    day = changed.get("ActivityDate")
    if day and changed.get("StartDateTime") and day != begin.date().isoformat():
        raise RowError(
            errors.FIELD_INTEGRITY_EXCEPTION,
            "ActivityDate must be the day of StartDateTime",
            ["ActivityDate"],
        )
    _store(record, begin, finish, int((finish - begin).total_seconds() // 60), changed)


def _all_day(record: Record, changed: dict[str, Any]) -> None:
    day = (
        changed.get("ActivityDate")
        or (changed.get("StartDateTime") or record.get("StartDateTime") or "")[:10]
    )
    day = day or record.get("ActivityDate")
    if not day:
        raise _missing("ActivityDate")
    begin = datetime.fromisoformat(day).replace(tzinfo=UTC)
    minutes = changed.get("DurationInMinutes")
    end = changed.get("EndDateTime")
    if minutes is None and end:
        # The end of an all-day event names its last day.
        last = times.read_datetime(end).replace(hour=0, minute=0, second=0)
        minutes = int((last - begin).total_seconds() // 60) + _MINUTES_OF_DAY
    minutes = minutes if minutes is not None else record.get("DurationInMinutes") or _MINUTES_OF_DAY
    finish = begin + timedelta(minutes=max(minutes, _MINUTES_OF_DAY) - _MINUTES_OF_DAY)
    _store(record, begin, finish, minutes, changed)
    record["ActivityDateTime"] = None


def _store(record: Record, begin: datetime, finish: datetime, minutes: int, changed: dict[str, Any]) -> None:
    if finish < begin or minutes < 0:
        raise RowError(
            errors.FIELD_INTEGRITY_EXCEPTION,
            "The event's end cannot be before its start",
            _error_field(changed),
        )
    if timedelta(minutes=minutes) > LONGEST or finish - begin > LONGEST:
        raise RowError(
            errors.FIELD_INTEGRITY_EXCEPTION,
            "An event can't last longer than 14 days.",
            _error_field(changed),
        )
    record["StartDateTime"] = record["ActivityDateTime"] = times.format_datetime(begin)
    record["EndDateTime"] = times.format_datetime(finish)
    record["ActivityDate"] = begin.date().isoformat()
    record["EndDate"] = finish.date().isoformat()
    record["DurationInMinutes"] = minutes


def _derive_account(caller: Caller, record: Record) -> None:
    """AccountId is read-only: that of WhatId where it has one, else that of the contact."""
    what, who = record.get("WhatId") or "", record.get("WhoId") or ""
    account = None
    if what.startswith("001"):
        account = what
    elif what.startswith("500"):
        account = (caller.org.live("Case", what) or {}).get("AccountId")
    if account is None and who.startswith("003"):
        account = (caller.org.live("Contact", who) or {}).get("AccountId")
    record["AccountId"] = account
