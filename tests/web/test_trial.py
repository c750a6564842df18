"""The test booking: a form that keeps what was typed, and its plan; nothing is made."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from instep.core.errors import NeedsAdmin
from instep.engine.preview import Invented
from instep.store.models import Account, Calendar, Connection, Host

from .test_bookings import text_of
from .test_document import change, write

TYPED = {"name": "Ines Castro", "email": "ines@castro.example", "start": "2026-03-05T14:00", "minutes": "45"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What plans were asked for."""
    calls: list[Any] = []

    def plan(account_id: int, invented: Invented, now: datetime, connection: str) -> dict[str, Any]:
        calls.append((account_id, invented, connection))
        new = write(action="upsert", id="", changes=[change()])
        return {"tense": "plan", "writes": [new], "cost": {"calls": 2, "looked_calls": 1, "looked_ms": 9}}

    monkeypatch.setattr("instep.web.trial.plan_invented", plan)
    return calls


def test_plan_of_what_was_typed_stands_below_the_form(
    client: Client, account: Account, lane: Connection, asked: list[Any]
) -> None:
    calendar = Calendar.objects.create(account=account, source="oncehub", source_id="1", name="Product demo")
    host = Host.objects.create(account=account, email="nuno@acme.example", email_key="nuno@acme.example")
    client.cookies["instep_zone"] = "Asia/Kathmandu"
    chosen = {"calendar": str(calendar.id), "host": str(host.id), "connection": lane.public_id}
    answer = client.post("/test-plan", {**TYPED, **chosen, "company": "Castro Lda"})
    assert answer.status_code == 200
    assert asked == [
        (
            account.id,
            Invented(
                "Ines Castro", "ines@castro.example", datetime(2026, 3, 5, 8, 15, tzinfo=UTC), 45, "Castro Lda",
                calendar_key=calendar.id, host_key=host.id,
            ),
            lane.public_id,
        )
    ]  # fmt: skip
    words = text_of(answer)
    assert "Lead would be created" in words
    assert "Writing it would take 2 API calls. Looking took 1 API call and 9 ms." in words
    assert 'value="Ines Castro"' in answer.content.decode(), "the form can be changed and shown again"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"email": "ines at castro"}, "This is no e-mail address."),
        ({"start": "tomorrow"}, "Enter a valid date/time."),
        ({"minutes": "0"}, "greater than or equal to 1"),
        ({"name": ""}, "This field is required."),
        ({"host": "999999"}, "Select a valid choice."),
    ],
)
def test_mistake_is_marked_and_what_was_typed_stays(
    client: Client, lane: Connection, asked: list[Any], wrong: dict[str, str], said: str
) -> None:
    answer = client.post(
        "/test-plan", {**TYPED, "company": "Castro Lda", "connection": lane.public_id, **wrong}
    )
    assert answer.status_code == 422
    assert said in text_of(answer) or said in answer.content.decode()
    assert 'value="Castro Lda"' in answer.content.decode()
    assert asked == []


def test_calendars_and_hosts_of_another_account_are_no_choice(
    client: Client, lane: Connection, asked: list[Any]
) -> None:
    other = Account.objects.create(name="Other")
    theirs = Host.objects.create(account=other, email="eve@other.example", email_key="eve@other.example")
    Calendar.objects.create(account=other, source="oncehub", source_id="1", name="Secret calls")
    page = client.get("/test-plan").content.decode()
    assert "eve@other.example" not in page
    assert "Secret calls" not in page
    refused = client.post("/test-plan", {**TYPED, "connection": lane.public_id, "host": str(theirs.id)})
    assert refused.status_code == 422


def test_crm_that_cannot_be_read_says_cause_and_cure(
    client: Client, lane: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any) -> dict[str, Any]:
        raise NeedsAdmin("The token was revoked.", code="invalid_grant", cure="Connect Salesforce again.")

    monkeypatch.setattr("instep.web.trial.plan_invented", refuse)
    answer = client.post("/test-plan", {**TYPED, "connection": lane.public_id})
    assert answer.status_code == 503
    assert "invalid_grant The token was revoked. Connect Salesforce again." in text_of(answer)
    assert 'value="Ines Castro"' in answer.content.decode()


def test_with_several_connections_one_is_chosen_the_oldest_first(
    client: Client, account: Account, lane: Connection, asked: list[Any]
) -> None:
    other = Connection.objects.create(
        account=account, vendor="hubspot", name="Portal", url="https://h", org_id="2"
    )
    page = client.get("/test-plan").content.decode()
    assert page.index(f'value="{lane.public_id}"') < page.index(f'value="{other.public_id}"')
    client.post("/test-plan", {**TYPED, "connection": other.public_id})
    assert asked[0][2] == other.public_id
    assert client.post("/test-plan", {**TYPED, "connection": "CON-OTHERS"}).status_code == 422


def test_without_a_crm_there_is_a_next_step_instead_of_a_form(client: Client) -> None:
    answer = client.get("/test-plan")
    assert "No CRM is connected" in text_of(answer)
    assert "<form method" not in answer.content.decode().partition("<main")[2]
