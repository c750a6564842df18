"""Which user of the CRM a host is: chosen by a person, else by e-mail. What follows for bookings is compared again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from instep.core.errors import InputError
from instep.store import credentials, host_user_queries, item_queries, lane_queries

#: what can be chosen besides a user: the address decides, or nobody owns what is booked with the host
BY_EMAIL, NOBODY = "email", "nobody"


def choose(account_id: int, row: Mapping[str, Any], email_key: str, chosen: str, by: str) -> None:
    """Keep what was chosen for the host with that address: a user's id, `BY_EMAIL` or `NOBODY`.

    `by` is who chose. Raises `InputError` for a user that the CRM is not known to have.
    """
    connection_id = int(row["id"])
    if chosen == BY_EMAIL:
        host_user_queries.let_email_decide(account_id, connection_id, email_key)
    elif chosen == NOBODY:
        host_user_queries.choose_user(account_id, connection_id, email_key, "", by)
    elif chosen and host_user_queries.is_user(account_id, connection_id, chosen):
        host_user_queries.choose_user(account_id, connection_id, email_key, chosen, by)
    else:
        raise InputError(
            "This user is not known here any more.",
            cure="Check again, and choose from the list.",
            code="NO_USER",
        )
    if row["state"] != credentials.DISABLED:
        item_queries.mark_in_lane(account_id, connection_id, [email_key])
        lane_queries.wake(connection_id)
