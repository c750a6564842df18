"""The rules of a connection, changed on a page: checked against the live CRM, saved without losing anyone's work."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from attrs import frozen
from django.db import transaction

from instep.core.config_document import to_document
from instep.core.errors import InstepError
from instep.core.rules import SyncConfig, check
from instep.crm.vendors import vendor_of
from instep.engine.connection import reconsider
from instep.engine.lane import RULES_SAVED, describe_again, load_config, open_lane
from instep.engine.mapping_edit import RECENT, check_connected, read_again
from instep.store import connection_queries, credentials, item_queries, lane_queries

Change = Callable[[SyncConfig], SyncConfig]
#: what was read longer ago than so many seconds is read anew when somebody opens a page of rules
_OLD = 300.0


@frozen
class Outcome:
    """What came of saving: nothing was, where there are `faults` or somebody else saved `meanwhile`."""

    faults: tuple[str, ...] = ()
    meanwhile: bool = False

    @property
    def saved(self) -> bool:
        """True when the rules count from now on."""
        return not self.faults and not self.meanwhile


def version_of(config: SyncConfig) -> str:
    """A short text that is another one for another configuration: tells whether somebody saved meanwhile."""
    said = json.dumps(to_document(config), sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def look_again(account_id: int, row: dict[str, Any], older_than: float = _OLD) -> InstepError | None:
    """Read record types and fields anew where what is known is so many seconds old; what went wrong, or None."""
    if row["state"] != credentials.CONNECTED:
        return None
    try:
        read_again(account_id, row, vendor_of(row["vendor"]).profile.objects, older_than)
    except InstepError as error:
        return error
    return None


def save_rules(account_id: int, row: dict[str, Any], change: Change, version: str) -> Outcome:
    """Change a connection's configuration where the result has no fault and nobody saved since `version`.

    Every booking is compared again. Raises the CRM's own errors where it cannot be asked, and then saves nothing.
    """
    check_connected(row)
    lane = open_lane(account_id, row, hurried=True)
    describe_again(lane, lane.vendor.profile.objects, RECENT)
    with transaction.atomic():
        settings = connection_queries.locked_settings(account_id, lane.id)
        before = load_config({**row, "settings": settings})
        if version_of(before) != version:
            return Outcome(meanwhile=True)
        wanted = change(before)
        # what was wrong before (a field that is gone) is told where it belongs, and forbids no other change
        standing = set(check(before, lane.vendor.profile, lane.schema, lane.custom, before))
        found = check(wanted, lane.vendor.profile, lane.schema, lane.custom, before)
        if faults := tuple(fault for fault in found if fault not in standing):
            return Outcome(faults)
        if wanted != before or RULES_SAVED not in settings:
            kept = {**settings, "config": to_document(wanted), RULES_SAVED: True}
            credentials.save_settings(account_id, lane.id, kept)
        if wanted != before:
            item_queries.mark_in_lane(account_id, lane.id)
            # the wake comes last, for it takes the queue's locks
            lane_queries.wake(lane.id)
    reconsider(account_id, lane.id)
    return Outcome()
