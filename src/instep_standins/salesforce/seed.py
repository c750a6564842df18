"""What a new org holds: the company, its users, no Leads and no Contacts."""

from collections.abc import Iterator
from typing import Any

from . import ids
from .schema import choices_of

INTEGRATION_USERNAME = "integration@acme.example"
ORGANIZATION_ID = ids.mint("00D", 1)
STANDARD_PROFILE_ID = ids.mint("00e", 1)

_USERS = (
    # (number, first name, last name, email, username, active): a username is never assumed to be the email
    (1, "Integration", "User", INTEGRATION_USERNAME, INTEGRATION_USERNAME, True),
    (2, "Greta", "Lindqvist", "greta.lindqvist@host.example", "greta.lindqvist@acme.example", True),
    (3, "Amara", "Okafor", "amara.okafor@host.example", "amara.okafor@acme.example", True),
    (4, "Nuno", "Reis", "nuno.reis@host.example", "nuno.reis@acme.example", True),
    (5, "Former", "Colleague", "former.colleague@host.example", "former.colleague@acme.example", False),
)


def _user(number: int, first: str, last: str, email: str, username: str, active: bool) -> dict[str, Any]:
    return {
        "Id": ids.mint("005", number), "FirstName": first, "LastName": last, "Name": f"{first} {last}",
        "Email": email, "Username": username, "IsActive": active, "Alias": (first[:1] + last)[:8].lower(),
        "CommunityNickname": username.partition("@")[0], "ProfileId": STANDARD_PROFILE_ID, "UserType": "Standard",
        "TimeZoneSidKey": "Europe/Copenhagen", "LocaleSidKey": "en_GB", "LanguageLocaleKey": "en_US",
        "EmailEncodingKey": "UTF-8", "ReceivesInfoEmails": False, "ReceivesAdminInfoEmails": False,
    }  # fmt: skip


def records(with_users: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """(object, fields) of the first day. Without users only the integration user exists."""
    yield "Organization", {
        "Id": ORGANIZATION_ID, "Name": "Acme", "OrganizationType": "Developer Edition", "IsSandbox": False,
        "InstanceName": "STAND", "DefaultLocaleSidKey": "en_GB", "TimeZoneSidKey": "Europe/Copenhagen",
        "LanguageLocaleKey": "en_US", "Country": "DK",
    }  # fmt: skip
    yield "Profile", {"Id": STANDARD_PROFILE_ID, "Name": "Standard User", "UserType": "Standard"}
    for user in _USERS if with_users else _USERS[:1]:
        yield "User", _user(*user)


def thaw_field(body: dict[str, Any]) -> dict[str, Any]:
    """A saved custom field's values with their tuples and choices again."""
    return {**body, "targets": tuple(body["targets"]), "choices": choices_of(body["choices"])}
