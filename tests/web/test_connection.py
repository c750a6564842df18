"""One connection's page: what is there, what is missing and how to get it, and the acts on it."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse

from instep.engine import connection as looking
from instep.engine.drain import drain
from instep.store import credentials, lane_queries
from instep.store.models import Account, Alert, Connection, SyncItem
from oncehub_events import line

from .crm_sign_in import BY_BROWSER, BY_ITSELF, at_the_crm, connected, order, sign_in_link, typed

if TYPE_CHECKING:
    from django.test import Client

    from instep_standins.salesforce.server import Running

Act = Callable[..., str]


@pytest.fixture(autouse=True)
def _at_localhost(client: Client) -> None:
    """The CRM leads back over http to localhost only."""
    client.defaults["SERVER_NAME"] = "localhost"


@pytest.fixture
def row(client: Client, org: Running, account: Account) -> Connection:
    """A connection that works, its fields not installed."""
    return connected(client, org, account, BY_ITSELF)


@pytest.fixture
def page(client: Client, row: Connection) -> Act:
    """The connection's page as words; with a name, after a POST to that address."""

    def see(act: str = "") -> str:
        if act:
            answer = client.post(reverse(act, args=[row.public_id]), follow=True)
        else:
            answer = client.get(reverse("connection", args=[row.public_id]))
        assert answer.status_code == 200
        return answer.content.decode()

    return see


def leads(org: Running) -> list[dict[str, Any]]:
    return list(org.org.tables.rows("Lead").values())


def events(org: Running) -> list[dict[str, Any]]:
    return list(org.org.tables.rows("Event").values())


def away(org: Running) -> None:
    """From now on the org drops every connection."""
    order(org, "faults", {"kind": "drop_before", "times": None})


# -- looking --------------------------------------------------------------------------------------


def test_a_connection_that_nobody_looked_at_says_what_it_does_not_know_yet(
    page: Act, org: Running, row: Connection
) -> None:
    """One that was made from the command line; the pages look with the connecting."""
    credentials.save_installed(row.account_id, row.id, {})
    before = org.org.settings.apiUsed
    words = page()
    assert "Not checked yet" in words or "Being checked" in words
    assert "not looked at yet" in words
    assert 'hx-trigger="load once"' in words
    assert org.org.settings.apiUsed == before, "a page asks the CRM nothing"


def test_a_check_names_what_is_missing_and_the_clicks(page: Act) -> None:
    words = page("connection-check")
    assert "6 fields are missing" in words
    assert '<button type="submit" id="install">Install connector</button>' in words
    assert "Missing or hidden" in words
    assert "brings the permission set" in words
    assert "Checked just now" in words
    assert 'hx-trigger="load once"' not in words


def test_after_the_installation_nothing_is_missing(page: Act, row: Connection, account: Account) -> None:
    assert "Salesforce is creating the fields." in page("connection-install")
    assert looking.is_installing(row.id)
    looking.install(account.id, row.id)
    words = page()
    assert words.count("Installed</span>") == 6
    assert "Assigned</span>" in words
    assert "Install again" in words
    assert "Install connector" not in words
    assert "all there" in words


def test_installing_is_asked_for_once(row: Connection) -> None:
    from instep.store.queries import rows

    looking.ask_to_install(row.id)
    looking.ask_to_install(row.id)
    jobs = rows("SELECT count(*) FROM procrastinate_jobs WHERE task_name = %s", [looking.INSTALL_TASK])
    assert jobs == [(1,)]


def test_the_worker_knows_the_job_that_the_page_asks_for() -> None:
    from instep.engine import jobs

    assert looking.INSTALL_TASK in jobs.make_app().tasks


def test_a_refused_installation_says_why_and_how_to_go_on(
    page: Act, org: Running, row: Connection, account: Account
) -> None:
    refusal = {"status": 403, "errorCode": "INSUFFICIENT_ACCESS", "message": "insufficient access rights"}
    order(org, "faults", {"kind": "status", "match": {"path": "deployRequest"}, **refusal})
    looking.install(account.id, row.id)
    words = page()
    assert "could not be installed: " in words
    assert "let an administrator deploy the zip file by hand" in words
    assert "Download it as a zip file" in words


def test_a_hidden_field_is_told_with_its_clicks(
    page: Act, org: Running, row: Connection, account: Account
) -> None:
    looking.install(account.id, row.id)
    order(org, "fls", {"object": "Lead", "field": "Company", "read": False, "edit": False})
    order(org, "fls", {"object": "Lead", "field": "Phone", "read": True, "edit": False})
    words = page("connection-check")
    assert "<code>Lead.Company</code>" in words
    assert "hidden, or not there" in words
    assert "read-only" in words
    assert words.count("Set Field-Level Security") == 2
    for field in ("Company", "Phone"):
        order(org, "fls", {"object": "Lead", "field": field, "read": True, "edit": True})
    assert "Set Field-Level Security" not in page("connection-check")


@pytest.mark.parametrize(
    ("name", "clicks"),
    [("Case", "Object Settings"), ("Event", "Edit Events")],
)
def test_a_missing_right_to_an_object_is_told_with_its_clicks(
    page: Act, row: Connection, name: str, clicks: str
) -> None:
    looked = {"objects": {"Lead": [], "Contact": [], "Account": [], "Case": [], "Event": [], name: ["edit"]}}
    Connection.objects.filter(id=row.id).update(
        installed={**looked, "fields": {}, "permission_set": True, "assigned": True}
    )
    words = page()
    assert words.count("✗") == 1
    assert "1 is missing" in words
    assert clicks in words


def test_an_encrypted_address_is_a_blocker() -> None:
    """Whom nobody can find by e-mail would be made anew with every booking."""
    from instep.core.crm_schema import Field, ObjectSchema
    from instep.core.rules import default_config
    from instep.crm.salesforce.profile import PROFILE

    row = next(r for r in PROFILE.default_rows["Lead"] if r.field == "Email")
    email = Field("Email", "Email", "email", filterable=False)
    closed = looking.closed_fields(
        default_config(PROFILE), PROFILE, {"Lead": ObjectSchema("Lead", "Lead", {row.field: email})}
    )
    assert looking.Closed("Lead", "Email", looking.NOT_SEARCHABLE) in closed


def test_a_crm_that_is_away_is_told_and_stops_nothing(page: Act, org: Running, row: Connection) -> None:
    away(org)
    words = page("connection-check")
    assert "broke the connection off" in words
    assert Connection.objects.get(id=row.id).state == "connected"


def test_a_check_lets_a_lane_go_on_that_stood_still(page: Act, row: Connection, account: Account) -> None:
    lane_queries.hold(account.id, row.id, 900, "unreachable", "away", "reconnect")
    lane_queries.raise_alert(account.id, row.id, "unreachable", "away")
    page("connection-check")
    after = Connection.objects.get(id=row.id)
    assert (after.state, after.held_until, after.hold_code) == ("connected", None, "")
    assert not Alert.objects.filter(cleared_at=None).exists()


def test_a_paused_connection_says_until_when(page: Act, row: Connection, account: Account) -> None:
    lane_queries.hold(account.id, row.id, 900, "REQUEST_LIMIT_EXCEEDED", "The calls of the day are used up.")
    words = page()
    assert "Paused" in words
    assert "paused until" in words
    assert words.count("The calls of the day are used up.") == 1


def test_the_mapping_and_the_rules_are_shown_as_they_are(page: Act, row: Connection) -> None:
    Connection.objects.filter(id=row.id).update(
        settings={"config": {"new_contacts": "Contact", "deleted_event": "leave",
                             "mapping": {"Lead": [{"source": "contact.email", "field": "Email", "overwrite": True,
                                                   "fallback": "none@acme.example"}]}}}
    )  # fmt: skip
    words = page()
    assert "A new <b>Contact</b>" in words
    assert "Stays deleted." in words
    assert "none@acme.example" in words


def test_the_package_for_deploying_by_hand_is_a_zip(client: Client, row: Connection) -> None:
    answer = client.get(reverse("connection-package", args=[row.public_id]))
    assert "package.xml" in zipfile.ZipFile(io.BytesIO(answer.content)).namelist()


# -- disconnecting --------------------------------------------------------------------------------


@pytest.mark.parametrize("grant", [BY_BROWSER, BY_ITSELF])
def test_disconnecting_revokes_and_deletes_the_tokens_and_keeps_the_setup(
    client: Client, org: Running, account: Account, grant: str
) -> None:
    row = connected(client, org, account, grant)
    Connection.objects.filter(id=row.id).update(settings={"config": {"always_write": True}})
    asked = client.get(reverse("disconnect", args=[row.public_id])).content.decode()
    assert "Field mapping, creation rules and chosen hosts" in asked
    assert Connection.objects.get(id=row.id).state == "connected", "asking changes nothing"
    words = client.post(reverse("disconnect", args=[row.public_id]), follow=True).content.decode()
    assert "Salesforce has forgotten the sign-in too." in words
    assert "Nothing is written to this org." in words
    after = Connection.objects.get(id=row.id)
    assert (after.state, bytes(after.credentials), bytes(after.tokens)) == ("disabled", b"", b"")
    assert after.settings == {"config": {"always_write": True}}
    assert not org.org.tokens.sessions
    assert all(family.revoked for family in org.org.tokens.families.values())


def steps(client: Client, row: Connection) -> dict[str, str]:
    """The phases at the top of a connection's page, and what is said of each."""
    shown = client.get(reverse("connection", args=[row.public_id])).content.decode()
    listed = re.search(r'<ol class="steps">(.*?)</ol>', shown, re.DOTALL)
    assert listed
    found = re.findall(r"</span>([^<]+) <small[^>]*>([^<]*)<", listed.group(1))
    done = re.findall(r'<li class="(\w+)">', listed.group(1))
    return {name: f"{kind}: {said}" for kind, (name, said) in zip(done, found, strict=True)}


def test_no_step_of_a_disconnected_org_is_done(client: Client, row: Connection, account: Account) -> None:
    """A tick says that it works now: what was so while somebody was signed in there is none."""
    looking.install(account.id, row.id)
    Connection.objects.filter(id=row.id).update(settings={"config": {"always_write": True}})
    before = steps(client, row)
    assert before["Installation"] == before["Creation rules"] == "ok: done"
    assert before["Field mapping"] == "todo: as suggested"
    client.post(reverse("disconnect", args=[row.public_id]))
    kept = steps(client, row)
    assert kept["API connection"] == "todo: disconnected"
    assert (kept["Field mapping"], kept["Creation rules"]) == ("todo: not set up", "todo: kept")
    assert not {"Installation", "Permissions", "Field validation", "Hosts"} & kept.keys(), "nobody knows"
    assert not [said for said in kept.values() if said.startswith("ok")]
    shown = client.get(reverse("connection", args=[row.public_id])).content.decode()
    assert "Checked just now" not in shown


def test_a_setup_that_was_removed_is_not_set_up(client: Client, row: Connection, account: Account) -> None:
    looking.install(account.id, row.id)
    Connection.objects.filter(id=row.id).update(settings={"config": {"always_write": True}})
    client.post(reverse("disconnect", args=[row.public_id]), {"setup": "remove"})
    assert steps(client, row)["Creation rules"] == "todo: not set up"
    assert steps(client, row)["Field mapping"] == "todo: not set up"


def test_rules_that_nobody_chose_are_a_suggestion(client: Client, row: Connection, account: Account) -> None:
    looking.install(account.id, row.id)
    assert steps(client, row)["Creation rules"] == steps(client, row)["Field mapping"] == "todo: as suggested"


def test_disconnecting_works_while_the_crm_is_away(page: Act, org: Running, row: Connection) -> None:
    away(org)
    words = page("disconnect")
    assert "Salesforce could not be told:" in words
    assert Connection.objects.get(id=row.id).state == "disabled"


def test_disconnecting_twice_is_no_error(page: Act) -> None:
    page("disconnect")
    assert "disconnected already" in page("disconnect")


def test_nothing_revives_a_disconnected_lane_but_a_connection(
    page: Act, row: Connection, account: Account
) -> None:
    """A drain or a refresh that was under way ends after the disconnection: it must not bring anything back."""
    page("disconnect")
    lane_queries.hold(account.id, row.id, 60, "reconnect", "refused", "reconnect")
    credentials.save_tokens(account.id, row.id, {"access_token": "late"}, "")
    credentials.works_again(account.id, row.id)
    page("connection-check")
    page("connection-install")
    after = Connection.objects.get(id=row.id)
    assert (after.state, bytes(after.tokens)) == ("disabled", b"")
    assert not looking.is_installing(row.id)


def test_connecting_again_goes_on_with_the_links_and_doubles_nothing(
    client: Client, org: Running, account: Account, row: Connection, recorded: Callable[..., list[int]]
) -> None:
    looking.install(account.id, row.id)
    recorded(line("EVNT-1", id="BKNG-1", tracking_id="BKNG-1"))
    drain(account.id, row.id)
    assert (len(leads(org)), len(events(org))) == (1, 1)
    client.post(reverse("disconnect", args=[row.public_id]))
    recorded(line("EVNT-2", id="BKNG-2", tracking_id="BKNG-2"))
    assert SyncItem.objects.filter(connection=row).count() == 1, "nothing is marked in a lane that is off"
    again = connected(client, org, account, BY_BROWSER)
    assert again.id == row.id
    drain(account.id, row.id)
    assert len(events(org)) == 2, "what came meanwhile is written, what was there is not doubled"
    assert len(leads(org)) == 1
    assert not SyncItem.objects.filter(connection=row, due_at__isnull=False).exists()


def test_reconnecting_a_disconnected_org_asks_for_its_key(client: Client, page: Act, row: Connection) -> None:
    page("disconnect")
    words = page("reconnect-now")
    assert "enter them again" in words
    assert f'value="{row.url}"' in words


def test_revoked_tokens_stop_the_lane_and_reconnecting_writes_what_waited(
    client: Client, org: Running, account: Account, recorded: Callable[..., list[int]]
) -> None:
    row = connected(client, org, account, BY_BROWSER)
    looking.install(account.id, row.id)
    order(org, "revoke")
    recorded(line("EVNT-1", id="BKNG-1", tracking_id="BKNG-1"))
    drain(account.id, row.id)
    assert Connection.objects.get(id=row.id).state == "reconnect"
    assert events(org) == []
    client.post(reverse("reconnect-now", args=[row.public_id]))
    client.get(at_the_crm(sign_in_link(client)))
    drain(account.id, row.id)
    assert len(events(org)) == 1


# -- whose it is ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("get", "connection"),
        ("get", "reconnect"),
        ("get", "disconnect"),
        ("get", "connection-package"),
        ("post", "connection-check"),
        ("post", "connection-install"),
        ("post", "reconnect"),
        ("post", "reconnect-now"),
        ("post", "disconnect"),
    ],
)
def test_another_accounts_connection_is_not_there(client: Client, method: str, name: str) -> None:
    other = Connection.objects.create(
        account=Account.objects.create(name="Other"),
        vendor="salesforce",
        url="https://other.example",
        org_id="00D9",
    )
    assert getattr(client, method)(reverse(name, args=[other.public_id])).status_code == 404
    assert Connection.objects.get(id=other.id).state == "connected"
    assert "00D9" not in client.get("/integrations").content.decode()


@pytest.mark.parametrize("name", ["connection-check", "connection-install", "reconnect-now"])
def test_acts_are_posts(client: Client, row: Connection, name: str) -> None:
    assert client.get(reverse(name, args=[row.public_id])).status_code == 405


# -- general permissions --------------------------------------------------------------------------


def test_general_permissions_are_told_and_modify_all_data_is_never_asked_for(page: Act, org: Running) -> None:
    order(org, "settings", {"permissions": {"PermissionsModifyAllData": False}})
    words = page("connection-check")
    assert "API Enabled" in words
    assert "not needed, and never asked for" in words
    order(org, "settings", {"permissions": {"PermissionsEditEvent": False}})
    words = page("connection-check")
    assert "tick <b>Edit Events</b>" in words


def test_a_user_who_may_not_view_the_setup_is_told_where_to_look(page: Act, org: Running) -> None:
    order(org, "settings", {"permissions": {"PermissionsViewSetup": False}})
    words = page("connection-check")
    assert "may not view the setup" in words
    assert "What the last check found" not in words


def test_an_edition_without_the_api_is_recognised_while_connecting(
    client: Client, org: Running, account: Account
) -> None:
    order(org, "organization", {"edition": "Professional Edition", "api": False})
    answer = client.post("/integrations/salesforce/connect", typed(org, BY_ITSELF))
    assert answer.status_code == 422
    words = answer.content.decode()
    assert "Editions without the API" in words
    assert "API_DISABLED_FOR_ORG" in words
    assert not Connection.objects.exists()


def test_a_connection_is_looked_at_from_the_beginning(row: Connection) -> None:
    from instep.engine import watch
    from instep.store.queries import rows

    asked = rows("SELECT count(*) FROM procrastinate_jobs WHERE task_name = %s", [watch.CHECK_TASK])
    assert asked == [(1,)]


def test_strict_mode_is_switched_and_explained(client: Client, account: Account, lane: Connection) -> None:
    from instep.store.provisional_queries import strict_lanes

    address = f"/integrations/{lane.public_id}"
    page = client.get(address).content.decode()
    assert "Accept and write later" in page
    assert "an outage of the CRM stops your bookings too" in page
    client.post(f"{address}/strict", {"strict": "1"})
    assert strict_lanes(account.id, "any") == [lane.id]
    page = client.get(address).content.decode()
    assert "A guest waits up to ten seconds" in page
    client.post(f"{address}/strict", {"strict": "0"})
    assert strict_lanes(account.id, "any") == []
    assert client.get(f"{address}/strict").status_code == 405
    assert client.post("/integrations/CONN-NOBODYS/strict", {"strict": "1"}).status_code == 404
