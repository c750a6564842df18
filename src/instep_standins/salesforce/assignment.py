"""Assignment rules of Leads and Cases, and the queues that may own them."""

from typing import TYPE_CHECKING

from . import errors, formulas, ids
from .call import Caller
from .errors import RowError
from .schema import SObject
from .tables import Record

if TYPE_CHECKING:
    from .org import Org

ASSIGNED = ("Case", "Lead")
_HEADER = "sforce-auto-assign"


def queue_takes(org: "Org", queue_id: str, name: str) -> bool:
    """Whether a queue holds records of an object."""
    rows = org.tables.rows("QueueSobject").values()
    return any(row.get("QueueId") == queue_id and row.get("SobjectType") == name for row in rows)


def _rule(caller: Caller, name: str, creating: bool) -> Record | None:
    """The rule that runs: the active one, or for a new record the one that the header names.

    Without a header the active rule runs, for a changed record too.
    """
    asked = caller.headers.get(_HEADER, "TRUE").strip()
    rows = [
        row for row in caller.org.tables.rows("AssignmentRule").values() if row.get("SobjectType") == name
    ]
    if asked.upper() == "FALSE":
        return None
    if asked.upper() == "TRUE":
        return next((row for row in rows if row.get("Active")), None)
    wanted = ids.normalise(asked)
    if wanted is None:
        raise RowError(errors.MALFORMED_ID, f"Assignment Rule ID: id value of incorrect type: {asked}", [])
    found = next((row for row in rows if row["Id"] == wanted), None)
    if found is None:
        raise RowError(errors.INVALID_CROSS_REFERENCE_KEY, f"invalid cross reference id: {asked}")
    return found if creating else None


def assign(caller: Caller, obj: SObject, record: Record, creating: bool) -> None:
    """Give a record that is about to be stored to whom the rule says; it beats an owner in the request."""
    if obj.name not in ASSIGNED:
        return
    rule = _rule(caller, obj.name, creating)
    if rule is None:
        return
    org = caller.org
    for entry in org.config.entries.get(rule["Id"], ()):
        scope = formulas.Scope(org, org.catalogue[obj.name], record, None, caller.user_id)
        if formulas.holds(entry.get("when", ""), scope):
            record["OwnerId"] = entry["owner"]
            return
    fallback = org.config.default_owners.get(obj.name)
    if fallback:
        record["OwnerId"] = fallback
