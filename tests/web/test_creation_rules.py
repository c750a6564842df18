"""Creation rules: the documented choices and no others, what is saved, what is refused where, nobody's work lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from attrs import evolve
from django.urls import reverse

from instep.core.config_document import to_document
from instep.core.creation import Guests, OwnerRule, Ownership
from instep.core.rules import SyncConfig, case_calendars, data_rule
from instep.engine.connection import install
from instep.engine.drain import drain
from instep.engine.lane import load_config
from instep.store import credentials, lane_queries
from instep.store.models import Account, Connection, CrmDescribe, SyncItem, User
from oncehub_events import line

from .crm_sign_in import connected, order

if TYPE_CHECKING:
    from django.http import HttpResponse
    from django.test import Client

    from instep_standins.salesforce.server import Running

Form = dict[str, str | list[str]]
#: the calendar that the events of these tests name
CALENDAR = "BKC-51RT8YQ20V"


@pytest.fixture
def row(client: Client, org: Running, account: Account) -> Connection:
    client.defaults["SERVER_NAME"] = "localhost"
    return connected(client, org, account)


def address(row: Connection) -> str:
    return reverse("creation-rules", args=[row.public_id])


def config_of(row: Connection) -> SyncConfig:
    kept = lane_queries.connection_by_id(row.account_id, row.id)
    assert kept is not None
    return load_config(kept)


def form_of(answer: HttpResponse) -> Form:
    """The form as a browser would send it."""
    words = answer.content.decode()
    body = words[words.index('class="creation"') :]
    form: Form = {}
    for tag in re.findall(r"<input [^>]*>", body):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name is None or (re.search(r'type="(checkbox|radio)"', tag) and " checked" not in tag):
            continue
        form[name[1]] = value[1] if value else "on"
    for name, inside in re.findall(r'<select name="([^"]+)"[^>]*>(.*?)</select>', body, re.S):
        chosen = re.search(r'value="([^"]*)" selected', inside)
        form[name] = chosen[1] if chosen else ""
    return form


def values(answer: HttpResponse, name: str) -> set[str]:
    """What a group of radio buttons offers."""
    words = answer.content.decode()
    return set(re.findall(rf'name="{name}" value="([^"]*)"', words))


def test_the_documented_choices_and_no_others(client: Client, row: Connection) -> None:
    answer = client.get(address(row))
    words = answer.content.decode()
    assert "When New Contacts are Created In Instep" in words
    assert "Create cases in Salesforce for meetings booked from specific Booking Calendars" in words
    assert values(answer, "Lead-existing") == {"keep", "booking_owner", "assignment_rules"}
    assert values(answer, "Lead-new") == {"booking_owner", "assignment_rules"}
    assert values(answer, "Contact-existing") == {"keep", "booking_owner"}
    assert values(answer, "Contact-new") == set(), "always the booking's owner"
    assert values(answer, "Case-existing") == {"keep", "booking_owner", "assignment_rules"}
    assert values(answer, "Case-new") == {"booking_owner", "assignment_rules"}
    assert values(answer, "person_accounts") == set(), "this org has none"
    assert "A Case that exists is known by the record id of the link only" in words


def test_every_choice_has_an_example(client: Client, row: Connection) -> None:
    page = client.get(address(row)).content.decode()
    choices = re.findall(r'<div class="choice">.*?</div>', page, re.S)
    assert len(choices) > 20
    assert [one for one in choices if '<p class="muted">' not in one] == []
    of_cases = page[page.index('id="case-title"') : page.index('id="event-title"')]
    assert "phone number" not in of_cases, "a Case is no person"


def test_each_group_names_its_object_and_whether_records_are_new(client: Client, row: Connection) -> None:
    words = client.get(address(row)).content.decode()
    legends = re.findall(r"<legend>([^<]+)</legend>", words)
    for name in ("Lead", "Case"):
        assert [one for one in legends if name in one.split()] == [
            f"Data of an existing {name}",
            f"Owner of an existing {name}",
            f"Owner of a new {name}",
        ]
    for name in ("Lead", "Contact", "Account", "Case"):
        assert f"A new {name} gets every mapped value." in words
    assert "%(" not in words


def test_saving_what_stands_changes_nothing(client: Client, row: Connection) -> None:
    before = config_of(row)
    answer = client.post(address(row), form_of(client.get(address(row))))
    assert answer.status_code == 302
    assert config_of(row) == before


def test_saving_what_is_suggested_is_a_choice_of_the_rules_only(client: Client, row: Connection) -> None:
    def steps() -> str:
        shown = client.get(reverse("connection", args=[row.public_id])).content.decode()
        return " ".join(re.sub(r"<[^>]+>", " ", shown[shown.index('class="steps"') :]).split())

    install(row.account_id, row.id)
    assert "Field mapping as suggested – Creation rules as suggested" in steps()
    client.post(address(row), form_of(client.get(address(row))))
    assert "Field mapping as suggested ✓ Creation rules done" in steps()


def test_what_is_chosen_counts_and_every_booking_is_compared_again(
    client: Client, row: Connection, recorded: Callable[..., list[int]]
) -> None:
    recorded(line("EVNT-1", id="BKNG-1"))
    install(row.account_id, row.id)
    form = form_of(client.get(address(row)))
    chosen = {
        "new_contacts": "Contact",
        "Lead-data": "override",
        "Lead-existing": "booking_owner",
        "Case-new": "assignment_rules",
        "case_calendars": [CALENDAR],
        "guests": "list",
    }
    before = SyncItem.objects.get(connection_id=row.id)
    assert client.post(address(row), {**form, **chosen}).status_code == 302
    config = config_of(row)
    assert config.person_object == "Contact"
    assert data_rule(config, "Lead") == "override"
    assert data_rule(config, "Contact") == "fill"
    assert config.owners["Lead"] == OwnerRule(Ownership.HOST, Ownership.HOST)
    assert config.owners["Case"] == OwnerRule(Ownership.KEEP, Ownership.RULES)
    assert case_calendars(config) == (CALENDAR,)
    assert config.guests is Guests.LIST
    assert SyncItem.objects.get(connection_id=row.id).wanted == before.wanted + 1
    again = form_of(client.get(address(row)))
    assert (again["new_contacts"], again["Lead-data"], again["case_calendars"]) == (
        "Contact",
        "override",
        CALENDAR,
    )


def test_rows_that_differ_are_called_mixed_and_stay_so(client: Client, row: Connection) -> None:
    assert "mixed" not in values(client.get(address(row)), "Contact-data")
    _overwrite_one_row(row)
    answer = client.get(address(row))
    form = form_of(answer)
    assert form["Lead-data"] == "mixed"
    before = config_of(row)
    client.post(address(row), {**form, "guests": "list"})
    assert config_of(row).rows == before.rows


def test_what_somebody_else_saved_meanwhile_is_not_overwritten(client: Client, row: Connection) -> None:
    form = form_of(client.get(address(row)))
    client.post(address(row), {**form, "new_contacts": "Contact"})
    answer = client.post(address(row), {**form, "guests": "list"})
    assert answer.status_code == 409
    assert "Somebody changed this configuration" in answer.content.decode()
    assert config_of(row).guests is Guests.RELATE
    mine = form_of(answer)
    assert mine["guests"] == "list", "what was chosen stands"
    assert client.post(address(row), mine).status_code == 302
    assert config_of(row).guests is Guests.LIST


def test_person_accounts_ask_for_their_record_type(client: Client, org: Running, row: Connection) -> None:
    order(org, "features", {"personAccounts": True})
    client.post(reverse("mapping", args=[row.public_id, "accounts"]), {"act": "read"})
    answer = client.get(address(row))
    assert values(answer, "person_accounts") == {"never", "without_company", "always"}
    form = {**form_of(answer), "person_accounts": "always", "PersonAccount-type": ""}
    refused = client.post(address(row), form)
    assert refused.status_code == 422
    assert "record type of person accounts" in refused.content.decode()
    assert form_of(refused)["person_accounts"] == "always"
    offered = re.search(r'name="PersonAccount-type".*?</select>', answer.content.decode(), re.S)
    assert offered is not None
    types = [value for value in re.findall(r'value="([^"]+)"', offered[0]) if "erson" in value]
    assert client.post(address(row), {**form, "PersonAccount-type": types[0]}).status_code == 302
    assert config_of(row).record_types == {"PersonAccount": types[0]}


def test_a_calendar_that_was_chosen_makes_cases_from_then_on(
    client: Client, org: Running, row: Connection, recorded: Callable[..., list[int]]
) -> None:
    recorded(line("EVNT-1", id="BKNG-1"))
    drain(row.account_id, row.id)
    form = form_of(client.get(address(row)))
    refused = client.post(address(row), {**form, "case_calendars": [CALENDAR]})
    assert "Install the fields, or grant them" in refused.content.decode()
    install(row.account_id, row.id)
    assert client.post(address(row), {**form, "case_calendars": [CALENDAR]}).status_code == 302
    recorded(line("EVNT-2", id="BKNG-2"))
    drain(row.account_id, row.id)
    [case] = org.org.tables.rows("Case").values()
    assert {event.get("WhatId") for event in org.org.tables.rows("Event").values()} == {None, case["Id"]}


def test_a_crm_that_does_not_answer_saves_nothing(client: Client, org: Running, row: Connection) -> None:
    form = form_of(client.get(address(row)))
    CrmDescribe.objects.filter(connection_id=row.id).update(fetched_at=datetime(2026, 1, 1, tzinfo=UTC))
    order(
        org, "faults", {"kind": "status", "status": 503, "match": {"path": "/services/data"}, "times": None}
    )
    answer = client.post(address(row), {**form, "new_contacts": "Contact"})
    assert answer.status_code == 503
    assert form_of(answer)["new_contacts"] == "Contact", "what was chosen stands"
    assert config_of(row).person_object == "Lead"


def test_somebody_elses_connection_is_not_there(client: Client, row: Connection, reader: User) -> None:
    other = Account.objects.create()
    User.objects.filter(id=reader.id).update(account=other)
    assert client.get(address(row)).status_code == 404


def _overwrite_one_row(row: Connection) -> None:
    config = config_of(row)
    first, *rest = config.rows["Lead"]
    rows = (evolve(first, overwrite=not first.overwrite), *rest)
    changed = evolve(config, rows={**config.rows, "Lead": rows})
    credentials.save_settings(row.account_id, row.id, {"config": to_document(changed)})
