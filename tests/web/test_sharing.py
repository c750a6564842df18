"""Share & Publish: every link, button and code of a calendar, signed links, and the switch for unsigned ones."""

from __future__ import annotations

import csv
import html
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from instep.bookings.calendars import create
from instep.core.booking_calendar import BookingCalendar, Rules
from instep.crm.salesforce.ids import long_id
from instep.engine.record_links import Refused, named_by, signed_parameters
from instep.store.models import Account, Connection

from .test_bookings import text_of

LEAD, CASE = long_id("00Q000000000001"), long_id("500000000000002")
PAGE = "http://testserver/b/demo"


@pytest.fixture
def calendar(account: Account) -> BookingCalendar:
    return create(account.id, "Product <demo>", "demo", Rules(), [], True)


def address(calendar: BookingCalendar, tab: str = "") -> str:
    return f"/calendars/{calendar.id}/links" + (f"/{tab}" if tab else "")


def snippets(client: Client, calendar: BookingCalendar, tab: str = "", query: str = "") -> dict[str, str]:
    """The texts to copy of a tab, by their ids."""
    page = client.get(address(calendar, tab) + query)
    assert page.status_code == 200
    found = re.findall(r'<pre id="([^"]+)"[^>]*><code>(.*?)</code>', page.content.decode(), re.S)
    return {name: html.unescape(text) for name, text in found}


def test_general_and_mail_links(client: Client, calendar: BookingCalendar) -> None:
    """Classic templates have one brace and an exclamation mark, Lightning ones three braces (OnceHub 4.2)."""
    shown = snippets(client, calendar)
    assert shown["general-link"] == PAGE
    assert shown["mail-classic-lead"] == f"{PAGE}?soSkip=1&sosfLeadId={{!Lead.Id}}"
    assert shown["mail-classic-contact"] == f"{PAGE}?soSkip=1&sosfContactId={{!Contact.Id}}"
    assert shown["mail-classic-case"] == f"{PAGE}?soSkip=1&sosfCaseId={{!Case.Id}}"
    assert shown["mail-lightning-lead"] == f"{PAGE}?soSkip=1&sosfLeadId={{{{{{Recipient.Id}}}}}}"
    assert shown["mail-lightning-case"] == f"{PAGE}?soSkip=1&sosfCaseId={{{{{{Case.Id}}}}}}"
    prefilled = snippets(client, calendar, "links", "?step=prefill")
    assert prefilled["mail-classic-lead"] == f"{PAGE}?sosfLeadId={{!Lead.Id}}"


def test_button_templates(client: Client, calendar: BookingCalendar) -> None:
    """One template for Lead, Contact and Case; a lookup's id, not its name, for the others (OnceHub 4.4)."""
    shown = snippets(client, calendar, "buttons")
    all_three = (
        f"{PAGE}?soSkip=1&sosfLeadId={{!Lead.Id}}&sosfContactId={{!Contact.Id}}&sosfCaseId={{!Case.Id}}"
    )
    assert [shown[f"Schedule_with_{name}"] for name in ("Lead", "Contact", "Case")] == [all_three] * 3
    assert shown["Schedule_with_Lead-short"] == f"{PAGE}?soSkip=1&sosfLeadId={{!Lead.Id}}"
    opportunity = shown["Schedule_with_related_Contact"]
    assert opportunity == f"{PAGE}?soSkip=1&sosfContactId={{!Opportunity.Contact_IDId__c}}"
    assert shown["Schedule_with_Me"] == f"{PAGE}?soSkip=1&sosfContactId={{!Account.Contact_IDId__c}}"
    said = html.unescape(text_of(client.get(address(calendar, "buttons"))))
    for words in (
        "Detail Page Button",
        "Display in new window",
        "Mobile & Lightning Actions",
        "Object Manager",
    ):
        assert words in said
    assert "Field Label Contact , Field Name Contact_ID" in re.sub(r"\s+", " ", said).replace(" ,", " ,")


def test_website_code_names_the_script_that_is_there(client: Client, calendar: BookingCalendar) -> None:
    shown = snippets(client, calendar, "website")
    assert f'data-instep-embed="{PAGE}"' in shown["embed"]
    assert f'<a data-instep-link href="{PAGE}">' in shown["button"]
    assert f'src="{PAGE}?embed=1"' in shown["frame"]
    (script,) = set(re.findall(r'<script src="http://testserver([^"]+)"', shown["embed"] + shown["button"]))
    assert script == "/static/guest/embed.js"
    answer = client.get(script)
    assert answer.status_code == 200
    answer.close()


def test_signed_links_are_made_for_each_id_once(
    client: Client, account: Account, calendar: BookingCalendar
) -> None:
    typed = {"records": f" {LEAD[:15]}\n{LEAD}, {CASE}", "days": "7", "step": "skip"}
    page = client.post(address(calendar, "sign"), typed)
    assert page.status_code == 200
    links = [html.unescape(one) for one in re.findall(r"<code>(http[^<]+)</code>", page.content.decode())]
    assert len(links) == 2
    query = dict(part.split("=", 1) for part in links[0].partition("?")[2].split("&"))
    assert query["soSkip"] == "1"
    now = datetime.now(UTC)
    named = named_by(account.id, calendar.id, query, now)
    assert (named.ids, named.signed) == ({"lead": LEAD}, True)
    late = named_by(account.id, calendar.id, query, now + timedelta(days=8))
    assert late.refused is Refused.EXPIRED


def test_signed_links_as_a_file(client: Client, calendar: BookingCalendar) -> None:
    typed = {"records": f"{LEAD}\n{CASE}", "days": "7", "step": "prefill", "as": "file"}
    answer = client.post(address(calendar, "sign"), typed)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    lines = list(csv.reader(io.StringIO(answer.content.decode())))
    assert [line[0] for line in lines] == ["Id", LEAD, CASE]
    assert f"sosfCaseId={CASE}&soSigned=" in lines[2][1]


def test_wrong_ids_are_named_and_what_was_typed_is_kept(client: Client, calendar: BookingCalendar) -> None:
    typed = {"records": f"{LEAD}\n001000000000001AAA\nnonsense", "days": "0", "step": "prefill"}
    answer = client.post(address(calendar, "sign"), typed)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "“nonsense” is no id of a Lead or a Contact or a Case." in text_of(answer)
    assert LEAD in page
    assert 'aria-describedby="signed-records_helptext signed-records_error"' in page
    assert "soSigned" not in page


def test_switch_is_the_connections_and_the_builder_says_so(
    client: Client, account: Account, lane: Connection, calendar: BookingCalendar
) -> None:
    now, said = datetime.now(UTC), {"sosfLeadId": LEAD}
    assert named_by(account.id, calendar.id, said, now).ids == {"lead": LEAD}
    client.post(f"/integrations/{lane.public_id}/links", {"allowed": "0"})
    assert named_by(account.id, calendar.id, said, now).refused is Refused.UNSIGNED
    assert "Only signed links are recognized" in text_of(client.get(address(calendar)))
    page = client.get(f"/integrations/{lane.public_id}").content.decode()
    assert "Signed ones only" in page
    assert f"/calendars/{calendar.id}/links" in page
    client.post(f"/integrations/{lane.public_id}/links", {"allowed": "1"})
    assert named_by(account.id, calendar.id, said, now).ids == {"lead": LEAD}


def test_nobody_sees_or_switches_what_is_anothers(
    client: Client, calendar: BookingCalendar, lane: Connection, db: None
) -> None:
    other = Account.objects.create(name="Other")
    theirs = create(other.id, "Theirs", "theirs", Rules(), [], True)
    lane.account = other
    lane.save()
    assert client.get(address(theirs)).status_code == 404
    assert client.get(address(theirs, "buttons")).status_code == 404
    assert (
        client.post(address(theirs, "sign"), {"records": LEAD, "days": "1", "step": "skip"}).status_code
        == 404
    )
    assert client.post(f"/integrations/{lane.public_id}/links", {"allowed": "0"}).status_code == 404
    assert client.get(address(calendar, "nonsense")).status_code == 404


def test_revoking_ends_every_signed_link_until_now_and_no_other(
    client: Client, account: Account, lane: Connection, calendar: BookingCalendar
) -> None:
    now = datetime.now(UTC)
    later = now + timedelta(days=9)
    other = Account.objects.create(name="Other")
    before = signed_parameters(account.id, calendar.id, LEAD, later)
    others = signed_parameters(other.id, calendar.id, LEAD, later)
    place = f"/calendars/{calendar.id}/links/revoke"
    asked = text_of(client.get(place))
    assert "This cannot be undone" in asked
    assert named_by(account.id, calendar.id, before, now).ids == {"lead": LEAD}, "asking does nothing"
    assert client.post(place, follow=True).redirect_chain[-1][0].endswith("/links/signed")
    assert named_by(account.id, calendar.id, before, now).refused is Refused.FORGED
    assert named_by(other.id, calendar.id, others, now).ids == {"lead": LEAD}
    after = signed_parameters(account.id, calendar.id, LEAD, later)
    assert named_by(account.id, calendar.id, after, now).ids == {"lead": LEAD}
    client.post(place)
    assert named_by(account.id, calendar.id, after, now).refused is Refused.FORGED
