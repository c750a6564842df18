"""Sandbox first, production later: the setup goes along, and what does not fit is told before anything is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve
from django.urls import reverse

from instep.core.config_document import to_document
from instep.core.mapping import Row
from instep.engine.lane import load_config
from instep.store import credentials, host_user_queries
from instep.store.lane_queries import connection_by_id
from instep.store.models import Account, Connection, CrmUser, HostUser
from oncehub_events import line

from .crm_sign_in import BY_BROWSER, BY_ITSELF, at_the_crm, connected, order, sign_in_link, typed
from .test_bookings import text_of

if TYPE_CHECKING:
    from django.test import Client

    from instep_standins.salesforce.server import Running


@pytest.fixture(autouse=True)
def _at_localhost(client: Client) -> None:
    client.defaults["SERVER_NAME"] = "localhost"


@pytest.fixture
def production() -> Iterator[Running]:
    """A second org, with an id of its own."""
    from instep_standins.salesforce import Org, serve_in_thread

    running = serve_in_thread(Org())
    organization = running.org.organization
    running.org.tables.remove("Organization", organization["Id"])
    running.org.insert("Organization", {**organization, "Id": "00D000000000077AAA", "Name": "Acme live"})
    yield running
    running.stop()


@pytest.fixture
def sandbox(client: Client, org: Running, account: Account) -> Connection:
    """A connection to the org where everything was tried, with a setup of its own."""
    order(org, "organization", {"name": "Acme trial", "sandbox": True})
    order(org, "record-types", {"object": "Lead", "name": "Partner", "label": "Partner"})
    order(org, "record-types", {"object": "Lead", "name": "Old", "label": "Old"})
    row = connected(client, org, account, BY_ITSELF)
    return row


def set_up(account: Account, connection: Connection, **values: Any) -> None:
    row = connection_by_id(account.id, connection.id)
    assert row is not None
    document = to_document(evolve(load_config(row), **values))
    credentials.save_settings(account.id, connection.id, {"config": document})


def record_type_id(org: Running, name: str) -> str:
    return next(r["Id"] for r in org.org.tables.rows("RecordType").values() if r["DeveloperName"] == name)


def go(client: Client, row: Connection, there: Running, grant: str = BY_ITSELF) -> Any:
    """To the review page of the other org."""
    answer = client.post(reverse("switch", args=[row.public_id]), typed(there, grant))
    if grant == BY_BROWSER:
        client.get(at_the_crm(sign_in_link(client)))
        answer = client.get("/integrations/signing-in")
    assert answer.status_code == 302, answer.content.decode()
    assert answer["Location"] == reverse("switch-review", args=[row.public_id])
    return client.get(answer["Location"])


def test_the_form_begins_with_the_other_environment(client: Client, sandbox: Connection) -> None:
    answer = client.get(reverse("switch", args=[sandbox.public_id]))
    assert answer.context["form"]["environment"].value() == "production"


def test_what_fits_goes_along_and_what_does_not_is_told_first(
    client: Client, account: Account, sandbox: Connection, org: Running, production: Running
) -> None:
    order(production, "record-types", {"object": "Lead", "name": "Partner", "label": "Partner"})
    config = load_config(connection_by_id(account.id, sandbox.id) or {})
    set_up(
        account,
        sandbox,
        person_object="Contact",
        record_types={"Lead": record_type_id(org, "Partner")},
        rows={**config.rows, "Lead": (*config.rows["Lead"], Row("meeting.subject", "Only_Here__c"))},
    )
    words = text_of(go(client, sandbox, production))
    assert "Switch to Acme live" in words
    assert "mapping.Lead.Only_Here__c" in words
    assert "Waits until it fits" in words
    assert "Instep_" not in words, "our own fields come with the installation"
    sandbox.refresh_from_db()
    assert sandbox.state == credentials.CONNECTED, "a look changes nothing"
    assert Connection.objects.filter(account=account).count() == 1

    answer = client.post(reverse("switch-review", args=[sandbox.public_id]), follow=True)
    assert "The setup is here now." in text_of(answer)
    made = Connection.objects.exclude(id=sandbox.id).get(account=account)
    sandbox.refresh_from_db()
    assert (made.org_id, made.state, sandbox.state) == ("00D000000000077AAA", "connected", "disabled")
    kept = load_config(connection_by_id(account.id, made.id) or {})
    assert kept.person_object == "Contact"
    assert kept.record_types == {"Lead": "Partner"}, "by developer name: ids belong to one org"
    assert Row("meeting.subject", "Only_Here__c") in kept.rows["Lead"]
    assert load_config(connection_by_id(account.id, sandbox.id) or {}).person_object == "Contact"


def test_that_bookings_of_before_are_written_there_is_told_first(
    client: Client, sandbox: Connection, production: Running, recorded: Callable[..., list[int]]
) -> None:
    """Whoever tried the setup in a sandbox has bookings that nobody wants among the customers."""
    assert "Is written there" not in text_of(go(client, sandbox, production)), "there is no booking"
    recorded(line("EVNT-1", id="BKNG-1"), line("EVNT-2", id="BKNG-2"))
    words = text_of(client.get(reverse("switch-review", args=[sandbox.public_id])))
    assert "All 2 bookings that Instep has, trials and past ones too" in words


def test_a_record_type_that_is_not_there_is_left_behind(
    client: Client, account: Account, sandbox: Connection, production: Running
) -> None:
    set_up(account, sandbox, record_types={"Lead": "Old"})
    words = text_of(go(client, sandbox, production))
    assert "record_types.Lead" in words
    assert "no record type “Old”" in words
    assert "Left behind" in words
    client.post(reverse("switch-review", args=[sandbox.public_id]))
    made = Connection.objects.exclude(id=sandbox.id).get(account=account)
    assert load_config(connection_by_id(account.id, made.id) or {}).record_types == {}


def test_chosen_hosts_are_found_by_their_addresses(
    client: Client, account: Account, sandbox: Connection, production: Running
) -> None:
    there = next(u for u in production.org.tables.rows("User").values() if u["Username"].startswith("nuno"))
    CrmUser.objects.create(
        account=account, connection=sandbox, crm_id="005SANDBOX", email_key=there["Email"], name="Nuno"
    )
    host_user_queries.choose_user(account.id, sandbox.id, "boss@acme.example", "005SANDBOX", "")
    host_user_queries.choose_user(account.id, sandbox.id, "gone@acme.example", "005NOBODY", "")
    words = text_of(go(client, sandbox, production))
    assert "gone@acme.example" in words
    client.post(reverse("switch-review", args=[sandbox.public_id]))
    made = Connection.objects.exclude(id=sandbox.id).get(account=account)
    chosen = HostUser.objects.filter(connection=made).values_list("email_key", "crm_id")
    assert list(chosen) == [("boss@acme.example", there["Id"])]


def test_a_sign_in_by_browser_waits_for_a_yes(
    client: Client, account: Account, sandbox: Connection, production: Running
) -> None:
    words = text_of(go(client, sandbox, production, BY_BROWSER))
    assert "Nothing has been done yet." in words
    client.post(reverse("switch-review", args=[sandbox.public_id]))
    made = Connection.objects.exclude(id=sandbox.id).get(account=account)
    assert (credentials.load_tokens(account.id, made.id) or {})["org_id"] == made.org_id


def test_the_same_org_is_no_other_environment(
    client: Client, account: Account, sandbox: Connection, org: Running
) -> None:
    answer = client.post(reverse("switch", args=[sandbox.public_id]), typed(org, BY_ITSELF), follow=True)
    assert "leads to the one that is connected" in text_of(answer)
    assert "Sign out of the CRM" in text_of(answer)
    assert Connection.objects.filter(account=account).count() == 1


def test_reconnecting_never_takes_another_org(
    client: Client, account: Account, sandbox: Connection, production: Running
) -> None:
    answer = client.post(reverse("reconnect", args=[sandbox.public_id]), typed(production, BY_ITSELF))
    assert "but this connection is for" in text_of(answer)
    assert "Switch environment" in text_of(answer)
    assert Connection.objects.filter(account=account).count() == 1


def test_another_accounts_connection_is_not_there(client: Client, sandbox: Connection) -> None:
    other = Account.objects.create(name="Other")
    Connection.objects.filter(id=sandbox.id).update(account=other)
    for name in ("switch", "switch-review", "host-directory"):
        assert client.get(reverse(name, args=[sandbox.public_id])).status_code == 404


def test_disconnecting_keeps_the_setup_unless_it_is_to_go(
    client: Client, account: Account, sandbox: Connection, org: Running
) -> None:
    set_up(account, sandbox, person_object="Contact")
    host_user_queries.choose_user(account.id, sandbox.id, "boss@acme.example", "005X", "ines@acme.example")
    page = client.get(reverse("disconnect", args=[sandbox.public_id])).content.decode()
    assert 'value="keep" id="setup-keep" checked' in page
    client.post(reverse("disconnect", args=[sandbox.public_id]), {"setup": "remove"})
    sandbox.refresh_from_db()
    assert (sandbox.state, sandbox.settings) == ("disabled", {})
    assert not HostUser.objects.filter(connection=sandbox).exists()

    words = text_of(client.get(reverse("connection", args=[sandbox.public_id])))
    assert "Restore the setup" in words
    assert "Mapping, rules, links and receipts are kept" not in words
    connected(client, org, account, BY_ITSELF)
    assert load_config(connection_by_id(account.id, sandbox.id) or {}).person_object == "Lead"
    client.post(reverse("restore-setup", args=[sandbox.public_id]))
    assert load_config(connection_by_id(account.id, sandbox.id) or {}).person_object == "Contact"
    assert HostUser.objects.get(connection=sandbox).crm_id == "005X"
    assert "Restore the setup" not in text_of(client.get(reverse("connection", args=[sandbox.public_id])))


def test_a_removed_setup_is_forgotten_after_thirty_days(
    client: Client, account: Account, sandbox: Connection
) -> None:
    from datetime import UTC, datetime, timedelta

    client.post(reverse("disconnect", args=[sandbox.public_id]), {"setup": "remove"})
    long_ago = datetime.now(UTC) - timedelta(days=31)
    Connection.objects.filter(id=sandbox.id).update(removed_at=long_ago)
    assert not credentials.restore_setup(account.id, sandbox.id)
    assert credentials.forget_removed() == 1
    sandbox.refresh_from_db()
    assert (sandbox.removed_setup, sandbox.removed_at) == ({}, None)


def test_a_new_sign_in_takes_back_the_approval_of_the_old_one(
    client: Client, account: Account, org: Running
) -> None:
    """Five approvals are kept for a user and app: each one left behind would push out somebody else's."""
    for _ in range(7):
        connected(client, org, account, BY_BROWSER)
    living = [family for family in org.org.tokens.families.values() if not family.revoked]
    assert len(living) == 1


def test_integrations_are_for_administrators(client: Client, account: Account, sandbox: Connection) -> None:
    from instep.store.models import User

    User.objects.filter(account=account).update(role="member")
    for address in (reverse("integrations"), reverse("connect", args=["salesforce"])):
        assert client.get(address).status_code == 403
    assert client.post(reverse("disconnect", args=[sandbox.public_id])).status_code == 403
    words = client.get(reverse("dashboard")).content.decode()
    assert 'href="/integrations"' not in words
