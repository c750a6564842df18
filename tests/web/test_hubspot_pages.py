"""Every page of a HubSpot connection, and of what it has written: its own words and choices, no other CRM's."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from attrs import frozen
from django.urls import reverse

from instep.core.causes import Cause
from instep.core.creation import Ownership
from instep.crm.vendors import VENDORS
from instep.engine import connection as looking
from instep.engine.drain import drain
from instep.store.item_queries import mark_in_lane
from instep.store.models import Booking, Connection, Receipt
from instep.web.problems import words_for
from instep.web.setup_names import named
from oncehub_events import form, line

from .test_connecting_hubspot import ALL_SCOPES, connected, settings

if TYPE_CHECKING:
    from django.test import Client

    from instep.store.models import Account
    from instep_standins.hubspot.server import Running

#: what only Salesforce has, or calls so
FOREIGN = re.compile(
    r"\b(Salesforce|Leads?|Cases?|permission set|Object Manager|Lightning|API name|Page Layouts?|duplicate rule"
    r"|record types?|the org|this org|Modify All Data|Opportunity)\b"
)


def words_of(page: str) -> str:
    """The words of a page's main part."""
    return words_in(page[page.index("<main") : page.index("</main>")])


def words_in(markup: str) -> str:
    """The words of a piece of a page."""
    return " ".join(re.sub(r"<[^>]+>", " ", markup).split())


@frozen
class Hub:
    """A connected, installed portal with one booking in step."""

    client: Client
    running: Running
    row: Connection
    booking: int

    def page(self, name: str, *more: Any) -> str:
        return str(self.client.get(reverse(name, args=[self.row.public_id, *more])).content.decode())

    def drain(self) -> None:
        drain(self.row.account_id, self.row.id)

    def records(self, name: str) -> list[dict[str, Any]]:
        with httpx2.Client(trust_env=False) as http:
            answer = http.get(f"{self.running.base_url}/__fake__/records?object={name}")
        return list(answer.json()[name])


@pytest.fixture
def hub(client: Client, portal: Running, account: Account, recorded: Callable[..., list[int]]) -> Hub:
    client.defaults["SERVER_NAME"] = "localhost"
    row = connected(client, portal)
    looking.install(account.id, row.id)
    recorded(line("EVNT-1", id="BKNG-1", form_submission=form()))
    drain(account.id, row.id)
    return Hub(client, portal, row, Booking.objects.get(account=account).id)


@pytest.mark.parametrize(
    "name",
    [
        "connection",
        "reconnect",
        "switch",
        "disconnect",
        "problems",
        "host-directory",
        "validation",
        "creation-rules",
    ],
)
def test_a_page_of_the_connection_speaks_of_hubspot_only(hub: Hub, name: str) -> None:
    words = words_of(hub.page(name))
    assert FOREIGN.findall(words) == []


@pytest.mark.parametrize("tab", ["contacts", "meetings"])
def test_the_mapping_has_the_tabs_of_hubspot_with_labels_and_internal_names(hub: Hub, tab: str) -> None:
    page = hub.page("mapping", tab)
    # the portal's own properties speak of leads
    assert set(FOREIGN.findall(words_of(page))) <= {"Lead"}
    [nav] = re.findall(r'<nav class="tabs".*?</nav>', page, re.S)
    tabs = re.findall(r'href="[^"]*/mapping/(\w+)', nav)
    assert tabs == ["contacts", "meetings"]
    offered = {"contacts": "First Name (firstname)", "meetings": "Event status (instep_event_status)"}
    assert offered[tab] in page
    # what Instep writes itself, and what takes no value, is not offered
    for never in (
        "hs_meeting_outcome",
        "hs_timestamp",
        "hs_object_id",
        "associations.contact",
        "hs_additional_emails",
    ):
        assert f'value="{never}"' not in page
    assert ("Overwrite" in words_of(page)) is (tab == "contacts")


def test_properties_of_the_account_stand_apart_from_those_of_hubspot(hub: Hub) -> None:
    groups = re.findall(r'<optgroup label="([^"]*)">(.*?)</optgroup>', hub.page("mapping", "meetings"), re.S)
    [custom, *_] = [options for label, options in groups if label == "Custom fields"]
    [standard, *_] = [options for label, options in groups if label == "Standard fields"]
    assert "instep_event_status" in custom
    assert "hs_meeting_location" in standard
    assert "hs_" not in custom
    assert "instep_" not in standard


@pytest.mark.parametrize("tab", ["leads", "accounts", "events", "cases"])
def test_tabs_of_other_crms_are_not_there(hub: Hub, tab: str) -> None:
    assert hub.client.get(reverse("mapping", args=[hub.row.public_id, tab])).status_code == 404


def test_a_row_that_was_added_is_written(hub: Hub) -> None:
    page = hub.page("mapping", "contacts")
    version = re.findall(r'name="version" value="([^"]*)"', page)[0]
    rows = [("contact.last_name", "lastname"), ("contact.email", "email"), ("meeting.subject", "jobtitle")]
    typed: dict[str, str] = {"act": "save", "rows": str(len(rows)), "version": version}
    for n, (source, target) in enumerate(rows):
        typed |= {f"r{n}-source": source, f"r{n}-field": target}
    answer = hub.client.post(reverse("mapping", args=[hub.row.public_id, "contacts"]), typed)
    assert answer.status_code == 302, words_of(answer.content.decode())
    hub.drain()
    [contact], [meeting] = hub.records("contacts"), hub.records("meetings")
    assert contact["properties"]["jobtitle"] == meeting["properties"]["hs_meeting_title"] != ""


def test_a_property_that_hubspot_requires_is_asked_for_once_it_was_refused_and_the_answer_writes_what_waited(
    hub: Hub, recorded: Callable[..., list[int]]
) -> None:
    settings(hub.running, required={"contacts": ["jobtitle"]})
    recorded(line("EVNT-2", id="BKNG-2", form_submission=form(name="Rui Melo", email="rui@guest.example")))
    hub.drain()
    page = hub.page("validation")
    assert "jobtitle" in page
    assert "required field needs you" in page


def test_what_waits_is_told_at_the_property_that_it_waits_for_not_at_one_that_a_default_has_filled(
    hub: Hub, recorded: Callable[..., list[int]]
) -> None:
    settings(
        hub.running,
        required={"contacts": ["jobtitle"], "meetings": ["hs_activity_type"]},
        validations={"contacts.company": [{"ruleType": "MAX_LENGTH", "ruleArguments": ["3"]}]},
    )
    asked = form(name="Rui Melo", email="rui@guest.example", company="Analytical Engines")
    recorded(line("EVNT-2", id="BKNG-2", form_submission=asked))
    hub.drain()
    contacts, meetings = re.findall(
        r'<section class="card phase" id="(?:contacts|meetings)".*?</section>', hub.page("validation"), re.S
    )
    assert "a default is sent now" in contacts
    assert "wait" not in words_in(contacts)
    assert "1 change of a booking or contact waits for it." in words_in(meetings)
    hub.client.post(reverse("connection-check", args=[hub.row.public_id]), headers={"HX-Request": "true"})
    problems = hub.page("problems")
    assert FOREIGN.findall(words_of(problems)) == []
    [filled] = [
        words_in(card)
        for card in re.findall(r'<section class="card phase problem".*?</section>', problems, re.S)
        if "Contact.jobtitle" in card
    ]
    assert "Map Job Title (jobtitle), or give it a fallback value." in filled
    assert "waits until it has one" not in filled


def test_what_no_refusal_has_told_yet_is_not_called_complete(hub: Hub) -> None:
    """HubSpot describes no requirements: that none is known says nothing of what is there."""
    for name in ("validation", "connection"):
        words = words_of(hub.page(name))
        assert "Everything that is known to be required is filled." in words
        assert "Every required field has something that fills it." not in words
    assert "Where you know of a property, map it now" in words_of(hub.page("validation"))


@pytest.mark.parametrize("address", ["problems-check", "connection-check", "validation"])
@pytest.mark.parametrize("cured", [True, False])
def test_a_learned_requirement_is_forgotten_when_somebody_looks_again_and_learned_anew_where_it_stands(
    hub: Hub, recorded: Callable[..., list[int]], address: str, cured: bool
) -> None:
    settings(hub.running, required={"contacts": ["jobtitle"]})
    recorded(line("EVNT-2", id="BKNG-2", form_submission=form(name="Rui Melo", email="rui@guest.example")))
    hub.drain()
    settings(hub.running, required={} if cured else {"contacts": ["jobtitle"]})
    hub.client.post(reverse(address, args=[hub.row.public_id]), {"act": "read"})
    hub.drain()
    recorded(line("EVNT-3", id="BKNG-3", form_submission=form(name="Bo Berg", email="bo@guest.example")))
    hub.drain()
    # what was sent before stays in the log of the page
    assert ('value="jobtitle"' in hub.page("validation")) is not cured
    [bo] = [one for one in hub.records("contacts") if one["properties"].get("email") == "bo@guest.example"]
    assert bool(bo["properties"].get("jobtitle")) is not cured, "no default for what is not required"


def test_a_page_that_looks_by_itself_forgets_nothing(hub: Hub, recorded: Callable[..., list[int]]) -> None:
    settings(hub.running, required={"contacts": ["jobtitle"]})
    recorded(line("EVNT-2", id="BKNG-2", form_submission=form(name="Rui Melo", email="rui@guest.example")))
    hub.drain()
    settings(hub.running, required={})
    hub.client.post(reverse("connection-check", args=[hub.row.public_id]), headers={"HX-Request": "true"})
    assert 'value="jobtitle"' in hub.page("validation")


def test_the_rules_ask_nothing_that_hubspot_does_not_know(hub: Hub) -> None:
    page = hub.page("creation-rules")
    for name in ("new_contacts", "case_calendars", "duplicates", "person_accounts"):
        assert f'name="{name}"' not in page
    assert "Create meetings in HubSpot for all Meetings" in page
    typed = {
        "version": re.findall(r'name="version" value="([^"]*)"', page)[0],
        "events": "on",
        "Contact-data": "override",
        "Contact-existing": Ownership.HOST.value,
        "guests": "list",
        "deleted_event": "leave",
    }
    answer = hub.client.post(reverse("creation-rules", args=[hub.row.public_id]), typed)
    assert answer.status_code == 302, re.findall(
        r'class="field-error".*?</div>', answer.content.decode(), re.S
    )


def test_the_booking_and_its_receipt_name_the_records_and_lead_to_them(hub: Hub) -> None:
    page = hub.client.get(reverse("booking", args=[hub.booking])).content.decode()
    [contact], [meeting] = hub.records("contacts"), hub.records("meetings")
    for kind, record, name in (("0-1", contact, "Ines Castro"), ("0-47", meeting, "Onboarding call")):
        link = rf'href="https://[\w.-]+/contacts/{hub.row.org_id}/record/{kind}/{record["id"]}"[^>]*>{name} '
        assert re.search(link, page), re.findall(r"<ul class=.records.*?</ul>", page, re.S)
    receipt = Receipt.objects.get(target_id=hub.booking, kind="booking")
    shown = hub.client.get(reverse("receipt", args=[hub.booking, receipt.id])).content.decode()
    assert FOREIGN.findall(words_of(shown)) == []
    assert "instep_booking_id = BKNG-1" in shown
    # as people read it: names of fields, and text instead of what stands for it on the wire
    assert re.search(r">Contact <code[^>]*>associations.contact</code>", shown)
    assert "<br>" in meeting["properties"]["hs_meeting_body"]
    assert "&lt;br" not in shown


def test_a_booking_in_two_crms_shows_one_in_step_and_one_that_waits(hub: Hub, lane: Connection) -> None:
    Connection.objects.filter(id=lane.id).update(
        state="reconnect", hold_code="reconnect", hold_reason="The token was revoked."
    )
    mark_in_lane(hub.row.account_id, lane.id)
    page = hub.client.get(reverse("booking", args=[hub.booking])).content.decode()
    sides = re.findall(r'<article class="side" aria-label="(\w+)">(.*?)</article>', page, re.S)
    assert {name: "In step" in said for name, said in sides} == {"Salesforce": False, "HubSpot": True}
    dashboard = hub.client.get(reverse("dashboard")).content.decode()
    assert f'id="reconnect-{lane.public_id}"' in dashboard
    assert f'id="reconnect-{hub.row.public_id}"' not in dashboard


def test_what_is_in_step_is_compared_again_and_not_written(hub: Hub) -> None:
    """Also a meeting whose further guest nobody knows: its one contact is related already."""
    before = Connection.objects.get(id=hub.row.id).writes_total
    mark_in_lane(hub.row.account_id, hub.row.id)
    hub.drain()
    assert Connection.objects.get(id=hub.row.id).writes_total == before


def test_links_by_record_ids_are_not_offered_for_hubspot(hub: Hub, account: Account) -> None:
    from instep.bookings.calendars import create
    from instep.core.booking_calendar import Rules

    made = create(account.id, "Demo", "demo", Rules(), [], True)
    page = hub.client.get(reverse("share-calendar", args=[made.id])).content.decode()
    assert FOREIGN.findall(words_of(page)) == []
    assert reverse("share-tab", args=[made.id, "buttons"]) not in page
    crm = hub.client.get(reverse("calendar-crm", args=[made.id])).content.decode()
    assert FOREIGN.findall(words_of(crm)) == []
    assert "Create a HubSpot Meeting" in crm
    links = re.findall(r'name="links" value="(\w*)"', crm)
    assert links == ["", "none"], "the connection says Contact already"


def without(hub: Hub, *lost: str) -> str:
    """Take scopes from the key and look again; the words of the problems."""
    settings(hub.running, tokenScopes=[one for one in ALL_SCOPES if one not in lost])
    return look_again(hub)


def look_again(hub: Hub) -> str:
    """Choose Check again; the words of the problems."""
    hub.client.post(reverse("problems-check", args=[hub.row.public_id]))
    return words_of(hub.page("problems"))


def test_missing_scopes_are_one_problem_that_names_each_once_and_what_goes_on(hub: Hub) -> None:
    page = without(hub, "crm.objects.owners.read", "crm.schemas.contacts.read")
    assert page.count("Scopes are missing") == 1
    assert page.count("crm.objects.owners.read") == page.count("crm.schemas.contacts.read") == 1
    assert "meetings of hosts whose owner is known are written" in page
    assert "Everything waits" not in page
    assert "Instep's properties were removed" not in page, "nobody may see whether they are"
    assert FOREIGN.findall(page) == []


def test_what_a_missing_scope_holds_up_stays_held_until_it_is_granted(
    hub: Hub, recorded: Callable[..., list[int]]
) -> None:
    without(hub, "crm.objects.contacts.write")
    recorded(line("EVNT-2", id="BKNG-2", form_submission=form(name="Rui Melo", email="rui@guest.example")))
    hub.drain()
    page = look_again(hub)
    assert page.count("Scopes are missing") == 1
    assert "Everything waits" in page
    assert Connection.objects.get(id=hub.row.id).hold_code
    assert "Nothing is wrong" in without(hub)
    hub.drain()
    assert len(hub.records("meetings")) == 2


def test_a_key_that_was_deleted_is_a_problem_with_its_cure(hub: Hub) -> None:
    with httpx2.Client(trust_env=False) as http:
        http.post(f"{hub.running.base_url}/__fake__/revoke", json={"token": True})
    hub.client.post(reverse("problems-check", args=[hub.row.public_id]))
    page = words_of(hub.page("problems"))
    assert "The key or sign-in has ended" in page
    assert "HubSpot does not know this key" in page
    assert Connection.objects.get(id=hub.row.id).state == "reconnect"


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_words_in_every_crm(vendor: str, cause: Cause) -> None:
    said = words_for(vendor, cause)
    steps = named({}, "Contact.email").said([str(step) for step in said.steps])
    assert steps
    text = " ".join(map(str, (said.title, said.happened, *steps)))
    assert [name for name in ("Salesforce", "HubSpot") if name in text and name.lower() != vendor] == []
