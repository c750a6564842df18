"""What `instep connect` says when it is done, whichever CRM it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from instep.cli.options import print_json

if TYPE_CHECKING:
    from instep.engine.connecting import Connected


def say(done: Connected, as_json: bool) -> None:
    """Tell a connection as made, in words or as JSON."""
    answer = {
        "connection": done.public_id,
        "new": done.made,
        "org_id": done.identity.org_id,
        "org": done.identity.org_name,
        "user": done.identity.username,
        "sandbox": done.identity.sandbox,
        "api_version": done.api_version,
        "installed": done.installed,
        "bookings_marked": done.bookings,
    }
    if as_json:
        print_json(answer)
        return
    kind = "sandbox" if done.identity.sandbox else "production"
    verb = "Connected" if done.made else "Connection renewed:"
    print(f"{verb} {answer['org']} ({answer['org_id']}, {kind}) as {answer['user']}, ", end="")
    print(f"API v{done.api_version}.")
    if done.installed is None:
        print("The connector's fields were not installed; add --install to create them.")
    else:
        print("The connector's fields are installed and granted to the connected user.")
    print(f"{done.bookings} bookings are waiting to be written: instep sync --wait")
