"""Every documented cause of trouble, provoked at the org: recognised, told with its cure, and gone when it is cured."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve
from django.core import mail as outbox
from django.urls import reverse

from instep.core.causes import Cause
from instep.core.config_document import to_document
from instep.core.creation import CalendarRules
from instep.core.mapping import Row
from instep.engine import connection as looking
from instep.engine import mailing, mapping_edit, watch
from instep.engine.drain import drain
from instep.engine.lane import load_config
from instep.engine.problems import Problem, problems_of
from instep.store import credentials
from instep.store.lane_queries import connection_by_id
from instep.store.models import Account, Alert, Connection
from oncehub_events import form, line

from .crm_sign_in import BY_BROWSER, BY_ITSELF, connected, order
from .test_bookings import text_of

if TYPE_CHECKING:
    from django.test import Client

    from instep_standins.salesforce.server import Running

INTEGRATION = "integration@acme.example"


@pytest.fixture(autouse=True)
def _at_localhost(client: Client) -> None:
    client.defaults["SERVER_NAME"] = "localhost"


class House:
    """One account with a connection that works, its fields installed."""

    def __init__(self, client: Client, org: Running, account: Account, grant: str, record: Any) -> None:
        self.client, self.org, self.account, self.record = client, org, account, record
        self.connection = connected(client, org, account, grant)
        looking.install(account.id, self.connection.id)

    @property
    def row(self) -> dict[str, Any]:
        return connection_by_id(self.account.id, self.connection.id) or {}

    def check(self) -> None:
        looking.check(self.account.id, self.row)

    def drain(self) -> None:
        drain(self.account.id, self.connection.id)

    def order(self, what: str, **body: Any) -> None:
        order(self.org, what, body)

    def problems(self) -> tuple[Problem, ...]:
        return problems_of(self.account.id, self.row)

    def only(self) -> Problem:
        """The one problem there is, which its page shows with cure and button."""
        (found,) = self.problems()
        page = self.client.get(reverse("problems", args=[self.connection.public_id]))
        words = text_of(page)
        assert "What to do" in words
        assert found.since is not None
        assert f'id="{found.anchor}"' in page.content.decode()
        return found

    def configure(self, **values: Any) -> None:
        document = to_document(
            evolve(load_config(self.row), **({"calendars": {}, "record_types": {}} | values))
        )
        credentials.save_settings(self.account.id, self.connection.id, {"config": document})

    def stored(self, name: str) -> list[dict[str, Any]]:
        """The org's records of an object."""
        return list(self.org.org.tables.rows(name).values())

    def expire(self) -> None:
        order(self.org, "expire-sessions")

    def nothing(self) -> None:
        """Nothing is wrong any more."""
        self.check()
        assert self.problems() == ()
        assert "Nothing is wrong" in text_of(
            self.client.get(reverse("problems", args=[self.connection.public_id]))
        )


@pytest.fixture
def house(client: Client, org: Running, account: Account, recorded: Callable[..., list[int]]) -> House:
    return House(client, org, account, BY_ITSELF, recorded)


@pytest.fixture
def signed_in(client: Client, org: Running, account: Account, recorded: Callable[..., list[int]]) -> House:
    return House(client, org, account, BY_BROWSER, recorded)


def test_a_sound_connection_has_no_problem(house: House) -> None:
    house.record(line("EVNT-1"))
    house.drain()
    house.nothing()


# -- the sign-in ----------------------------------------------------------------------------------


def test_an_expired_token(signed_in: House) -> None:
    signed_in.record(line("EVNT-1"))
    long_ago = (datetime.now(UTC) - timedelta(days=40)).isoformat()
    kept = {**signed_in.row["installed"], "looked_at": long_ago}
    credentials.save_installed(signed_in.account.id, signed_in.connection.id, kept)
    order(signed_in.org, "revoke")
    signed_in.drain()
    found = signed_in.only()
    assert (found.cause, found.whole, found.waiting) == (Cause.TOKEN_EXPIRED, True, 1)


def test_too_many_approvals_push_out_a_sign_in_that_was_in_use(signed_in: House) -> None:
    signed_in.record(line("EVNT-1"))
    tokens = signed_in.org.org.tokens
    user = next(iter(tokens.families.values())).user_id
    with signed_in.org.org.lock:
        for _ in range(5):
            tokens.new_family(user, "api refresh_token id")
    signed_in.drain()
    found = signed_in.only()
    assert (found.cause, found.waiting) == (Cause.TOO_MANY_APPROVALS, 1)
    connected(signed_in.client, signed_in.org, signed_in.account, BY_BROWSER)
    signed_in.nothing()


def test_access_that_was_revoked(signed_in: House) -> None:
    signed_in.record(line("EVNT-1"))
    order(signed_in.org, "user", {"username": INTEGRATION, "active": False})
    signed_in.expire()
    signed_in.drain()
    assert signed_in.only().cause is Cause.ACCESS_REVOKED


def test_an_app_that_has_changed(house: House) -> None:
    house.record(line("EVNT-1"))
    house.order("settings", clientCredentials=False)
    house.expire()
    house.drain()
    assert house.only().cause is Cause.APP_CHANGED


# -- the org as a whole ---------------------------------------------------------------------------


def test_an_api_that_was_switched_off(house: House) -> None:
    house.record(line("EVNT-1"))
    house.order("organization", api=False)
    house.drain()
    assert house.only().cause is Cause.API_OFF
    house.order("organization", api=True)
    house.nothing()


def test_a_look_alone_recognises_an_api_that_is_off(house: House) -> None:
    house.order("organization", api=False)
    house.check()
    assert house.only().cause is Cause.API_OFF


def test_api_calls_that_are_used_up(house: House) -> None:
    house.record(line("EVNT-1"))
    house.order("settings", apiMax=1000, apiUsed=1000)
    house.drain()
    found = house.only()
    assert (found.cause, found.waiting) == (Cause.LIMIT_USED_UP, 1)
    house.order("settings", apiUsed=0)
    house.nothing()


# -- the setup: told before the next booking fails ------------------------------------------------


def test_a_permission_set_that_was_removed(house: House) -> None:
    house.order("user", username=INTEGRATION, permissionSets=[])
    house.check()
    causes = {one.cause for one in house.problems()}
    assert Cause.PERMISSION_SET in causes
    assert Cause.FIELDS_GONE not in causes, "without the set they are hidden, not gone"
    (said,) = [one.message for one in house.problems() if one.cause is Cause.PERMISSION_SET]
    assert "Hidden for that: Event.Instep_" in said
    looking.install(house.account.id, house.connection.id)
    house.nothing()


def test_fields_that_were_deleted(house: House) -> None:
    order(house.org, "field", {"object": "Event", "field": "Instep_Booking_Id__c", "remove": True})
    house.check()
    found = house.only()
    assert found.cause is Cause.FIELDS_GONE
    assert "Event.Instep_Booking_Id__c" in found.message
    looking.install(house.account.id, house.connection.id)
    house.nothing()


def test_a_new_required_field_is_told_before_a_booking_fails(house: House) -> None:
    made(house, {"kind": "Text", "label": "Region", "length": 40, "required": True})
    house.check()
    found = house.only()
    assert (found.cause, found.subject, found.waiting) == (Cause.NEW_REQUIRED, "Lead.Region__c", 0)
    config = load_config(house.row)
    rows = {**config.rows, "Lead": (*config.rows["Lead"], Row("static:South", "Region__c"))}
    house.configure(rows=rows)
    house.nothing()


def made(house: House, what: dict[str, Any]) -> None:
    """A field of Leads that everybody sees."""
    name = what["label"].replace(" ", "_") + "__c"
    order(house.org, "field", {"object": "Lead", "field": name, "create": what})
    if not what.get("required"):
        order(house.org, "fls", {"object": "Lead", "field": name, "read": True, "edit": True})


def test_a_required_field_that_nothing_can_fill(house: House) -> None:
    made(house, {"kind": "Lookup", "label": "Campaign", "target": "Account"})
    order(house.org, "field", {"object": "Lead", "field": "Campaign__c", "change": {"nillable": False}})
    house.check()
    found = house.only()
    assert (found.cause, found.subject) == (Cause.UNFILLABLE_REQUIRED, "Lead.Campaign__c")
    order(house.org, "field", {"object": "Lead", "field": "Campaign__c", "change": {"nillable": True}})
    house.nothing()


def test_records_refused_for_it_wait_under_its_card(house: House) -> None:
    """The refusal alone would say to fill the field, which nothing can."""
    made(house, {"kind": "Lookup", "label": "Campaign", "target": "Account"})
    order(house.org, "field", {"object": "Lead", "field": "Campaign__c", "change": {"nillable": False}})
    house.check()
    house.record(line("EVNT-1", id="BKNG-1"))
    house.drain()
    found = house.only()
    assert (found.cause, found.subject) == (Cause.UNFILLABLE_REQUIRED, "Lead.Campaign__c")
    assert (found.waiting, len(found.groups)) == (1, 1)


def test_every_place_advises_the_same_for_a_required_look_up(house: House) -> None:
    """Receipt, sync log, card and validation page: neither mapping nor fallback helps, and none says so."""
    made(house, {"kind": "Lookup", "label": "Campaign", "target": "Account"})
    order(house.org, "field", {"object": "Lead", "field": "Campaign__c", "change": {"nillable": False}})
    # the first look finds it: no news, but the refusal has its card
    Connection.objects.filter(id=house.connection.id).update(
        installed={k: v for k, v in house.row["installed"].items() if k != "baseline"}
    )
    house.check()
    booking = house.record(line("EVNT-1", id="BKNG-1"))[0]
    house.drain()
    found = house.only()
    assert (found.cause, found.subject) == (Cause.UNFILLABLE_REQUIRED, "Lead.Campaign__c")
    here = house.connection.public_id
    for address in (
        reverse("receipts", args=[booking]),
        reverse("sync-log"),
        reverse("problems", args=[here]),
        reverse("validation", args=[here]),
    ):
        words = text_of(house.client.get(address, follow=True))
        assert "No mapping can fill Campaign (Campaign__c), a look-up to another record." in words, address
        assert "Make it optional in Salesforce, or required on the page layout only." in words
        assert "give it a fallback value" not in words
        assert "give them a fallback value" not in words


def test_records_that_lack_a_field_required_later_go_on_once_they_have_a_value(house: House) -> None:
    """Salesforce asks for it at every save: a change waits, until somebody gives the record its value and retries."""
    made(house, {"kind": "Lookup", "label": "Campaign", "target": "Account"})
    house.record(line("EVNT-1", id="BKNG-1", form_submission=form(mobile_phone=None)))
    house.drain()
    order(house.org, "field", {"object": "Lead", "field": "Campaign__c", "change": {"nillable": False}})
    house.check()
    house.record(line("EVNT-2", "scheduled", 5, id="BKNG-2", form_submission=form()))
    house.drain()
    found = house.only()
    assert (found.cause, found.subject, found.waiting) == (
        Cause.UNFILLABLE_REQUIRED, "Lead.Campaign__c", len(found.groups) and sum(g.count for g in found.groups)
    )  # fmt: skip
    assert found.waiting
    assert "Give the record a value for it in Salesforce, then retry." in found.groups[0].cure
    validation = text_of(house.client.get(reverse("validation", args=[house.connection.public_id])))
    assert "and so is every change of a record that lacks a value" in validation
    assert re.search(r"changes? of (a booking or contact|bookings and contacts) waits? for it", validation)
    (lead,) = house.stored("Lead")
    assert not lead.get("MobilePhone")
    house.org.org.tables.put("Lead", {**lead, "Campaign__c": "001000000000001AAA"})
    for group in found.groups:
        told = {
            "connection": group.connection,
            "code": group.code,
            "shape": group.shape,
            "state": group.state,
        }
        house.client.post(reverse("retry-group"), told)
    house.drain()
    (lead,) = house.stored("Lead")
    assert lead["MobilePhone"] == "+351912000111"
    assert {event["WhoId"] for event in house.stored("Event")} == {lead["Id"]}
    assert not [group for problem in house.problems() for group in problem.groups], "nothing waits any more"


def test_steps_name_a_field_by_its_label_and_its_api_name_once(house: House) -> None:
    made(house, {"kind": "Lookup", "label": "Main Partner", "target": "Account"})
    order(house.org, "field", {"object": "Lead", "field": "Main_Partner__c", "change": {"nillable": False}})
    house.check()
    shown = house.client.get(reverse("problems", args=[house.connection.public_id])).content.decode()
    steps = shown[shown.index('<ol class="guide">') :].partition("</ol>")[0]
    assert "→ Main Partner (Main_Partner__c) →" in steps
    assert steps.count("Main_Partner__c") == 1
    assert steps.count("Main Partner") > 1


def test_a_retired_picklist_value_in_use(house: House) -> None:
    made(house, {"kind": "Picklist", "label": "Region", "choices": ["North", "South"], "restricted": True})
    config = load_config(house.row)
    house.configure(rows={**config.rows, "Lead": (*config.rows["Lead"], Row("static:South", "Region__c"))})
    order(
        house.org,
        "field",
        {"object": "Lead", "field": "Region__c", "change": {"restricted": True, "choices": ["North"]}},
    )
    house.check()
    found = house.only()
    assert (found.cause, found.subject) == (Cause.VALUE_RETIRED, "Lead.Region__c")
    assert "South" in found.message


def test_a_retired_fallback_of_a_list_that_takes_anything(house: House) -> None:
    made(house, {"kind": "Picklist", "label": "Region", "choices": ["North", "South"]})
    config = load_config(house.row)
    row = Row("contact.city", "Region__c", fallback="South")
    house.configure(rows={**config.rows, "Lead": (*config.rows["Lead"], row)})
    choices = [{"value": "North", "label": "North"}, {"value": "South", "label": "South", "active": False}]
    order(house.org, "field", {"object": "Lead", "field": "Region__c", "change": {"choices": choices}})
    house.check()
    found = house.only()
    assert (found.cause, found.subject) == (Cause.VALUE_RETIRED, "Lead.Region__c")


@pytest.mark.parametrize("how", ["inactive", "not assigned"])
def test_a_record_type_that_is_chosen_and_cannot_be_used(house: House, how: str) -> None:
    said = {"object": "Contact", "name": "Partner", "label": "Partner"}
    order(house.org, "record-types", said)
    order(house.org, "record-types", {**said, "name": "Retail", "label": "Retail"})
    house.configure(
        record_types={"Contact": "Partner"},
        calendars={"BC-1": CalendarRules(record_types={"Contact": "Partner"})},
    )
    house.check()
    assert house.problems() == ()
    if how == "inactive":
        order(house.org, "record-types", {**said, "active": False})
    else:
        row = next(r for r in house.stored("RecordType") if r["DeveloperName"] == "Partner")
        order(house.org, "record-type-access", {"recordType": row["Id"], "available": False})
    house.check()
    found = house.only()
    assert (found.cause, found.subject) == (Cause.RECORD_TYPE, "Contact.Partner")
    assert "the creation rules and 1 calendar" in found.message
    house.configure()
    house.nothing()


def test_what_a_saved_page_cures_is_told_no_more_at_once(house: House) -> None:
    """No look at the CRM is needed for the card of a required field to go."""
    made(house, {"kind": "Text", "label": "Region", "length": 40, "required": True})
    house.check()
    assert house.only().subject == "Lead.Region__c"
    config = load_config(house.row)
    rows = (*config.rows["Lead"], Row("static:South", "Region__c"))
    version = mapping_edit.version_of(config.rows["Lead"])
    mapping_edit.save_rows(house.account.id, house.row, "Lead", rows, version, "Ines", datetime.now(UTC))
    assert house.problems() == ()


def test_a_mapped_field_that_is_hidden(house: House) -> None:
    house.order("fls", object="Lead", field="Phone", read=False, edit=False)
    house.check()
    found = house.only()
    assert (found.cause, found.subject) == (Cause.MAPPED_FIELD, "Lead.Phone")
    page = text_of(house.client.get(reverse("problems", args=[house.connection.public_id])))
    assert "Object Manager → Lead → Fields &amp; Relationships → Phone" in page
    house.order("fls", object="Lead", field="Phone", read=True, edit=True)
    house.nothing()


@pytest.mark.parametrize("how", ["encrypted", "hidden"])
def test_an_address_that_finds_nobody(house: House, how: str) -> None:
    """One card tells of the field and of whoever waits for it; a look after the cure has them written."""
    if how == "encrypted":
        order(house.org, "field", {"object": "Lead", "field": "Email", "change": {"filterable": False}})
    else:
        house.order("fls", object="Lead", field="Email", read=False, edit=False)
    house.check()
    assert (house.only().cause, house.only().subject) == (Cause.NOT_SEARCHABLE, "Lead.Email")
    house.record(line("EVNT-1", id="BKNG-1"))
    house.drain()
    found = house.only()
    assert (found.subject, found.waiting, len(found.groups)) == ("Lead.Email", 1, 1)
    assert house.stored("Lead") == []
    assert len(house.stored("Event")) == 1

    if how == "encrypted":
        order(house.org, "field", {"object": "Lead", "field": "Email", "change": {"filterable": True}})
    else:
        house.order("fls", object="Lead", field="Email", read=True, edit=True)
    house.check()
    house.drain()
    house.nothing()
    assert len(house.stored("Lead")) == 1


def test_a_right_that_was_taken(house: House) -> None:
    house.order("withhold", object="Lead", rights=["create"])
    house.check()
    found = house.only()
    assert (found.cause, found.subject) == (Cause.RIGHTS, "Lead")
    assert "create" in found.message
    house.order("withhold", object="Lead", rights=[])
    house.nothing()


# -- single records -------------------------------------------------------------------------------


def test_a_validation_rule_is_shown_in_its_own_words_with_what_waits(house: House) -> None:
    rule = {
        "object": "Lead", "name": "No_Phone", "formula": "ISBLANK(Fax)", "message": "Leads need a fax number.",
        "active": True,
    }  # fmt: skip
    order(house.org, "validation-rules", rule)
    house.record(line("EVNT-1"))
    house.drain()
    found = house.only()
    assert (found.cause, found.waiting) == (Cause.VALIDATION_RULE, 1)
    words = text_of(house.client.get(reverse("problems", args=[house.connection.public_id])))
    assert "Leads need a fax number." in words
    assert "Retry" in words
    order(house.org, "validation-rules", {**rule, "active": False})
    (group,) = found.groups
    told = {"connection": group.connection, "code": group.code, "shape": group.shape, "state": group.state}
    house.client.post(reverse("retry-group"), told)
    house.drain()
    house.nothing()


def test_a_value_that_a_rule_refuses_is_told_though_nothing_waits(house: House) -> None:
    """The rule names the field: the record is written with the default, and the card says so until it is let pass."""
    rule = {
        "object": "Lead", "name": "Company", "formula": "Company <> \"Unspecified\"", "field": "Company",
        "message": "Companies are checked first.", "active": True,
    }  # fmt: skip
    order(house.org, "validation-rules", rule)
    house.record(line("EVNT-1"))
    house.drain()
    found = house.only()
    assert (found.cause, found.subject, found.left_out) == (Cause.VALIDATION_RULE, "Lead.Company", 1)
    page = text_of(house.client.get(reverse("problems", args=[house.connection.public_id])))
    assert "Companies are checked first." in page
    assert "with the default where the field is required" in page
    assert "Object Manager → Lead → Validation Rules" in page
    made(house, {"kind": "Text", "label": "Other", "length": 40})
    house.check()
    assert house.only().left_out == 1, "a new field says nothing about the rule"
    code, name, field = found.refused
    again = {"code": code, "object": name, "field": field}
    house.client.post(reverse("problems-again", args=[house.connection.public_id]), again)
    house.drain()
    assert house.only().left_out == 1, "the rule still says no"
    order(house.org, "validation-rules", {**rule, "active": False})
    house.client.post(reverse("problems-again", args=[house.connection.public_id]), again)
    house.drain()
    house.nothing()
    (lead,) = house.stored("Lead")
    assert lead["Company"] != "Unspecified"


def test_a_record_that_may_be_somebody_else_is_to_be_looked_at(house: House) -> None:
    """A duplicate rule names a Contact with another address: used, its name left alone, and told."""
    known = {"LastName": "Smith", "MobilePhone": "+351912000111", "Email": "smith@other.example"}
    order(house.org, "records", {"object": "Contact", "fields": known})
    matching = [{"object": "Contact", "fields": ["MobilePhone"]}]
    order(
        house.org,
        "duplicate-rules",
        {"object": "Lead", "create": "block", "matching": matching, "message": "Known."},
    )
    house.record(line("EVNT-1"))
    house.drain()
    found = house.only()
    assert (found.cause, found.left_out) == (Cause.OTHER_PERSON, 1)
    (contact,) = house.stored("Contact")
    assert (contact.get("FirstName"), contact["LastName"], contact["Email"]) == (
        None,
        "Smith",
        known["Email"],
    )
    code, name, field = found.refused
    done = {"code": code, "object": name, "field": field}
    house.client.post(reverse("problems-again", args=[house.connection.public_id]), done)
    house.drain()
    house.nothing()


# -- the watch ------------------------------------------------------------------------------------


def test_what_is_still_to_be_set_up_is_no_news(client: Client, org: Running, account: Account) -> None:
    connection = connected(client, org, account, BY_ITSELF)
    looking.check(account.id, connection_by_id(account.id, connection.id) or {})
    assert not Alert.objects.exists()


def test_news_are_told_once_on_the_dashboard_and_by_mail_and_end_by_themselves(house: House) -> None:
    made(house, {"kind": "Text", "label": "Region", "length": 40, "required": True})
    house.check()
    house.check()
    (alert,) = Alert.objects.filter(cleared_at=None)
    assert alert.code not in house.client.get(reverse("sync-log")).content.decode(), "nothing was attempted"
    words = text_of(house.client.get(reverse("dashboard")))
    assert "Region" in words
    assert mailing.tell_alerts() == 1
    (sent,) = outbox.outbox
    assert sent.to == ["ines@acme.example"]
    assert "Lead.Region__c" in sent.body
    assert mailing.tell_alerts() == 0, "told once"
    change = {"object": "Lead", "field": "Region__c", "change": {"nillable": True}}
    order(house.org, "field", change)
    house.check()
    alert.refresh_from_db()
    assert alert.cleared_at is not None


def test_connections_are_looked_at_daily(house: House) -> None:
    from instep.engine.policy import Policy

    house.check()
    assert watch.check_due() == 0
    assert watch.check_due(Policy(refresh_after=-3600)) == 1
    credentials.disable(house.account.id, house.connection.id)
    assert watch.check_due(Policy(refresh_after=-3600)) == 0


def test_a_field_that_the_org_calls_unknown_asks_for_a_look(house: House) -> None:
    from instep.store.queries import rows

    rows("DELETE FROM procrastinate_jobs WHERE task_name = %s RETURNING id", [watch.CHECK_TASK])
    house.order("fls", object="Lead", field="MobilePhone", read=False, edit=False)
    house.record(line("EVNT-1"))
    house.drain()
    jobs = rows("SELECT count(*) FROM procrastinate_jobs WHERE task_name = %s", [watch.CHECK_TASK])
    assert jobs == [(1,)]
    house.check()
    assert Cause.MAPPED_FIELD in {one.cause for one in house.problems()}


# -- the page -------------------------------------------------------------------------------------


def test_a_page_that_stays_open_asks_at_most_every_half_minute(house: House) -> None:
    house.order("fls", object="Lead", field="Phone", read=False, edit=False)
    house.check()
    address = reverse("problems-check", args=[house.connection.public_id])
    before = house.org.org.settings.apiUsed
    house.client.post(address, {"by": "page"}, headers={"HX-Request": "true"})
    assert house.org.org.settings.apiUsed == before
    house.client.post(address)
    assert house.org.org.settings.apiUsed > before
    page = house.client.get(reverse("problems", args=[house.connection.public_id]))
    assert "Checked again" in text_of(page)


def test_a_disconnected_connection_has_no_problems(house: House) -> None:
    house.client.post(reverse("disconnect", args=[house.connection.public_id]))
    words = text_of(house.client.get(reverse("problems", args=[house.connection.public_id])))
    assert "This connection is disconnected" in words


def test_another_accounts_problems_are_not_shown(house: House) -> None:
    other = Account.objects.create(name="Other")
    Connection.objects.filter(id=house.connection.id).update(account=other)
    assert house.client.get(reverse("problems", args=[house.connection.public_id])).status_code == 404
