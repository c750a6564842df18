"""Field mapping: what is offered, tried and saved, what is refused where, and that nobody's work is lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse

from instep.core.mapping import Row
from instep.engine import mapping_edit
from instep.engine.drain import drain
from instep.engine.lane import load_config
from instep.store import lane_queries
from instep.store.models import Account, Connection, Property, SyncItem, User
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


def address(row: Connection, tab: str = "leads") -> str:
    return reverse("mapping", args=[row.public_id, tab])


def form_of(answer: HttpResponse) -> Form:
    """The form as a browser would send it: every row's chosen values."""
    words = answer.content.decode()
    form: Form = {}
    body = words[words.index('id="mapping"') :]
    for tag in re.findall(r"<input [^>]*>", body):
        name = re.search(r'name="([^"]+)"', tag)
        if name is None or ('type="checkbox"' in tag and "checked" not in tag):
            continue
        value = re.search(r'value="([^"]*)"', tag)
        form[name[1]] = "on" if 'type="checkbox"' in tag else (value[1] if value else "")
    for name, inside in re.findall(r'<select name="([^"]+)"[^>]*>(.*?)</select>', body, re.S):
        chosen = re.search(r'value="([^"]*)" selected', inside)
        form[name] = chosen[1] if chosen else ""
    return form


def rows_of(row: Connection, name: str = "Lead") -> tuple[Row, ...]:
    kept = lane_queries.connection_by_id(row.account_id, row.id)
    assert kept is not None
    return load_config(kept).rows[name]


def add(form: Form, **more: str) -> Form:
    """One more row in the form."""
    n = int(form["rows"])
    return {**form, "rows": str(n + 1), **{f"r{n}-{name}": value for name, value in more.items()}}


# -- what is shown ---------------------------------------------------------------------------------


def test_the_rows_of_an_object_with_labels_names_and_types(client: Client, row: Connection) -> None:
    answer = client.get(address(row))
    words = answer.content.decode()
    form = form_of(answer)
    assert (form["r0-source"], form["r0-field"]) == ("contact.first_name", "FirstName")
    assert (form["r2-source"], form["r2-field"]) == ("contact.company", "Company")
    assert "Company (Company) · text 255" in words
    assert "Last Name (LastName)" in words
    assert '<optgroup label="Cancel/reschedule data">' in words
    assert "The default mapping" in words
    assert 'role="switch" name="r0-overwrite"' in words


def test_rows_of_the_meeting_have_no_overwrite(client: Client, row: Connection) -> None:
    words = client.get(address(row, "events")).content.decode()
    assert "r0-overwrite" not in words
    assert "mirror the booking, blanks too" in words


def test_case_03_only_what_fits_can_be_written_and_is_not_our_own_is_offered(
    client: Client, org: Running, row: Connection
) -> None:
    """Acceptance case 3, but for checkboxes and multi-select, which are supported here (feature M6).

    Look-ups, encrypted texts, an Event's times and read-only fields are never offered.
    """
    for name, kind in (
        ("Vip__c", "boolean"),
        ("Topics__c", "multipicklist"),
        ("Secret__c", "encryptedstring"),
    ):
        order(org, "field", {"object": "Event", "field": name, "create": {"type": kind, "label": name}})
        order(org, "fls", {"object": "Event", "field": name, "read": True, "edit": True})
    client.post(address(row, "events"), {"act": "read"})
    answer = client.get(address(row, "events"))
    offered = set(re.findall(r'<option value="(\w+)"', answer.content.decode()))
    assert {"Subject", "Location", "Description"} <= offered
    assert {"Vip__c", "Topics__c"} <= offered | set(re.findall(r"(\w+__c)", answer.context["data"]["fields"]))
    for never in (
        "StartDateTime",
        "EndDateTime",
        "DurationInMinutes",
        "IsAllDayEvent",
        "WhoId",
        "OwnerId",
        "CreatedDate",
    ):
        assert f'"{never}"' not in answer.context["data"]["fields"], never
    assert "Secret__c" not in answer.context["data"]["fields"]


def test_drop_downs_offer_only_what_fits_the_other_half(client: Client, row: Connection) -> None:
    words = client.get(address(row)).content.decode()
    email = re.search(r'<select name="r3-field".*?</select>', words, re.S)
    assert email is not None
    assert 'value="Email"' in email[0]
    assert 'value="AnnualRevenue"' not in email[0]
    source = re.search(r'<select name="r3-source".*?</select>', words, re.S)
    assert source is not None
    assert 'value="contact.email"' in source[0]
    assert 'value="meeting.start"' not in source[0]


def test_words_are_offered_no_number_and_other_texts_have_those_last(
    client: Client, row: Connection, account: Account
) -> None:
    """A name is never a number; what guests type into a field of yours may be one."""
    Property.objects.create(account=account, object="Contact", identifier="seats", label="Seats", type="text")
    typed = add(form_of(client.get(address(row))), source="contact.custom.seats", field="Title")
    words = client.post(address(row), {**typed, "act": "preview"}).content.decode()
    name, seats = (re.search(rf'<select name="r{n}-field".*?</select>', words, re.S) for n in (0, 6))
    assert name is not None
    assert seats is not None
    for number in ("AnnualRevenue", "NumberOfEmployees", "HasOptedOutOfEmail"):
        assert f'value="{number}"' not in name[0], number
    by_chance = seats[0].partition("Only where the text is a number")[2]
    assert 'value="AnnualRevenue"' in by_chance
    assert 'value="Title"' not in by_chance


def test_an_archived_property_is_offered_no_more(client: Client, row: Connection, account: Account) -> None:
    from django.utils import timezone

    Property.objects.create(account=account, object="Contact", identifier="size", label="Team size")
    Property.objects.create(
        account=account, object="Contact", identifier="old", label="Old", archived_at=timezone.now()
    )
    words = client.get(address(row)).content.decode()
    assert "Team size (size)" in words
    assert "contact.custom.old" not in words


# -- changing and saving ---------------------------------------------------------------------------


def test_a_row_is_added_changed_and_saved(client: Client, row: Connection) -> None:
    form = form_of(client.get(address(row)))
    added = client.post(address(row), {**form, "act": "add"})
    assert added.context["views"][-1].typed.is_blank
    form = form_of(added)
    n = int(form["rows"]) - 1
    form |= {f"r{n}-source": "contact.job_title", f"r{n}-field": "Title", f"r{n}-fallback": "Guest"}
    form["r0-overwrite"] = "on"
    answer = client.post(address(row), {**form, "act": "save"}, follow=True)
    assert answer.status_code == 200
    words = answer.content.decode()
    assert "The mapping of Leads is saved" in words
    assert "Saved just now by" in words
    assert "ines@acme.example" in words
    rows = rows_of(row)
    assert rows[-1] == Row("contact.job_title", "Title", fallback="Guest")
    assert rows[0].overwrite


def test_save_and_continue_leads_to_the_creation_rules(client: Client, row: Connection) -> None:
    form = add(form_of(client.get(address(row))), source="contact.job_title", field="Title")
    answer = client.post(address(row), {**form, "act": "continue"})
    assert answer["Location"] == reverse("creation-rules", args=[row.public_id])
    assert rows_of(row)[-1] == Row("contact.job_title", "Title")


def test_save_and_continue_stays_where_something_is_wrong(client: Client, row: Connection) -> None:
    form = add(form_of(client.get(address(row))), source="static:", field="LeadSource")
    assert client.post(address(row), {**form, "act": "continue"}).status_code == 422


def test_a_static_value_is_a_source(client: Client, row: Connection) -> None:
    form = form_of(client.get(address(row)))
    typed = add(form, source="static:", field="LeadSource")
    refused = client.post(address(row), {**typed, "act": "save"})
    assert refused.status_code == 422
    assert "Type the value that is always written." in refused.content.decode()
    typed["r6-static"] = "Web"
    assert client.post(address(row), {**typed, "act": "save"}).status_code == 302
    assert rows_of(row)[-1] == Row("static:Web", "LeadSource")


def test_removing_and_restoring_a_default_row(client: Client, row: Connection) -> None:
    form = form_of(client.get(address(row)))
    gone = client.post(address(row), {**form, "act": "remove-4"})
    assert "1 default mapping is off" in gone.content.decode()
    assert len(rows_of(row)) == 6, "nothing is saved yet"
    client.post(address(row), {**form_of(gone), "act": "save"})
    assert "Phone" not in {one.field for one in rows_of(row)}
    back = client.post(address(row), {**form_of(client.get(address(row))), "act": "restore-Phone"})
    client.post(address(row), {**form_of(back), "act": "save"})
    assert rows_of(row)[-1] == Row("contact.phone", "Phone")


def test_a_required_field_that_nobody_maps_asks_for_a_value(
    client: Client, org: Running, row: Connection
) -> None:
    """It stands in the table by itself; a value for it alone is a mapping."""
    region = {"type": "string", "length": 40, "label": "Region", "nillable": False}
    order(org, "field", {"object": "Lead", "field": "Region__c", "create": region})
    client.post(address(row), {"act": "read"})
    answer = client.get(address(row))
    assert next(tab.problems for tab in answer.context["tabs"]) == 1
    assert "1 field needs you" in answer.content.decode()
    view = answer.context["views"][-1]
    assert (view.typed.field, view.typed.source, view.is_required, view.is_open) == (
        "Region__c",
        "",
        True,
        True,
    )
    form = form_of(answer)
    assert client.post(address(row), {**form, "act": "save"}).status_code == 302, "left alone it is no fault"
    assert "Region__c" not in {one.field for one in rows_of(row)}
    form = form_of(client.get(address(row)))
    client.post(address(row), {**form, "r6-fallback": "North", "act": "save"})
    assert rows_of(row)[-1] == Row("", "Region__c", fallback="North")


def test_suggestions_are_rows_that_count_once_they_are_saved(client: Client, row: Connection) -> None:
    answer = client.get(address(row))
    assert "Suggest " in answer.content.decode()
    suggested = client.post(address(row), {**form_of(answer), "act": "suggest"})
    fresh = [view.typed.field for view in suggested.context["views"] if view.typed.fresh]
    assert {"Title", "City", "Salutation"} <= set(fresh)
    assert suggested.context["suggested"] == 0
    assert len(rows_of(row)) == 6
    assert client.post(address(row), {**form_of(suggested), "act": "save"}).status_code == 302
    assert len(rows_of(row)) == 6 + len(fresh)


# -- what would fail -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"source": "contact.job_title", "field": "AnnualRevenue", "fallback": "many"}, "is not a number"),
        ({"source": "meeting.summary_long", "field": "Website"}, "does not fit a field of type url"),
        ({"source": "contact.job_title", "field": "Company"}, "mapped twice"),
        ({"source": "contact.job_title", "field": "Nonsense__c"}, "no such field on Lead"),
        ({"source": "contact.nonsense", "field": "Title"}, "unknown source"),
        ({"source": "contact.job_title", "field": "OwnerId"}, "Instep fills this field itself"),
        ({"source": "contact.job_title", "field": ""}, "no such field"),
        ({"source": "", "field": "Title"}, "needs a source or a fallback"),
        (
            {"source": "static:", "static": "soon", "field": "NumberOfEmployees"},
            "static value cannot be written",
        ),
    ],
)
def test_what_would_fail_is_told_at_its_row_and_nothing_is_saved(
    client: Client, row: Connection, wrong: Form, said: str
) -> None:
    typed = add(form_of(client.get(address(row))), **wrong)
    answer = client.post(address(row), {**typed, "act": "save"})
    assert answer.status_code == 422
    view = answer.context["views"][6]
    assert said in " ".join(error for errors in view.errors.values() for error in errors)
    part = next(iter(view.errors))
    words = answer.content.decode()
    assert f'id="r6-{part}-error"' in words
    assert f'aria-describedby="r6-{part}-error"' in words
    assert form_of(answer)["r6-field"] == wrong["field"], "what was chosen stays"
    assert len(rows_of(row)) == 6


def test_a_field_that_went_meanwhile_is_seen_at_saving(client: Client, org: Running, row: Connection) -> None:
    """The describe is read anew before anything is saved, however sure the page was."""
    form = add(form_of(client.get(address(row))), source="contact.job_title", field="Title")
    order(org, "fls", {"object": "Lead", "field": "Title", "read": False, "edit": False})
    from instep.store.queries import rows

    rows("UPDATE crm_describe SET fetched_at = now() - interval '4 minutes' RETURNING 1", [])
    answer = client.post(address(row), {**form, "act": "save"})
    assert answer.status_code == 422
    assert "hides it from the connected user" in answer.content.decode()


def test_a_row_whose_field_went_does_not_forbid_other_changes(
    client: Client, org: Running, row: Connection
) -> None:
    order(org, "fls", {"object": "Lead", "field": "Phone", "read": False, "edit": False})
    client.post(address(row), {"act": "read"})
    answer = client.get(address(row))
    assert "missing or hidden: left out" in answer.content.decode()
    form = {**form_of(answer), "r0-overwrite": "on"}
    assert form["r4-field"] == "Phone"
    assert client.post(address(row), {**form, "act": "save"}).status_code == 302
    assert rows_of(row)[0].overwrite
    assert rows_of(row)[4].field == "Phone"


def test_a_crm_that_is_away_loses_nothing(client: Client, org: Running, row: Connection) -> None:
    form = {**form_of(client.get(address(row))), "r0-overwrite": "on"}
    from instep.store.queries import rows

    rows("UPDATE crm_describe SET fetched_at = now() - interval '4 minutes' RETURNING 1", [])
    order(org, "faults", {"kind": "drop_before", "times": None})
    answer = client.post(address(row), {**form, "act": "save"})
    assert answer.status_code == 503
    assert "What you chose is still there" in answer.content.decode()
    assert form_of(answer)["r0-overwrite"] == "on"
    assert not rows_of(row)[0].overwrite


def test_a_disconnected_org_keeps_its_mapping_and_says_why_it_cannot_be_saved(
    client: Client, row: Connection
) -> None:
    client.post(reverse("disconnect", args=[row.public_id]))
    answer = client.get(address(row))
    assert answer.status_code == 200
    saved = client.post(address(row), {**form_of(answer), "act": "save"})
    assert saved.status_code == 503
    assert "Connect it again" in saved.content.decode()


def test_a_preview_for_a_disconnected_org_says_that_it_is(
    client: Client, row: Connection, recorded: Callable[..., list[int]]
) -> None:
    recorded(line("EVNT-1", id="BKNG-1", tracking_id="BKNG-1"))
    client.post(reverse("disconnect", args=[row.public_id]))
    tried = client.post(address(row), {**form_of(client.get(address(row))), "act": "preview"})
    page = tried.content.decode()
    assert "is disconnected, so that nothing can be looked up there." in page
    assert "the others are shown" not in page
    assert {view.would.text for view in tried.context["views"]} == {"—"}


# -- two admins ------------------------------------------------------------------------------------


def test_somebody_who_saved_meanwhile_is_not_overwritten_by_accident(
    client: Client, row: Connection, account: Account
) -> None:
    mine = {**form_of(client.get(address(row))), "r1-overwrite": "on"}
    theirs = {**form_of(client.get(address(row))), "r0-fallback": "Friend"}
    client.post(address(row), {**theirs, "act": "save"})
    User.objects.filter(account=account).update(name="Ines")
    answer = client.post(address(row), {**mine, "act": "save"})
    assert answer.status_code == 409
    words = answer.content.decode()
    assert "while you were changing it" in words
    assert "if empty: Friend" in words
    assert rows_of(row)[0].fallback == "Friend"
    assert not rows_of(row)[1].overwrite
    kept = form_of(answer)
    assert kept["r1-overwrite"] == "on", "nothing is lost"
    client.post(address(row), {**kept, "act": "mine"})
    assert rows_of(row)[1].overwrite
    assert rows_of(row)[0].fallback is None


def test_another_tab_is_no_conflict(client: Client, row: Connection) -> None:
    lead = {**form_of(client.get(address(row))), "r0-overwrite": "on"}
    contact = {**form_of(client.get(address(row, "contacts"))), "r0-overwrite": "on"}
    assert client.post(address(row), {**lead, "act": "save"}).status_code == 302
    assert client.post(address(row, "contacts"), {**contact, "act": "save"}).status_code == 302
    assert rows_of(row)[0].overwrite
    assert rows_of(row, "Contact")[0].overwrite


def test_an_act_keeps_the_version_that_the_form_was_made_from(client: Client, row: Connection) -> None:
    """Adding a row after somebody else saved must not hide that they did."""
    mine = form_of(client.get(address(row)))
    client.post(address(row), {**mine, "r0-overwrite": "on", "act": "save"})
    added = client.post(address(row), {**mine, "act": "add"})
    assert client.post(address(row), {**form_of(added), "act": "save"}).status_code == 409


def test_rows_of_different_words_have_different_versions() -> None:
    versions = {
        mapping_edit.version_of(rows)
        for rows in (
            (),
            (Row("a", "B"),),
            (Row("a", "B", True),),
            (Row("a", "B", fallback=""),),
            (Row("", "aB"),),
        )
    }
    assert len(versions) == 5


# -- trying and writing ----------------------------------------------------------------------------


def test_the_preview_is_the_real_plan_of_what_is_typed(
    client: Client, org: Running, row: Connection, recorded: Callable[..., list[int]]
) -> None:
    (key,) = recorded(line("EVNT-1", id="BKNG-1", tracking_id="BKNG-1"))
    typed = add(form_of(client.get(address(row))), source="static:", static="12 Main", field="Street")
    typed = add(typed, source="contact.job_title", field="Title", fallback="Guest")
    answer = client.post(address(row), {**typed, "act": "preview", "booking": str(key)})
    assert answer.status_code == 200
    cells = [(view.would.text, view.would.tone) for view in answer.context["views"]]
    assert cells[0] == ("Ines", "good")
    assert cells[6] == ("12 Main", "good")
    assert cells[7] == ("Guest", "good")
    assert "fallback" in answer.context["views"][7].would.note
    assert not org.org.tables.rows("Lead"), "nothing is written"
    assert len(rows_of(row)) == 6, "nothing is saved"


def test_the_preview_tells_what_is_kept_and_what_cannot_be(
    client: Client, org: Running, row: Connection, account: Account, recorded: Callable[..., list[int]]
) -> None:
    (key,) = recorded(line("EVNT-1", id="BKNG-1", tracking_id="BKNG-1"))
    drain(account.id, row.id)
    (lead,) = org.org.tables.rows("Lead").values()
    lead["Company"] = "Other Ltd"
    typed = add(
        form_of(client.get(address(row))), source="contact.job_title", field="NumberOfEmployees", fallback="x"
    )
    answer = client.post(address(row), {**typed, "act": "preview", "booking": str(key)})
    company, employees = (answer.context["views"][n].would for n in (2, 6))
    assert (company.text, company.tone) == ("Other Ltd", "quiet")
    assert "Overwrite is off" in company.note
    assert employees.tone == "bad"
    assert "is not a number" in employees.note


def test_an_object_that_the_booking_does_not_write_is_tried_all_the_same(
    client: Client, row: Connection, recorded: Callable[..., list[int]]
) -> None:
    recorded(line("EVNT-1", id="BKNG-1", tracking_id="BKNG-1"))
    typed = form_of(client.get(address(row, "contacts")))
    answer = client.post(address(row, "contacts"), {**typed, "act": "preview"})
    assert answer.context["views"][0].would.text == "Ines"
    assert "writes no Contact" in answer.content.decode()


def test_a_preview_without_the_crm_shows_what_can_be_known(
    client: Client, org: Running, row: Connection, recorded: Callable[..., list[int]]
) -> None:
    recorded(line("EVNT-1", id="BKNG-1", tracking_id="BKNG-1"))
    typed = form_of(client.get(address(row)))
    order(org, "faults", {"kind": "drop_before", "times": None})
    answer = client.post(address(row), {**typed, "act": "preview"})
    assert answer.status_code == 200
    assert answer.context["views"][0].would.text == "Ines"
    assert "Kept and overwritten values cannot be told" in answer.content.decode()


def test_what_is_saved_is_written_with_the_next_drain(
    client: Client, org: Running, row: Connection, account: Account, recorded: Callable[..., list[int]]
) -> None:
    recorded(line("EVNT-1", id="BKNG-1", tracking_id="BKNG-1"))
    drain(account.id, row.id)
    typed = add(form_of(client.get(address(row))), source="static:", static="Web", field="LeadSource")
    client.post(address(row), {**typed, "act": "save"})
    assert SyncItem.objects.filter(connection=row, due_at__isnull=False).exists()
    drain(account.id, row.id)
    (lead,) = org.org.tables.rows("Lead").values()
    assert "LeadSource" not in lead, "fixed values are no reason to touch a record"
    recorded(line("EVNT-2", "canceled", 5, id="BKNG-1", tracking_id="BKNG-1"))
    drain(account.id, row.id)
    (lead,) = org.org.tables.rows("Lead").values()
    assert lead["LeadSource"] == "Web"


# -- whose it is -----------------------------------------------------------------------------------


def test_only_ones_own_and_only_objects_that_are_there(client: Client, row: Connection) -> None:
    other = Account.objects.create(name="Other")
    strange = Connection.objects.create(
        account=other, vendor="salesforce", url="https://x.example", org_id="00D9"
    )
    assert client.get(address(strange)).status_code == 404
    assert client.get(address(row, "opportunities")).status_code == 404
    assert client.get(reverse("mapping-first", args=[row.public_id])).url == address(row)


def test_odd_forms_do_not_break_the_page(client: Client, row: Connection) -> None:
    forms: list[dict[str, Any]] = [
        {"rows": "99999999", "act": "add"},
        {"rows": "x", "act": "remove-x"},
        {"rows": "1", "r0-source": "static:\0", "r0-field": "\0", "act": "suggest"},
        {"rows": "2", "act": "restore-"},
        {"act": "nonsense"},
    ]
    for form in forms:
        assert client.post(address(row), form).status_code == 200, form


def test_the_connections_page_leads_here(client: Client, row: Connection) -> None:
    words = client.get(reverse("connection", args=[row.public_id])).content.decode()
    assert "Configure field mapping" in words
    assert reverse("mapping-first", args=[row.public_id]) in words
    assert reverse("validation", args=[row.public_id]) in words
