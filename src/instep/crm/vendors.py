"""The CRMs that Instep knows. A new one is a folder beside this file and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from attrs import frozen

from instep.core.errors import InputError
from instep.core.rules import Profile
from instep.crm.oauth import Tokens
from instep.crm.port import Crm
from instep.crm.salesforce import SalesforceCredentials, check_org_url, open_salesforce
from instep.crm.salesforce.profile import PROFILE as SALESFORCE


@frozen
class Keeper:
    """Where a client keeps its tokens: `save(new, previous)` and `load` are called inside `lock`."""

    load: Callable[[], Tokens | None]
    save: Callable[[Tokens, Tokens | None], None]
    lock: Callable[[], AbstractContextManager[Any]]


@frozen
class Vendor:
    """One CRM: its profile, and how a client is opened from kept credentials."""

    profile: Profile
    #: (what the admin entered, private hosts allowed) -> what is kept; raises `InputError`
    prepare: Callable[[Mapping[str, str], Sequence[str]], dict[str, Any]]
    #: (what is kept, org id or "", API version or "", keeper) -> client
    open: Callable[[Mapping[str, Any], str, str, Keeper], Crm]


def _salesforce_kept(entered: Mapping[str, str], allow: Sequence[str]) -> dict[str, Any]:
    checked = {**entered, "url": check_org_url(entered["url"], allow)}
    return {**SalesforceCredentials.of(checked).kept(), "allow": list(allow)}


VENDORS: Mapping[str, Vendor] = {
    "salesforce": Vendor(
        SALESFORCE,
        _salesforce_kept,
        lambda kept, org_id, version, keeper: open_salesforce(
            kept, org_id, version, keeper.load, keeper.save, keeper.lock
        ),
    ),
}


def vendor_of(name: str) -> Vendor:
    """The vendor of that name. Raises `InputError` for an unknown one."""
    try:
        return VENDORS[name]
    except KeyError:
        raise InputError(f"“{name}” is no CRM that Instep knows.", cure=f"Known: {', '.join(VENDORS)}.")
