"""What guests see of an account: its name, its hosts, the booking that follows theirs."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from instep.core.booking_calendar import HERE
from instep.store.queries import rows


@frozen
class HostFace:
    """A host as guests see one; `zone` is empty where none is known."""

    key: str
    name: str
    zone: str


def account_name(account_id: int) -> str:
    """The name that an account shows to guests."""
    return str(rows("SELECT name FROM account WHERE id = %s", [account_id])[0][0])


def faces(account_id: int, keys: Iterable[str]) -> tuple[HostFace, ...]:
    """The hosts with these keys, in the order of the keys."""
    wanted = list(keys)
    found = rows(
        """SELECT public_id, coalesce(nullif(name, ''), email), coalesce(nullif(weekly_hours->>'zone', ''), time_zone)
             FROM host WHERE account_id = %s AND public_id = ANY(%s)""",
        [account_id, wanted],
    )
    by_key = {key: HostFace(key, name, zone) for key, name, zone in found}
    return tuple(by_key[key] for key in wanted if key in by_key)


def follower_of(account_id: int, key: int) -> str:
    """The id of the booking that was made in the place of this one; empty when there is none.

    One that was never confirmed takes nobody's place.
    """
    found = rows(
        """SELECT later.source_id FROM booking later
             JOIN booking earlier ON earlier.account_id = later.account_id AND earlier.contact_id = later.contact_id
            WHERE later.account_id = %s AND earlier.id = %s AND later.source = %s
              AND later.state->>'rescheduled_from' = earlier.source_id
              AND NOT (later.status = 'canceled' AND later.state->>'actioned_by' = 'system')
            ORDER BY later.id DESC LIMIT 1""",
        [account_id, key, HERE],
    )
    return str(found[0][0]) if found else ""
