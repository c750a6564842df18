"""Account Integrations: every CRM's tile, with its connections and their states."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from instep.store.models import Connection

if TYPE_CHECKING:
    from django.test import Client


def test_without_a_connection_the_tile_leads_to_connecting(client: Client) -> None:
    page = client.get("/integrations").content.decode()
    assert 'href="/integrations/salesforce/connect"' in page
    assert "Not connected" in page


def test_every_crm_has_a_tile_that_leads_to_its_own_form(client: Client) -> None:
    page = client.get("/integrations").content.decode()
    tile = page.partition('id="tile-hubspot"')[2].partition("</li>")[0]
    assert 'href="/integrations/hubspot/connect"' in tile
    assert "Not connected" in tile
    assert "Not in this version" not in page


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({}, "Connected"),
        ({"state": "reconnect"}, "Reconnect needed"),
        ({"state": "disabled"}, "Disconnected"),
        ({"held_until": datetime.now(UTC) + timedelta(hours=1)}, "Paused"),
        ({"held_until": datetime.now(UTC) - timedelta(hours=1)}, "Connected"),
    ],
)
def test_each_state_has_its_word(
    client: Client, lane: Connection, changed: dict[str, object], word: str
) -> None:
    Connection.objects.filter(id=lane.id).update(**changed)
    page = client.get("/integrations?type=crm").content.decode()
    tile = page.partition('id="tile-salesforce"')[2]
    assert f">{word}</span>" in tile
    assert f'href="/integrations/{lane.public_id}"' in tile


def test_a_sandbox_says_that_it_is_one(client: Client, lane: Connection) -> None:
    Connection.objects.filter(id=lane.id).update(identity={"sandbox": True, "username": "api@acme.example"})
    page = client.get("/integrations").content.decode()
    assert "Sandbox" in page
    assert "api@acme.example" in page
