"""Reading the record that a guest's link names, while the guest waits: once, briefly, and remembered for minutes.

What is read never leaves the server: the pages of guests say only *what* is known.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.core.cache import cache

from instep.core.booking import Booking, Status
from instep.core.desired import Setting
from instep.core.errors import InstepError
from instep.core.link_values import lookup_of_named, values_of_named
from instep.core.rules import Directory
from instep.core.work import Link, Work
from instep.crm.transport import patience
from instep.crm.vendors import vendor_of
from instep.engine.lane import custom_properties, load_config, open_crm
from instep.engine.schemas import schemas_of
from instep.store import lane_queries

log = logging.getLogger("instep.engine.named_record")

#: seconds that a guest is kept waiting for the CRM
PATIENCE = 4.0
#: seconds that an answer is remembered: long enough for a guest to fill in a form
_REMEMBERED = 20 * 60
#: seconds that "nobody has this id" is remembered: the record may be made a moment later
_NOBODY_REMEMBERED = 60
#: seconds in which a CRM that did not answer is not asked again for guests
_SILENT = 20


def values_of(
    account_id: int, calendar_id: str, ids: Mapping[str, str], now: datetime, may_ask: Callable[[], bool]
) -> Mapping[str, str] | None:
    """What the CRM knows of the named person, by catalogue key; empty for nobody, None where it was not told.

    `may_ask` is called before the CRM is asked: False leaves it alone.
    """
    key = "named-record:" + _digest(account_id, calendar_id, *sorted(f"{k}={v}" for k, v in ids.items()))
    known: Mapping[str, str] | None = cache.get(key)
    if known is not None:
        return known
    answered = False
    for row in lane_queries.connections(account_id):
        if not _is_up(row, now):
            continue
        if not may_ask():
            return None
        found = _asked(account_id, row, calendar_id, ids, now)
        answered = answered or found is not None
        if found:
            cache.set(key, found, _REMEMBERED)
            return found
    if not answered:
        return None
    cache.set(key, {}, _NOBODY_REMEMBERED)
    return {}


def _is_up(row: Mapping[str, Any], now: datetime) -> bool:
    """Whether the lane works: one that is paused (calls used up, CRM down) is not asked for guests either."""
    held = row["held_until"]
    return row["state"] == "connected" and not (held and held > now) and not cache.get(_silent(row))


def _silent(row: Mapping[str, Any]) -> str:
    return f"named-record-silent:{row['id']}"


def _asked(
    account_id: int, row: dict[str, Any], calendar_id: str, ids: Mapping[str, str], now: datetime
) -> dict[str, str] | None:
    """The values that one connection's CRM has; None when it gave no answer in time."""
    try:
        with patience(PATIENCE):
            return _read(account_id, row, calendar_id, ids, now)
    except InstepError as error:
        # its text may quote the record: the code says enough
        log.warning("the record of a link was not read", extra={"connection": row["id"], "code": error.code})
        cache.set(_silent(row), True, _SILENT)
        return None


def _read(
    account_id: int, row: dict[str, Any], calendar_id: str, ids: Mapping[str, str], now: datetime
) -> dict[str, str]:
    crm = open_crm(account_id, row, hurried=True)
    # as described last: a guest does not wait for a describe
    setting = Setting(
        vendor_of(row["vendor"]).profile,
        load_config(row),
        schemas_of(account_id, int(row["id"]), row["vendor"], crm.schema_of),
        Directory(),
        now,
        custom_properties(account_id),
    )
    work = _work(calendar_id, ids, now)
    lookup = lookup_of_named(setting, work)
    if not lookup.objects:
        return {}
    try:
        return values_of_named(setting, work, crm.observe(lookup))
    finally:
        lane_queries.count_calls(account_id, int(row["id"]), len(crm.calls), 0)


def _work(calendar_id: str, ids: Mapping[str, str], now: datetime) -> Work:
    """A request of nobody's with these ids: what it makes a sync read is the named records and nothing else."""
    booking = Booking(
        id="BKNG-NAMED",
        source="instep",
        status=Status.REQUESTED,
        status_detail="",
        subject="",
        start=now,
        end=now,
        calendar=calendar_id,
        record_ids=ids,
    )
    return Work("booking:BKNG-NAMED", None, booking, Link())


def _digest(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()
