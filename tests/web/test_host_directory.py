"""The host directory: found by e-mail, chosen by hand, and what that means for who owns what."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from instep.engine.drain import drain
from instep.engine.lane import open_lane, refresh
from instep.store.lane_queries import connection_by_id
from instep.store.models import Account, Connection, CrmUser, Host, HostUser, User
from oncehub_events import line

from .crm_sign_in import BY_ITSELF, connected
from .test_bookings import text_of

if TYPE_CHECKING:
    from django.test import Client

    from instep_standins.salesforce.server import Running

#: the host whom the events name, and a user of the org with another address
HOST = "nuno.reis@host.example"


@pytest.fixture(autouse=True)
def _at_localhost(client: Client) -> None:
    client.defaults["SERVER_NAME"] = "localhost"


@pytest.fixture
def row(client: Client, org: Running, account: Account, recorded: Callable[..., list[int]]) -> Connection:
    order_user(org, user_of(org, "Nuno")["Id"], Email="nuno@elsewhere.example")
    recorded(line("EVNT-1"))
    return connected(client, org, account, BY_ITSELF)


def user_of(org: Running, first: str) -> dict[str, str]:
    return next(u for u in org.org.tables.rows("User").values() if u.get("FirstName") == first)


def see(client: Client, row: Connection, **query: str) -> str:
    return text_of(client.get(reverse("host-directory", args=[row.public_id]), query))


def choose(client: Client, row: Connection, user: str) -> str:
    key = Host.objects.get(email_key=HOST).public_id
    answer = client.post(reverse("host-user", args=[row.public_id, key]), {"user": user}, follow=True)
    return text_of(answer)


def look_again(account: Account, row: Connection) -> None:
    lane = open_lane(account.id, connection_by_id(account.id, row.id) or {})
    refresh(lane, force=True)


def events(org: Running) -> list[dict[str, str]]:
    return list(org.org.tables.rows("Event").values())


def test_a_host_without_a_user_is_told_and_who_would_own(client: Client, row: Connection) -> None:
    words = see(client, row)
    assert "1 host has no user who can own records." in words
    assert "No user" in words
    assert "(as whom Instep works)" in words


def test_a_user_is_found_by_address_whatever_a_sandbox_appends(
    client: Client, row: Connection, org: Running, account: Account
) -> None:
    user = user_of(org, "Nuno")
    order_user(org, user["Id"], Email=f"{HOST}.invalid")
    look_again(account, row)
    words = see(client, row)
    assert "by e-mail" in words
    assert "Active" in words
    assert "has no user" not in words


def order_user(org: Running, user_id: str, **fields: object) -> None:
    org.org.insert("User", {**org.org.tables.get("User", user_id), **fields})


def test_an_inactive_user_and_one_without_a_licence_own_nothing(
    client: Client, row: Connection, org: Running, account: Account
) -> None:
    user = user_of(org, "Nuno")
    order_user(org, user["Id"], Email=HOST, IsActive=False)
    look_again(account, row)
    assert "Inactive" in see(client, row)
    order_user(org, user["Id"], Email=HOST, IsActive=True, UserType="CsnOnly")
    look_again(account, row)
    assert "No licence" in see(client, row)
    lane = open_lane(account.id, connection_by_id(account.id, row.id) or {})
    assert lane.setting([HOST]).directory.user(HOST) is None


def test_the_chosen_user_owns_what_is_booked_and_outlives_the_next_check(
    client: Client, row: Connection, org: Running, account: Account
) -> None:
    drain(account.id, row.id)
    chosen = next(u for u in org.org.tables.rows("User").values() if u["IsActive"] and u["Email"] != HOST)
    words = choose(client, row, chosen["Id"])
    assert "Bookings with" in words
    assert "chosen by hand" in words
    drain(account.id, row.id)
    assert events(org)[0]["OwnerId"] == chosen["Id"]
    look_again(account, row)
    drain(account.id, row.id)
    assert events(org)[0]["OwnerId"] == chosen["Id"]


def test_a_choice_comes_before_the_address_and_can_be_taken_back(
    client: Client, row: Connection, org: Running, account: Account
) -> None:
    by_address = user_of(org, "Nuno")
    order_user(org, by_address["Id"], Email=HOST)
    look_again(account, row)
    other = next(
        u for u in org.org.tables.rows("User").values() if u["IsActive"] and u["Id"] != by_address["Id"]
    )
    lane = open_lane(account.id, connection_by_id(account.id, row.id) or {})

    def owner() -> str:
        found = lane.setting([HOST]).directory.user(HOST)
        return found.id if found else ""

    assert owner() == by_address["Id"]
    choose(client, row, other["Id"])
    assert owner() == other["Id"]
    choose(client, row, "nobody")
    assert owner() == ""
    assert lane.unknown_hosts(lane.setting([HOST]), [HOST]) == frozenset(), "the CRM is not asked behind it"
    assert "Nobody, as chosen" in see(client, row)
    choose(client, row, "email")
    assert owner() == by_address["Id"]


def test_a_user_that_the_org_does_not_have_cannot_be_chosen(client: Client, row: Connection) -> None:
    assert "not known here any more" in choose(client, row, "005NOBODY0000000")
    assert not HostUser.objects.exists()


def test_a_host_whose_chosen_user_comes_back_is_compared_again(
    client: Client, row: Connection, org: Running, account: Account
) -> None:
    user = user_of(org, "Nuno")
    choose(client, row, user["Id"])
    order_user(org, user["Id"], IsActive=False)
    look_again(account, row)
    drain(account.id, row.id)
    order_user(org, user["Id"], IsActive=True)
    look_again(account, row)
    drain(account.id, row.id)
    assert events(org)[0]["OwnerId"] == user["Id"]


def test_hosts_and_users_are_searched(client: Client, row: Connection, org: Running) -> None:
    assert "No host is called so" in see(client, row, search="zzz")
    assert HOST in see(client, row, search="NUNO")
    key = Host.objects.get(email_key=HOST).public_id
    page = client.get(reverse("host-user", args=[row.public_id, key]), {"search": "integration"})
    assert [user.username for user in page.context["users"]] == ["integration@acme.example"]


def test_everybody_chooses_her_own_user(
    client: Client, row: Connection, account: Account, reader: User, org: Running
) -> None:
    User.objects.filter(id=reader.id).update(role="member", email=HOST)
    assert "Your Salesforce user" in text_of(client.get(reverse("profile")))
    user = CrmUser.objects.filter(connection=row, active=True).first()
    assert user is not None
    client.post(reverse("own-crm-user", args=[row.public_id]), {"user": user.crm_id})
    chosen = HostUser.objects.get(connection=row)
    assert (chosen.email_key, chosen.crm_id, chosen.chosen_by) == (HOST, user.crm_id, HOST)


def test_who_hosts_nothing_has_no_user_to_choose(client: Client, row: Connection) -> None:
    assert "Your Salesforce user" not in text_of(client.get(reverse("profile")))
    assert client.get(reverse("own-crm-user", args=[row.public_id])).status_code == 404


def test_users_are_checked_again_by_a_button(client: Client, row: Connection, org: Running) -> None:
    order_user(org, user_of(org, "Nuno")["Id"], Email=HOST)
    answer = client.post(reverse("host-directory", args=[row.public_id]), follow=True)
    assert "by e-mail" in text_of(answer)


def test_another_accounts_host_is_not_there(client: Client, row: Connection) -> None:
    other = Account.objects.create(name="Other")
    Host.objects.create(account=other, email="x@y.example", email_key="x@y.example")
    key = Host.objects.get(account=other).public_id
    assert client.get(reverse("host-user", args=[row.public_id, key])).status_code == 404
