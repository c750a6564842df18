"""The live plan: in the same words as the receipt, and an answer also when the CRM has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve
from django.test import Client

from instep.core.config_document import to_document
from instep.core.creation import NONE, CalendarRules
from instep.core.errors import NeedsAdmin
from instep.core.receipt import render
from instep.engine.lane import load_config
from instep.engine.preview import plan_booking
from instep.store import credentials, lane_queries
from instep.store.models import Account, Connection
from oncehub_events import line

from .crm_sign_in import connected
from .test_bookings import text_of
from .test_document import change, write

if TYPE_CHECKING:
    from instep_standins.salesforce.server import Running


@pytest.fixture
def booking(recorded: Callable[..., list[int]]) -> int:
    return recorded(line("EVNT-1"))[0]


def test_plan_tells_what_would_be_written(
    client: Client, booking: int, lane: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int, str]] = []

    def plan(account_id: int, key: int, connection: str) -> dict[str, Any]:
        asked.append((account_id, key, connection))
        new = write(
            action="upsert",
            id="",
            key={"field": "Instep_Contact_Id__c", "value": "CTC-1"},
            changes=[change()],
        )
        return {"tense": "plan", "writes": [new], "cost": {"calls": 2, "looked_calls": 1, "looked_ms": 17.6}}

    monkeypatch.setattr("instep.web.plan.plan_booking", plan)
    words = text_of(client.get(f"/bookings/{booking}/plan"))
    assert asked == [(lane.account_id, booking, lane.public_id)]
    assert "Would write Lead would be created found or made by Instep_Contact_Id__c = CTC-1" in words
    assert "Phone +351 1 mapping: Mobile phone" in words
    assert "Writing it would take 2 API calls. Looking took 1 API call and 18 ms." in words


def test_a_calendar_that_is_not_integrated_is_told_as_the_reason(
    client: Client, account: Account, booking: int, org: Running
) -> None:
    """It is not the booking that names nobody."""
    row = connected(client, org, account)
    kept = lane_queries.connection_by_id(account.id, row.id)
    assert kept is not None
    rules = {"BKC-51RT8YQ20V": CalendarRules(links=NONE)}
    document = to_document(evolve(load_config(kept), calendars=rules))
    credentials.save_settings(account.id, row.id, {"config": document})
    words = client.get(f"/bookings/{booking}/plan").content.decode()
    assert "is not integrated with Salesforce" in words
    assert "names nobody" not in words
    assert "names nobody" not in render(plan_booking(account.id, booking))


@pytest.mark.usefixtures("lane")
def test_crm_that_cannot_be_read_says_cause_and_cure(
    client: Client, booking: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(account_id: int, key: int, connection: str) -> dict[str, Any]:
        raise NeedsAdmin("The token was revoked.", code="invalid_grant", cure="Connect Salesforce again.")

    monkeypatch.setattr("instep.web.plan.plan_booking", refuse)
    answer = client.get(f"/bookings/{booking}/plan")
    assert answer.status_code == 503
    assert "invalid_grant The token was revoked. Connect Salesforce again." in text_of(answer)


def test_without_a_crm_there_is_no_plan_but_a_next_step(client: Client, booking: int) -> None:
    assert "No CRM is connected" in text_of(client.get(f"/bookings/{booking}/plan"))
