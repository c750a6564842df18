"""Field validation: what is listed, what fills it, what is sent instead, and how blockers are solved."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse

from instep.core.mapping import Row
from instep.engine.drain import drain
from instep.engine.lane import load_config
from instep.store import lane_queries
from instep.store.models import Account, Connection
from instep_standins.salesforce.schema import Choice
from instep_standins.salesforce.schema import Field as SchemaField
from oncehub_events import line

from .crm_sign_in import connected, order

if TYPE_CHECKING:
    from django.http import HttpResponse
    from django.test import Client

    from instep_standins.salesforce.server import Running

Form = dict[str, str]


@pytest.fixture
def row(client: Client, org: Running, account: Account) -> Connection:
    client.defaults["SERVER_NAME"] = "localhost"
    return connected(client, org, account)


def require(org: Running, name: str, kind: str = "string", on: str = "Lead", **more: Any) -> None:
    """An admin of the org makes a required field."""
    made = {"type": kind, "label": name.removesuffix("__c"), "nillable": False, **more}
    order(org, "field", {"object": on, "field": name, "create": made})


def page(client: Client, row: Connection) -> HttpResponse:
    """The page after the CRM was asked anew."""
    client.post(reverse("validation", args=[row.public_id]), {"act": "read"})
    answer = client.get(reverse("validation", args=[row.public_id]))
    assert answer.status_code == 200
    return answer


def entries(answer: HttpResponse, tab: str = "leads") -> dict[str, Any]:
    """The fields of one object, by name."""
    section = next(s for s in answer.context["sections"] if s.tab.slug == tab)
    return {entry.required.target.name: entry for entry in section.entries}


def form_of(answer: HttpResponse) -> Form:
    """The form as a browser would send it."""
    words = answer.content.decode()
    form: Form = {}
    for tag in re.findall(r"<input [^>]*>", words):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name is None or ('type="radio"' in tag and " checked" not in tag):
            continue
        form[name[1]] = value[1] if value else ""
    for name, inside in re.findall(r'<select name="([^"]+)"[^>]*>(.*?)</select>', words, re.S):
        chosen = re.search(r'value="([^"]*)" selected', inside)
        form[name] = chosen[1] if chosen else ""
    return form


def send(client: Client, row: Connection, form: Form, act: str = "save") -> HttpResponse:
    return client.post(reverse("validation", args=[row.public_id]), {**form, "act": act}, follow=True)


def rows_of(row: Connection, name: str = "Lead") -> dict[str, Row]:
    kept = lane_queries.connection_by_id(row.account_id, row.id)
    assert kept is not None
    return {one.field: one for one in load_config(kept).rows[name]}


def test_what_is_required_by_itself_is_filled_by_the_default_mapping(client: Client, row: Connection) -> None:
    answer = page(client, row)
    assert set(entries(answer)) == {"LastName", "Company"}
    assert "Every required field has something that fills it." in answer.content.decode()
    assert form_of(answer)["f0-option"] == "field"


def test_case_04_a_required_field_without_default_is_listed_until_it_has_one(
    client: Client, org: Running, row: Connection
) -> None:
    """Case 4: adding a default makes it vanish after a reload."""
    require(org, "Region__c")
    answer = page(client, row)
    entry = entries(answer)["Region__c"]
    assert (entry.required.state.value, entry.required.default) == ("default", "Unspecified")
    words = answer.content.decode()
    assert "1 required field needs you." in words
    assert "a default is sent now" in words
    order(org, "field", {"object": "Lead", "field": "Region__c", "change": {"defaulted": True}})
    assert "Region__c" not in entries(page(client, row))


@pytest.mark.parametrize(
    ("chosen", "kept"),
    [
        ({"option": "field", "source": "contact.city"}, Row("contact.city", "Region__c")),
        (
            {"option": "field", "source": "contact.city", "fallback": "?"},
            Row("contact.city", "Region__c", fallback="?"),
        ),
        ({"option": "static", "static": "North", "source": "contact.city"}, Row("static:North", "Region__c")),
    ],
)
def test_a_field_or_a_static_value_fills_it(
    client: Client, org: Running, row: Connection, chosen: Form, kept: Row
) -> None:
    require(org, "Region__c")
    answer = page(client, row)
    n = entries(answer)["Region__c"].n
    form = {**form_of(answer), **{f"f{n}-{name}": value for name, value in chosen.items()}}
    after = send(client, row, form)
    assert "Saved. Fixed values reach records that are there" in after.content.decode()
    assert rows_of(row)["Region__c"] == kept
    again = form_of(after)
    assert {
        name: again[f"f{entries(after)['Region__c'].n}-{name}"] for name in chosen if name != "source"
    } == {name: value for name, value in chosen.items() if name != "source"}


def test_an_existing_value_fills_a_picklist(client: Client, org: Running, row: Connection) -> None:
    """A picklist has no default: until a value is chosen, new records are refused."""
    choices = (Choice("Gold", "Gold"), Choice("Silver", "Silver"))
    org.org.add_field(
        "Lead",
        SchemaField("Tier__c", "picklist", 255, "Tier", nillable=False, restricted=True, choices=choices),
    )
    answer = page(client, row)
    entry = entries(answer)["Tier__c"]
    assert entry.required.state.value == "refused"
    assert entry.values == (("Gold", "Gold"), ("Silver", "Silver"))
    form = form_of(answer)
    missing = send(client, row, {**form, f"f{entry.n}-option": "value"})
    assert missing.status_code == 422
    assert "Choose a value." in missing.content.decode()
    send(client, row, {**form, f"f{entry.n}-option": "value", f"f{entry.n}-value": "Gold"})
    assert rows_of(row)["Tier__c"] == Row("static:Gold", "Tier__c")


@pytest.mark.parametrize(
    ("kind", "said"),
    [("date", "New records get the day of the booking,"), ("currency", "New records get “$0.00”,")],
)
def test_what_is_sent_instead_is_quoted_only_where_it_is_a_value(
    client: Client, org: Running, row: Connection, kind: str, said: str
) -> None:
    require(org, "Region__c", kind)
    assert said in page(client, row).content.decode()


@pytest.mark.parametrize("kind", ["reference", "encryptedstring"])
def test_a_type_that_cannot_be_filled_is_a_blocker_with_its_clicks(
    client: Client, org: Running, row: Connection, kind: str
) -> None:
    more = {"targets": ["Account"], "relationship": "Region__r"} if kind == "reference" else {"length": 40}
    require(org, "Region__c", kind, **more)
    words = page(client, row).content.decode()
    assert 'id="Lead-Region__c"' in words
    assert "Every new record is refused" in words
    assert "untick <b>Required</b>" in words
    assert "Default Value" not in words, "neither a look-up nor an encrypted text can have a default"
    assert "Page Layouts" in words


def test_what_cannot_be_is_told_at_its_field_and_what_was_chosen_stays(
    client: Client, org: Running, row: Connection
) -> None:
    require(org, "Seats__c", "double", precision=4, scale=0)
    answer = page(client, row)
    n = entries(answer)["Seats__c"].n
    form = {**form_of(answer), f"f{n}-option": "static", f"f{n}-static": "many"}
    refused = send(client, row, form)
    assert refused.status_code == 422
    assert "is not a number" in refused.content.decode()
    assert form_of(refused)[f"f{n}-static"] == "many"
    assert "Seats__c" not in rows_of(row)


def test_nothing_that_was_there_is_lost(client: Client, row: Connection) -> None:
    """Saving an untouched page changes no row."""
    before = rows_of(row)
    send(client, row, form_of(page(client, row)))
    assert rows_of(row) == before


def test_taking_the_field_away_brings_the_default_back(client: Client, row: Connection) -> None:
    answer = page(client, row)
    n = entries(answer)["Company"].n
    send(client, row, {**form_of(answer), f"f{n}-option": ""})
    assert "Company" not in rows_of(row)
    assert entries(page(client, row))["Company"].required.state.value == "default"


def test_save_and_continue_leads_to_the_mapping(client: Client, row: Connection) -> None:
    answer = send(client, row, form_of(page(client, row)), "continue")
    assert answer.redirect_chain[-1][0] == reverse("mapping", args=[row.public_id, "leads"])


def test_somebody_else_who_saved_is_not_overwritten(client: Client, org: Running, row: Connection) -> None:
    require(org, "Region__c")
    answer = page(client, row)
    n = entries(answer)["Region__c"].n
    form = {**form_of(answer), f"f{n}-option": "static"}
    send(client, row, {**form, f"f{n}-static": "North"})
    late = send(client, row, {**form, f"f{n}-static": "South"})
    assert late.status_code == 409
    assert rows_of(row)["Region__c"].source == "static:North"
    n = entries(late)["Region__c"].n
    assert form_of(late)[f"f{n}-static"] == "South"
    send(client, row, form_of(late))
    assert rows_of(row)["Region__c"].source == "static:South"


def test_case_01_an_unmapped_required_text_gets_unspecified_and_one_error_is_logged(
    client: Client, org: Running, row: Connection, account: Account, recorded: Callable[..., list[int]]
) -> None:
    """Acceptance case 1; the log stands on the page, and names the booking and the field."""
    require(org, "Region__c")
    page(client, row)
    (key,) = recorded(line("EVNT-1", id="BKNG-1", tracking_id="BKNG-1"))
    drain(account.id, row.id)
    (lead,) = org.org.tables.rows("Lead").values()
    assert lead["Region__c"] == "Unspecified"
    answer = page(client, row)
    ((calendar, (group,)),) = answer.context["log"]
    assert (calendar, group.total) == ("BKC-51RT8YQ20V · “Onboarding call”", 1)
    (entry,) = group.lines
    assert (entry["target"], entry["field"], entry["value"]) == (key, "Region__c", "Unspecified")
    assert reverse("receipt", args=[key, entry["receipt"]]) in answer.content.decode()
    assert (
        "Field validation error" in client.get(reverse("receipts", args=[key]), follow=True).content.decode()
    )


def test_a_value_that_replaces_the_default_reaches_the_record(
    client: Client, org: Running, row: Connection, account: Account, recorded: Callable[..., list[int]]
) -> None:
    require(org, "Region__c")
    page(client, row)
    recorded(line("EVNT-1", id="BKNG-1", tracking_id="BKNG-1"))
    drain(account.id, row.id)
    answer = page(client, row)
    n = entries(answer)["Region__c"].n
    send(client, row, {**form_of(answer), f"f{n}-option": "static", f"f{n}-static": "North"})
    drain(account.id, row.id)
    (lead,) = org.org.tables.rows("Lead").values()
    assert lead["Region__c"] == "Unspecified", (
        "saving a page writes nothing fixed into records that are there"
    )
    recorded(line("EVNT-2", "canceled", 5, id="BKNG-1", tracking_id="BKNG-1"))
    drain(account.id, row.id)
    (lead,) = org.org.tables.rows("Lead").values()
    assert lead["Region__c"] == "North"


def test_what_would_be_written_to_records_that_are_there_is_counted_and_confirmed(
    client: Client, org: Running, row: Connection, account: Account, recorded: Callable[..., list[int]]
) -> None:
    """A field in the place of nothing is due for people whom bookings have: nobody is surprised by that."""
    recorded(line("EVNT-1", id="BKNG-1", tracking_id="BKNG-1"))
    drain(account.id, row.id)
    require(org, "Region__c")
    answer = page(client, row)
    n = entries(answer)["Region__c"].n
    form = {**form_of(answer), f"f{n}-option": "field", f"f{n}-source": "contact.company"}
    asked = send(client, row, form)
    assert asked.status_code == 422
    assert "up to 1 Lead record" in asked.content.decode()
    assert "Region__c" not in rows_of(row)
    sure = form_of(asked)
    n = entries(asked)["Region__c"].n
    changed = send(client, row, {**sure, f"f{n}-option": "field", "f0-source": "contact.name"})
    assert changed.status_code == 422, "another choice is another question"
    send(client, row, sure)
    assert rows_of(row)["Region__c"].source == "contact.company"
    drain(account.id, row.id)
    (lead,) = org.org.tables.rows("Lead").values()
    assert lead["Region__c"] == "Castro Lda"


def test_a_crm_that_is_away_is_told_and_nothing_is_lost(
    client: Client, org: Running, row: Connection
) -> None:
    form = form_of(page(client, row))
    order(org, "faults", {"kind": "drop_before", "times": None})
    answer = client.post(reverse("validation", args=[row.public_id]), {"act": "read"})
    assert "as they were last described" in answer.content.decode()
    kept = form_of(answer)
    assert {**kept, "csrfmiddlewaretoken": ""} == {**form, "csrfmiddlewaretoken": ""}


def test_another_accounts_connection_is_not_there(client: Client, row: Connection) -> None:
    other = Account.objects.create(name="Other")
    strange = Connection.objects.create(
        account=other, vendor="salesforce", url="https://x.example", org_id="00D9"
    )
    assert client.get(reverse("validation", args=[strange.public_id])).status_code == 404
