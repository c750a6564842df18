"""A calendar of another scheduler: named where its events say only an id, and called by that name everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from django.test import Client

from instep.store.models import Account, Calendar
from oncehub_events import line

from .crm_sign_in import connected
from .test_bookings import text_of

if TYPE_CHECKING:
    from instep_standins.salesforce.server import Running

BARE = "BKC-51RT8YQ20V"
ADDRESS = f"/calendars/known/{BARE}"


@pytest.fixture
def known(client: Client, recorded: Callable[..., list[int]]) -> list[int]:
    """One booking of a calendar that events name by its id."""
    return recorded(line("EVNT-1", subject="Onboarding call"))


def test_without_a_name_it_is_called_by_its_id_and_what_it_is_about(client: Client, known: list[int]) -> None:
    for address in ("/calendars", "/bookings", ADDRESS, f"/calendars/{BARE}/crm"):
        assert f"{BARE} · “Onboarding call”" in text_of(client.get(address))
    assert BARE in text_of(client.get(f"/bookings/{known[0]}"))


def test_a_name_given_here_stands_everywhere_and_stays(
    client: Client, org: Running, account: Account, known: list[int], recorded: Callable[..., list[int]]
) -> None:
    """In the list, in the rules' list of Cases, in the CRM tab, at the booking; events that come later keep it."""
    client.defaults["SERVER_NAME"] = "localhost"
    row = connected(client, org, account)
    assert client.post(ADDRESS, {"name": "Onboarding team"}).status_code == 302
    recorded(line("EVNT-2", at=9, id="BKNG-2", booking_calendar={"id": BARE, "name": "Theirs"}))
    for address in (
        "/calendars",
        f"/calendars/{BARE}/crm",
        f"/integrations/{row.public_id}/rules",
        f"/bookings/{known[0]}",
    ):
        assert "Onboarding team" in text_of(client.get(address)), address
    assert "This name was given here" in text_of(client.get(ADDRESS))


def test_an_empty_name_is_the_events_own_again(
    client: Client, known: list[int], recorded: Callable[..., list[int]]
) -> None:
    recorded(line("EVNT-2", at=9, id="BKNG-2", booking_calendar={"id": BARE, "name": "Theirs"}))
    client.post(ADDRESS, {"name": "Mine"})
    assert Calendar.objects.get(source_id=BARE).name == "Mine"
    client.post(ADDRESS, {"name": ""})
    assert Calendar.objects.get(source_id=BARE).name == "Theirs"
    recorded(line("EVNT-3", at=10, id="BKNG-3", booking_calendar={"id": BARE, "name": "Newer"}))
    assert Calendar.objects.get(source_id=BARE).name == "Newer"


def test_saving_what_stands_there_leaves_the_name_to_the_events(
    client: Client, known: list[int], recorded: Callable[..., list[int]]
) -> None:
    recorded(line("EVNT-2", at=9, id="BKNG-2", booking_calendar={"id": BARE, "name": "Theirs"}))
    client.post(ADDRESS, {"name": "Theirs"})
    recorded(line("EVNT-3", at=10, id="BKNG-3", booking_calendar={"id": BARE, "name": "Newer"}))
    assert Calendar.objects.get(source_id=BARE).name == "Newer"


def test_too_long_a_name_is_refused_and_stays_typed(client: Client, known: list[int]) -> None:
    answer = client.post(ADDRESS, {"name": "x" * 201})
    assert answer.status_code == 422
    assert "x" * 201 in answer.content.decode()
    assert Calendar.objects.get(source_id=BARE).name == ""


@pytest.mark.parametrize("odd", ["demo page", "sales/demo", "ü 50%"])
def test_ids_of_other_schedulers_are_whatever_they_are(
    client: Client, recorded: Callable[..., list[int]], odd: str
) -> None:
    recorded(line("EVNT-1", booking_calendar=odd))
    page = client.get("/calendars").content.decode()
    assert f'href="/calendars/known/{quote(odd)}"' in page
    for address in (f"/calendars/known/{quote(odd)}", f"/calendars/{quote(odd)}/crm"):
        assert odd in text_of(client.get(address))


def test_calendars_of_others_and_those_made_here_are_none(
    client: Client, known: list[int], account: Account
) -> None:
    other = Account.objects.create(name="Other")
    Calendar.objects.create(account=other, source="oncehub", source_id="BKC-OTHER")
    Calendar.objects.create(account=account, source="instep", source_id="CAL-1", name="Made here")
    for key in ("BKC-OTHER", "CAL-1", "none"):
        assert client.get(f"/calendars/known/{key}").status_code == 404
        assert client.post(f"/calendars/known/{key}", {"name": "Mine"}).status_code == 404
    assert not Calendar.objects.filter(name="Mine").exists()
