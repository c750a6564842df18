"""A calendar's CRM tab: what it wants of its own, saved beside the connection's rules, refused where it cannot be."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from typing import TYPE_CHECKING

import pytest

from instep.bookings.calendars import create
from instep.core.booking_calendar import Rules
from instep.core.creation import CalendarRules
from instep.engine.drain import drain
from instep.store.models import Account, Connection, CrmDescribe, User
from oncehub_events import line

from .crm_sign_in import connected, order
from .test_creation_rules import CALENDAR, config_of, form_of, values

if TYPE_CHECKING:
    from django.test import Client

    from instep_standins.salesforce.server import Running

ADDRESS = f"/calendars/{CALENDAR}/crm"


@pytest.fixture
def row(client: Client, org: Running, account: Account, recorded: Callable[..., list[int]]) -> Connection:
    client.defaults["SERVER_NAME"] = "localhost"
    recorded(line("EVNT-1", id="BKNG-1"))
    return connected(client, org, account)


def test_a_calendar_that_says_nothing_is_as_the_connection(client: Client, row: Connection) -> None:
    answer = client.get(ADDRESS)
    assert values(answer, "links") == {"", "Lead", "Contact", "Case", "none"}
    assert values(answer, "event") == {"", "yes", "no"}
    assert client.post(ADDRESS, form_of(answer)).status_code == 302
    assert config_of(row).calendars == {}


def test_its_sections_stand_in_the_known_order(client: Client, row: Connection) -> None:
    page = client.get(ADDRESS).content.decode()
    titles = (
        "Salesforce Record Types",
        "Salesforce Activity Event creation",
        "Bookings created via General links",
    )
    places = [page.index(title) for title in titles]
    assert places == sorted(places)


def test_without_an_event_the_records_are_written_all_the_same(
    client: Client, org: Running, row: Connection, recorded: Callable[..., list[int]]
) -> None:
    form = form_of(client.get(ADDRESS))
    assert client.post(ADDRESS, {**form, "links": "Contact", "event": "no"}).status_code == 302
    assert config_of(row).calendars == {CALENDAR: CalendarRules("Contact", False)}
    recorded(line("EVNT-2", id="BKNG-2"))
    drain(row.account_id, row.id)
    rows = org.org.tables.rows
    assert (len(rows("Contact")), len(rows("Lead"))) == (1, 0)
    # the first booking had come before; the second has none
    assert len(rows("Event")) <= 1
    back = form_of(client.get(ADDRESS))
    assert (back["links"], back["event"]) == ("Contact", "no")
    client.post(ADDRESS, {**back, "links": "", "event": ""})
    assert config_of(row).calendars == {}, "as the connection says again"


def test_only_record_types_that_the_user_may_use_are_offered(
    client: Client, org: Running, row: Connection
) -> None:
    assert "has no record types that could be chosen" in client.get(ADDRESS).content.decode()
    order(org, "record-types", {"object": "Lead", "developerName": "Partner", "name": "Partner lead"})
    CrmDescribe.objects.filter(connection_id=row.id).update(fetched_at=datetime(2026, 1, 1, tzinfo=UTC))
    answer = client.get(ADDRESS)
    offered = re.search(r'value="([^"]+)">Partner lead<', answer.content.decode())
    assert offered is not None
    form = form_of(answer)
    saved = client.post(ADDRESS, {**form, "type-Lead": offered[1]})
    assert saved.status_code == 302
    assert config_of(row).calendars[CALENDAR].record_types == {"Lead": offered[1]}
    assert client.post(ADDRESS, {**form, "type-Lead": "Nothing"}).status_code == 422


@pytest.mark.parametrize("address", [ADDRESS, "/integrations/{connection}/rules"])
def test_record_types_made_a_moment_ago_are_read_on_request(
    client: Client, org: Running, row: Connection, address: str
) -> None:
    """Nobody waits until what is known of the org is old; what was chosen stands, and nothing is saved."""
    place = address.format(connection=row.public_id)
    client.get(place)
    order(org, "record-types", {"object": "Lead", "developerName": "Partner", "name": "Partner lead"})
    assert ">Partner lead<" not in client.get(place).content.decode()
    name, chosen = ("links", "Contact") if address == ADDRESS else ("new_contacts", "Contact")
    answer = client.post(place, {**form_of(client.get(place)), name: chosen, "act": "read"})
    assert answer.status_code == 200
    assert ">Partner lead<" in answer.content.decode()
    assert form_of(answer)[name] == chosen
    assert (config_of(row).calendars, config_of(row).person_object) == ({}, "Lead")


def test_what_a_record_type_is_without_a_choice_is_named(
    client: Client, org: Running, row: Connection
) -> None:
    """By the user's own default, or by what the connection says; whose profile counts stands beside it."""
    for name, label in (("Partner", "Partner lead"), ("Direct", "Direct lead")):
        order(org, "record-types", {"object": "Lead", "developerName": name, "name": label})
    CrmDescribe.objects.filter(connection_id=row.id).update(fetched_at=datetime(2026, 1, 1, tzinfo=UTC))

    def as_now() -> str:
        page = unescape(client.get(ADDRESS).content.decode())
        assert "The hosts' own profiles play no part" in page
        found = re.search(r'<select name="type-Lead".*?<option value=""[^>]*>([^<]*)<', page, re.S)
        assert found is not None
        return found[1]

    default = as_now()
    assert default.removesuffix(" (default)") in (
        "Master",
        "Partner lead",
        "Direct lead",
    )
    rules = f"/integrations/{row.public_id}/rules"
    answer = client.get(rules)
    offered = re.search(r'value="([^"]+)">Direct lead<', answer.content.decode())
    assert offered is not None
    assert client.post(rules, {**form_of(answer), "Lead-type": offered[1]}).status_code == 302
    assert as_now() == "Direct lead (connection)"


def test_person_accounts_are_offered_where_the_org_has_them(
    client: Client, org: Running, row: Connection
) -> None:
    order(org, "record-types", {"object": "Account", "name": "Partner", "label": "Partner"})
    for there in (False, True):
        CrmDescribe.objects.filter(connection_id=row.id).update(fetched_at=datetime(2026, 1, 1, tzinfo=UTC))
        page = client.get(ADDRESS).content.decode()
        assert 'name="type-Account"' in page
        assert ('name="type-PersonAccount"' in page) is there
        order(org, "features", {"personAccounts": True})


def test_record_types_stand_in_the_order_that_people_know(
    client: Client, org: Running, row: Connection
) -> None:
    order(org, "features", {"personAccounts": True})
    for name in ("Case", "Contact", "Event", "Lead"):
        order(org, "record-types", {"object": name, "name": "Special", "label": "Special"})
    CrmDescribe.objects.filter(connection_id=row.id).update(fetched_at=datetime(2026, 1, 1, tzinfo=UTC))
    found = re.findall(r'<select name="type-(\w+)"', client.get(ADDRESS).content.decode())
    assert found == ["Lead", "Account", "Contact", "PersonAccount", "Event", "Case"]


def test_record_types_of_people_are_not_for_companies(client: Client, org: Running, row: Connection) -> None:
    order(org, "features", {"personAccounts": True})
    CrmDescribe.objects.filter(connection_id=row.id).update(fetched_at=datetime(2026, 1, 1, tzinfo=UTC))
    answer = client.get(ADDRESS)
    page = answer.content.decode()
    lists = dict(re.findall(r'<select name="type-(\w+)".*?>(.*?)</select>', page, re.S))
    assert [">Person Account<" in lists[role] for role in ("Account", "PersonAccount")] == [False, True]
    assert [">Business Account<" in lists[role] for role in ("Account", "PersonAccount")] == [True, False]
    refused = client.post(ADDRESS, {**form_of(answer), "type-Account": "PersonAccount"})
    assert refused.status_code == 422
    assert config_of(row).calendars == {}


def test_a_case_needs_our_field_and_says_so(client: Client, row: Connection) -> None:
    answer = client.post(ADDRESS, {**form_of(client.get(ADDRESS)), "links": "Case"})
    assert answer.status_code == 422
    assert "Install the fields, or grant them" in answer.content.decode()
    assert form_of(answer)["links"] == "Case", "what was chosen stands"


def test_somebody_elses_change_is_not_overwritten(client: Client, row: Connection) -> None:
    form = form_of(client.get(ADDRESS))
    client.post(ADDRESS, {**form, "event": "no"})
    answer = client.post(ADDRESS, {**form, "links": "none"})
    assert answer.status_code == 409
    assert config_of(row).calendars == {CALENDAR: CalendarRules(event=False)}


def test_the_way_back_leads_over_the_calendar_where_it_has_a_page(
    client: Client, row: Connection, account: Account
) -> None:
    def crumbs(address: str) -> str:
        page = client.get(address).content.decode()
        return page[page.index('class="crumbs"') :].partition("</nav>")[0]

    assert "/calendars" in crumbs(ADDRESS)
    assert f"/calendars/{CALENDAR}" not in crumbs(ADDRESS), "one of another source has no page here"
    made = create(account.id, "Onboarding", "onboarding", Rules(), [], True)
    assert f'<a href="/calendars/{made.id}" dir="auto">Onboarding</a>' in crumbs(f"/calendars/{made.id}/crm")


def test_no_crm_and_no_such_calendar(
    client: Client, recorded: Callable[..., list[int]], reader: User
) -> None:
    assert client.get(ADDRESS).status_code == 404
    recorded(line("EVNT-1", id="BKNG-1"))
    assert "No CRM is connected" in client.get(ADDRESS).content.decode()
