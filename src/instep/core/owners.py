"""Who should own a record that we make: the host's CRM user, or whoever comes nearest (rule E4)."""

from __future__ import annotations

from attrs import frozen

from instep.core.booking import Booking, Host
from instep.core.desired import Setting, host_user
from instep.core.lookup import CrmUser


@frozen
class Owner:
    """Who should own a record: the CRM user's id (empty: leave it to the CRM) and why.

    `host_key` is the host whose user this is, empty for the connected user.
    """

    user_id: str
    host_key: str
    rule: str
    note: str = ""


def new_record_owner(setting: Setting, booking: Booking | None) -> Owner:
    """Owner of a person that we create: the host's CRM user, else the connected user."""
    host = booking.host if booking else None
    user = host_user(setting, host)
    if user is not None and host is not None:
        return Owner(user.id, host.key, f"the host's {setting.profile.user_called}{called(user, host)}")
    return _connected(setting, host)


def called(user: CrmUser, host: Host) -> str:
    """Who a user is, in words that follow “the host's user”: the name in the CRM and the host's address."""
    return f", {user.name} ({host.email})" if user.name else f" ({host.email})"


def _connected(setting: Setting, host: Host | None) -> Owner:
    who = (host.name or host.email or "the host") if host else "no host"
    connected = setting.directory.connected if setting.profile.connected_owns else ""
    instead = "so the connected user owns it" if connected else "so nobody owns it"
    note = f"{who} has no active {setting.profile.user_word} in {setting.profile.label}, {instead}"
    name = setting.directory.connected_name
    rule = f"the connected user, {name}" if name else "the connected user"
    return Owner(connected, "", rule, note if host else "")


def activity_owner(setting: Setting, booking: Booking) -> Owner:
    """Owner of the activity: the host's user, else that of the last connected host (rule E4)."""
    for host in booking.hosts_newest_first:
        user = host_user(setting, host)
        if user is None:
            continue
        present = booking.host
        if present is not None and host.key == present.key:
            return Owner(user.id, host.key, f"the host's {setting.profile.user_called}{called(user, host)}")
        name, crm = (present.name or present.email) if present else "the new host", setting.profile
        return Owner(
            user.id,
            host.key,
            f"the last host with a {setting.profile.user_called}{called(user, host)}",
            f"{name} has no active {crm.user_word} in {crm.label}: the owner stays, without “Reassigned”",
        )
    return _connected(setting, booking.host)
