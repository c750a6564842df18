"""One host: made, edited and deleted on its page, without a script."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from instep.bookings.hosting import create_host, list_hosts
from instep.core.booking_calendar import WeeklyHours
from instep.store.models import Account
from oncehub_events import NOON, line

from .test_bookings import text_of

TYPED = {"name": "Nuno Reis", "email": "nuno@host.example", "zone": "lisbon", "day0": "9-12, 13-17"}
HOURS = WeeklyHours("Europe/Lisbon", ((0, 540, 720), (0, 780, 1020)))


def test_a_new_host_begins_with_office_hours_in_the_readers_zone(client: Client) -> None:
    client.cookies["instep_zone"] = "Asia/Kathmandu"
    page = client.get("/hosts/new").content.decode()
    assert 'name="zone" value="Asia/Kathmandu"' in page
    assert page.count('value="09:00–17:00"') == 5


def test_what_was_typed_is_kept_as_it_was_meant(client: Client, account: Account) -> None:
    answer = client.post("/hosts/new", TYPED, follow=True)
    assert "Nuno Reis is saved." in text_of(answer)
    (host,) = list_hosts(account.id, NOON)
    assert (host.name, host.email, host.hours) == ("Nuno Reis", "nuno@host.example", HOURS)
    page = client.get(f"/hosts/{host.key}").content.decode()
    assert 'value="09:00–12:00, 13:00–17:00"' in page
    assert 'value="Europe/Lisbon"' in page


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"day0": "nine to five"}, "“nine to five” is no span of time. Write 09:00–17:00"),
        ({"day6": "22:00-02:00"}, "22:00–24:00 on one day"),
        ({"day3": "9-12, 11-13"}, "overlap"),
        ({"email": "nobody"}, "“nobody” is not an e-mail address."),
        ({"email": ""}, "A host needs an e-mail address"),
        ({"email": "taken@host.example"}, "There is a host with the address taken@host.example already."),
        ({"zone": "Mars/Base"}, "“Mars/Base” is no time zone"),
        ({"zone": "portugal"}, "Which one is meant?"),
        ({"zone": ""}, "Weekly hours need a time zone"),
        ({"name": "N\0"}, "Null characters"),
    ],
)
def test_what_cannot_be_is_told_at_its_field_and_nothing_typed_is_lost(
    client: Client, account: Account, change: dict[str, str], said: str
) -> None:
    create_host(account.id, "Ana", "taken@host.example", HOURS, NOON)
    typed = {**TYPED, "day1": "8-9", **change}
    answer = client.post("/hosts/new", typed)
    assert answer.status_code == 422
    assert said in text_of(answer)
    page = answer.content.decode()
    (field,) = change
    if typed[field] and "\0" not in typed[field]:
        assert f'name="{field}" value="{typed[field]}"' in page
    assert 'name="day1" value="8-9"' in page
    assert f'id="id_{field}_error"' in page
    assert [h.name for h in list_hosts(account.id, NOON)] == ["Ana"]


def test_of_several_zones_one_is_picked(client: Client, account: Account) -> None:
    client.post("/hosts/new", {**TYPED, "zone": "portugal", "zone_pick": "Atlantic/Azores"})
    (host,) = list_hosts(account.id, NOON)
    assert host.hours.zone == "Atlantic/Azores"


def test_monday_is_copied_and_nothing_is_saved_yet(client: Client, account: Account) -> None:
    answer = client.post("/hosts/new", {**TYPED, "act": "copy", "day5": "10-11", "email": "half"})
    assert answer.status_code == 200
    page = answer.content.decode()
    assert page.count('value="9-12, 13-17"') == 5
    assert 'name="day5" value="10-11"' in page
    assert 'value="half"' in page
    assert "They count once you save" in text_of(answer)
    assert list_hosts(account.id, NOON) == ()


def test_a_host_of_events_gets_hours_and_keeps_its_address(
    client: Client, account: Account, recorded: Callable[..., list[int]]
) -> None:
    recorded(line("EVNT-1"))
    (host,) = list_hosts(account.id, NOON)
    page = client.get(f"/hosts/{host.key}").content.decode()
    assert "readonly" in page
    assert "/delete" not in page
    client.post(f"/hosts/{host.key}", {**TYPED, "email": host.email})
    refused = client.post(f"/hosts/{host.key}", TYPED)
    assert "stays: bookings and the CRM know this host by it" in text_of(refused)
    (after,) = list_hosts(account.id, NOON)
    assert (after.name, after.email, after.hours) == ("Nuno Reis", host.email, HOURS)


def test_without_hours_the_page_says_that_nobody_can_book(client: Client) -> None:
    answer = client.post("/hosts/new", {**TYPED, "day0": ""}, follow=True)
    assert "Without weekly hours nobody can book this host here." in text_of(answer)


def test_a_host_is_deleted_only_by_a_post_and_only_while_nobody_booked_it(
    client: Client, account: Account, recorded: Callable[..., list[int]]
) -> None:
    recorded(line("EVNT-1"))
    (booked,) = list_hosts(account.id, NOON)
    free = create_host(account.id, "Ana", "ana@host.example", HOURS, NOON)
    assert client.get(f"/hosts/{free}/delete").status_code == 405
    assert "Ana is deleted." in text_of(client.post(f"/hosts/{free}/delete", follow=True))
    answer = client.post(f"/hosts/{booked.key}/delete", follow=True)
    assert "has bookings: they would lose their host." in text_of(answer)
    assert [h.key for h in list_hosts(account.id, NOON)] == [booked.key]


def test_another_accounts_host_does_not_exist(client: Client) -> None:
    other = Account.objects.create(name="Other").id
    key = create_host(other, "Theirs", "t@host.example", HOURS, NOON)
    assert client.get(f"/hosts/{key}").status_code == 404
    assert client.post(f"/hosts/{key}", TYPED).status_code == 404
    assert client.post(f"/hosts/{key}/delete").status_code == 404
    assert [h.name for h in list_hosts(other, NOON)] == ["Theirs"]
