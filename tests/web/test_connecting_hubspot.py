"""HubSpot from the pages: by a key, by its own sign-in, what it lacks, and what becomes of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from django.test import Client
from django.urls import reverse

from instep.engine import connection as looking
from instep.store.connection_queries import connection_by_public_id
from instep.store.models import Connection

from .crm_sign_in import sign_in_link

if TYPE_CHECKING:
    from instep.store.models import Account
    from instep_standins.hubspot.server import Running

CONNECT = "/integrations/hubspot/connect"
ALL_SCOPES = [
    "oauth", "crm.objects.contacts.read", "crm.objects.contacts.write", "crm.schemas.contacts.read",
    "crm.schemas.contacts.write", "crm.objects.owners.read", "crm.schemas.meetings.write",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _at_localhost(client: Client) -> None:
    """The CRM leads back over http to localhost only."""
    client.defaults["SERVER_NAME"] = "localhost"


def by_key(portal: Running, **more: str) -> dict[str, str]:
    """What an admin types who has a service key."""
    return {"grant": "static", "url": portal.base_url, "token": portal.portal.token, **more}


def by_sign_in(portal: Running, **more: str) -> dict[str, str]:
    """What an admin types who has an app."""
    return {
        "grant": "authorization_code",
        "url": portal.base_url,
        "client_id": portal.portal.client_id,
        "client_secret": portal.portal.client_secret,
        **more,
    }


def at_hubspot(link: str, decision: str = "yes") -> str:
    """Decide on HubSpot's own page; the address that it sends the browser back to, without our host."""
    form = dict(parse_qsl(urlsplit(link).query))
    with httpx2.Client(trust_env=False) as http:
        assert "Connect app" in http.get(link).text
        answer = http.post(link.partition("?")[0], data={**form, "decision": decision})
    parts = urlsplit(answer.headers["location"])
    return f"{parts.path}?{parts.query}"


def connected(client: Client, portal: Running) -> Connection:
    """A connection by key as the pages make it."""
    answer = client.post(CONNECT, by_key(portal))
    assert answer.status_code == 302, answer.content.decode()
    return Connection.objects.get(vendor="hubspot")


def settings(portal: Running, **values: Any) -> None:
    with httpx2.Client(trust_env=False) as http:
        assert http.post(f"{portal.base_url}/__fake__/settings", json=values).status_code == 200


def test_a_service_key_connects_at_once(client: Client, portal: Running) -> None:
    row = connected(client, portal)
    page = client.get(reverse("connection", args=[row.public_id])).content.decode()
    assert "HubSpot is connected." in page
    assert "A service key or a private app&#x27;s token" in page
    assert portal.portal.token not in page
    assert f"<bdi>Portal {row.org_id}</bdi>" in page
    assert f"<code>{row.org_id}</code>" not in page, "a name that is the id says it once"


def test_the_sign_in_at_hubspot_asks_for_the_listed_scopes_and_ends_at_the_connection(
    client: Client, portal: Running
) -> None:
    begun = client.post(CONNECT, by_sign_in(portal))
    assert begun["Location"] == "/integrations/signing-in"
    link = sign_in_link(client)
    asked = dict(parse_qsl(urlsplit(link).query))
    assert sorted(f"{asked['scope']} {asked['optional_scope']}".split()) == sorted(ALL_SCOPES)
    waiting = client.get("/integrations/signing-in").content.decode()
    assert "Sign in at HubSpot" in waiting
    assert "Salesforce" not in waiting
    client.get(at_hubspot(link))
    done = client.get("/integrations/signing-in", follow=True)
    page = done.content.decode()
    assert "HubSpot is connected." in page
    assert "A sign-in at HubSpot (OAuth)" in page
    assert "Missing:" not in page


def test_denied_at_hubspot_says_so_and_keeps_what_was_typed(client: Client, portal: Running) -> None:
    client.post(CONNECT, by_sign_in(portal))
    back = client.get(at_hubspot(sign_in_link(client), "no"), follow=True)
    assert back.redirect_chain[-1][0] == CONNECT
    page = back.content.decode()
    assert "Consent was denied" in page
    assert f'value="{portal.portal.client_id}"' in page
    assert portal.portal.client_secret not in page
    assert client.post(CONNECT, by_sign_in(portal, client_secret="")).status_code == 302


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"token": ""}, "Enter a service key"),
        ({"token": "pat-na1-wrong"}, "Authentication credentials not found"),
        ({"url": "http://hub.example"}, "is not encrypted"),
        ({"grant": "authorization_code"}, "Enter the app&#x27;s Client ID."),
        ({"grant": "authorization_code", "client_id": "x"}, "Enter the app&#x27;s client secret."),
    ],
)
def test_what_cannot_be_used_is_said_and_connects_nothing(
    client: Client, portal: Running, more: dict[str, str], said: str
) -> None:
    answer = client.post(CONNECT, by_key(portal, **more))
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Connection.objects.exists()


def test_a_key_that_may_not_see_the_owners_connects_nothing_and_names_the_scope(
    client: Client, portal: Running
) -> None:
    settings(portal, tokenScopes=[scope for scope in ALL_SCOPES if "owners" not in scope])
    answer = client.post(CONNECT, by_key(portal))
    assert answer.status_code == 422
    assert "crm.objects.owners.read" in answer.content.decode()
    assert not Connection.objects.exists()
    settings(portal, tokenScopes=ALL_SCOPES)
    assert connected(client, portal).state == "connected"


def test_reconnecting_with_a_lesser_key_leaves_the_connection_as_it_was(
    client: Client, portal: Running
) -> None:
    before = connected(client, portal)
    settings(portal, tokenScopes=[scope for scope in ALL_SCOPES if "owners" not in scope])
    answer = client.post(reverse("reconnect", args=[before.public_id]), by_key(portal))
    assert answer.status_code == 422
    after = Connection.objects.get()
    assert (after.epoch, after.credentials) == (before.epoch, before.credentials)


def test_a_look_is_not_older_than_what_was_written_before_it(client: Client, portal: Running) -> None:
    row = connected(client, portal)
    before = datetime.now(UTC)
    found = connection_by_public_id(row.account_id, row.public_id)
    assert found is not None
    looking.check(row.account_id, found)
    checked = Connection.objects.get().installed["checked_at"]
    assert before <= datetime.fromisoformat(checked) <= datetime.now(UTC)


def test_a_stored_key_goes_to_its_own_address_only(client: Client, portal: Running) -> None:
    row = connected(client, portal)
    address = reverse("reconnect", args=[row.public_id])
    assert client.post(address, by_key(portal, token="")).status_code == 302
    elsewhere = client.post(address, by_key(portal, token="", url="https://hub.example"))
    assert elsewhere.status_code == 422
    assert "Enter a service key" in elsewhere.content.decode()


def test_the_same_account_connected_twice_is_one_connection(client: Client, portal: Running) -> None:
    first = connected(client, portal)
    assert connected(client, portal).id == first.id


def test_reconnecting_with_another_account_is_refused(client: Client, portal: Running) -> None:
    row = connected(client, portal)
    Connection.objects.filter(id=row.id).update(org_id="4711", state="reconnect")
    page = client.post(reverse("reconnect-now", args=[row.public_id]), follow=True).content.decode()
    assert "this connection is for 4711" in page
    assert Connection.objects.get(id=row.id).state == "reconnect"


def test_the_installation_makes_the_properties_and_says_which_are_unique(
    client: Client, portal: Running, account: Account
) -> None:
    row = connected(client, portal)
    looking.install(account.id, row.id)
    page = client.get(reverse("connection", args=[row.public_id])).content.decode()
    installation = page.partition('id="installation"')[2].partition("</section>")[0]
    assert installation.count("Installed") == 4
    assert installation.count(">unique<") == 2
    assert "permission set" not in page.lower()
    assert "zip file" not in page


def test_a_portal_without_unique_values_on_meetings_is_told_what_that_means(
    client: Client, portal: Running, account: Account
) -> None:
    settings(portal, meetingIds="plain")
    row = connected(client, portal)
    looking.install(account.id, row.id)
    page = client.get(reverse("connection", args=[row.public_id])).content.decode()
    assert "not unique" in page
    assert "did not take every id as a unique one" in page


def test_a_missing_scope_is_named_word_for_word_with_its_cure(
    client: Client, portal: Running, account: Account
) -> None:
    row = connected(client, portal)
    settings(portal, tokenScopes=[one for one in ALL_SCOPES if one != "crm.objects.owners.read"])
    client.post(reverse("connection-check", args=[row.public_id]))
    page = client.get(reverse("connection", args=[row.public_id])).content.decode()
    grant = page.partition('id="grant"')[2].partition("</details>")[0]
    assert "<code>crm.objects.owners.read</code>: add it to the key" in grant
    assert "crm.objects.contacts.write" not in grant


def test_connecting_with_a_key_that_lacks_scopes_names_all_of_them_once(
    client: Client, portal: Running
) -> None:
    lost = ["crm.objects.contacts.write", "crm.objects.owners.read"]
    settings(portal, tokenScopes=[one for one in ALL_SCOPES if one not in lost])
    page = client.post(CONNECT, by_key(portal)).content.decode()
    assert f"Missing: {', '.join(lost)}. Add what is missing to the key; it counts at once." in page


def test_disconnecting_keeps_the_setup_and_speaks_of_hubspot_only(client: Client, portal: Running) -> None:
    row = connected(client, portal)
    asked = client.get(reverse("disconnect", args=[row.public_id])).content.decode()
    assert "Salesforce" not in asked.partition("<main")[2].partition("</main>")[0]
    page = client.post(reverse("disconnect", args=[row.public_id]), follow=True).content.decode()
    said = " ".join(re.findall(r'<p class="notice[^"]*"[^>]*>(.*?)</p>', page, re.S))
    assert "HubSpot lets only you end a key" in said
    assert "Service keys → the key → Rotate" in said
    assert "could not" not in said, "nothing has failed"
    assert Connection.objects.get(id=row.id).state == "disabled"


def test_a_disconnected_connection_shows_no_findings_of_the_last_look_as_those_of_now(
    client: Client, portal: Running, account: Account
) -> None:
    row = connected(client, portal)
    looking.install(account.id, row.id)
    settings(portal, tokenScopes=[one for one in ALL_SCOPES if one != "crm.objects.owners.read"])
    client.post(reverse("connection-check", args=[row.public_id]))
    client.post(reverse("disconnect", args=[row.public_id]))
    page = client.get(reverse("connection", args=[row.public_id])).content.decode()
    for gone in ("installation", "permissions", "field-validation", "hosts"):
        assert f'id="{gone}"' not in page
        assert f'href="#{gone}"' not in page
    assert "API calls today" not in page
    assert 'class="ok"' not in page
    assert 'id="field-mapping"' in page
    settings(portal, tokenScopes=ALL_SCOPES)
    assert connected(client, portal).id == row.id
    assert 'id="permissions"' in client.get(reverse("connection", args=[row.public_id])).content.decode()
