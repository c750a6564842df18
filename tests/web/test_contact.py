"""The page of one contact, its form, its way into the CRM, and its receipts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client

from instep.bookings.contacts import edit
from instep.core.errors import Retry
from instep.store.models import Account, Connection, Contact, SyncItem
from instep.store.queries import rows
from oncehub_events import NOON, form, line

from .test_bookings import event, text_of

Recorded = Callable[..., list[int]]


@pytest.fixture
def ines(recorded: Recorded, lane: Connection) -> Contact:
    """A contact in step with the CRM."""
    recorded(line("EVNT-1"))
    SyncItem.objects.update(done=1, due_at=None, in_step_at=NOON)
    return Contact.objects.get()


def filled(client: Client, contact: Contact, **changes: str) -> dict[str, str]:
    """The form as a browser would send it: everything that stands in it, with some values typed anew."""
    page = client.get(f"/contacts/{contact.public_id}/edit").content.decode()
    page = page[page.index("<main") : page.index("</main>")]
    data: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", page):
        if (name := re.search(r' name="([^"]+)"', tag)) is not None:
            value = re.search(r' value="([^"]*)"', tag)
            data[name[1]] = unescape(value[1]) if value else ""
    for name, text in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\s*([^<]*)</textarea>', page):
        data[name] = unescape(text)
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        data[name] = unescape(chosen[1]) if chosen else ""
    assert {"name", "street", "status"} <= set(data)
    return {**data, **changes}


def test_page_tells_what_is_known_and_every_booking(
    client: Client, ines: Contact, recorded: Recorded
) -> None:
    words = text_of(client.get(f"/contacts/{ines.public_id}"))
    assert "Name Ines Castro first name Ines, last name Castro" in words
    assert "Mobile phone +351912000111" in words
    assert "topics Pricing, Security" in words
    assert "Onboarding call Scheduled Thu 5 Mar 2026 , 13:00–13:45 UTC · with nuno.reis@host.example" in words
    assert "✓ In step since 2 Mar 2026, 12:00:00" in words


def test_an_edit_is_kept_and_marks_the_contact_for_every_crm(client: Client, ines: Contact) -> None:
    data = filled(client, ines, email="ines@new.example", **{"custom.team_size": "51-200"})
    answer = client.post(f"/contacts/{ines.public_id}/edit", data, follow=True)
    words = text_of(answer)
    assert answer.redirect_chain == [(f"/contacts/{ines.public_id}", 302)]
    assert "Saved." in words
    assert "Former addresses ines.castro@guest.example" in words
    assert "booked as ines.castro@guest.example" in words
    assert "… Waiting" in words
    item = SyncItem.objects.get(kind="contact", target_id=ines.pk)
    assert item.due_at is not None
    ines.refresh_from_db()
    assert ines.email == "ines@new.example"
    assert ines.fields["custom.team_size"][0] == "51-200"


def test_only_what_was_typed_is_an_edit(client: Client, ines: Contact, recorded: Recorded) -> None:
    data = filled(client, ines, phone="+351 21 000 0000")
    # while the form is open, a booking brings another company
    recorded(line("EVNT-2", "rescheduled", 60, form_submission=form(company="Castro & Filhas")))
    ines.refresh_from_db()
    before = dict(ines.fields)
    client.post(f"/contacts/{ines.public_id}/edit", data)
    ines.refresh_from_db()
    assert ines.fields["company"][0] == "Castro & Filhas"
    assert ines.fields["phone"][0] == "+351 21 000 0000"
    assert ines.fields["email"] == before["email"]


def test_several_values_are_lines(client: Client, ines: Contact) -> None:
    data = filled(client, ines, **{"custom.topics": "Pricing\r\n\r\n Rollout \r\n"})
    client.post(f"/contacts/{ines.public_id}/edit", data)
    ines.refresh_from_db()
    assert ines.fields["custom.topics"][0] == ["Pricing", "Rollout"]


def test_saving_without_a_change_marks_nothing(client: Client, ines: Contact) -> None:
    answer = client.post(f"/contacts/{ines.public_id}/edit", filled(client, ines), follow=True)
    assert "Nothing was changed." in text_of(answer)
    assert not SyncItem.objects.filter(kind="contact").exists()


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("email", "not an address", "“not an address” is not an e-mail address."),
        ("email", "guest2@mail.example", "belongs to another contact"),
        ("time_zone", "Europe/Lissabon", "There is no time zone “Europe/Lissabon”"),
        ("company", "x" * 300, "at most 255 characters"),
        ("name", "a\0b", "Null characters"),
    ],
)
def test_what_cannot_be_is_refused_and_stays_in_the_form(
    client: Client, ines: Contact, recorded: Recorded, name: str, typed: str, said: str
) -> None:
    recorded(event(2, "Rui"))
    answer = client.post(
        f"/contacts/{ines.public_id}/edit", filled(client, ines, city="Porto", **{name: typed})
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert 'value="Porto"' in page
    assert f'id="id_{name}_error"' in page
    assert re.search(rf'name="{name}"[^>]*aria-describedby="[^"]*id_{name}_error', page)
    ines.refresh_from_db()
    assert "city" not in ines.fields


def test_taken_address_links_to_whose_it_is(client: Client, ines: Contact, recorded: Recorded) -> None:
    recorded(event(2, "Rui"))
    rui = Contact.objects.get(email_key="guest2@mail.example")
    answer = client.post(
        f"/contacts/{ines.public_id}/edit", filled(client, ines, email="guest2@mail.example")
    )
    assert f'href="/contacts/{rui.public_id}"' in answer.content.decode()


def test_write_again_marks_the_contact(client: Client, ines: Contact) -> None:
    answer = client.post(f"/contacts/{ines.public_id}/write-again", follow=True)
    assert "compared with the CRM again" in text_of(answer)
    assert SyncItem.objects.filter(kind="contact", target_id=ines.pk, due_at__isnull=False).exists()


def test_looking_changes_nothing(client: Client, ines: Contact) -> None:
    for path in ("", "/edit"):
        assert client.get(f"/contacts/{ines.public_id}{path}").status_code == 200
    assert client.get(f"/contacts/{ines.public_id}/write-again").status_code == 405
    assert not SyncItem.objects.filter(kind="contact").exists()


def test_records_of_the_person_are_those_of_the_booking_until_an_edit(client: Client, ines: Contact) -> None:
    SyncItem.objects.update(link={"person_object": "Lead", "person_id": "00Q000000000001AAA"})
    assert "Lead 00Q000000000001AAA" in text_of(client.get(f"/contacts/{ines.public_id}"))


def test_receipt_of_an_edit_has_a_page(client: Client, ines: Contact, lane: Connection) -> None:
    made = rows(
        """INSERT INTO receipt (account_id, connection_id, kind, target_id, outcome, calls, ms, document, at)
           VALUES (%s, %s, 'contact', %s, 'done', 1, 90, %s::jsonb, now()) RETURNING id""",
        [lane.account_id, lane.pk, ines.pk, json.dumps({"tense": "receipt", "writes": []})],
    )[0][0]
    assert f'href="/contacts/{ines.public_id}/receipts/{made}"' in (
        client.get(f"/contacts/{ines.public_id}").content.decode()
    )
    words = text_of(client.get(f"/contacts/{ines.public_id}/receipts/{made}"))
    assert words.startswith("Contacts / Ines Castro Receipt Salesforce · Acme org")
    assert client.get(f"/contacts/{ines.public_id}/receipts/{made + 1}").status_code == 404
    assert client.get(f"/contacts/{ines.public_id}/receipts/{2**63}").status_code == 404


def test_booking_receipts_are_no_receipts_of_the_contact_with_the_same_key(
    client: Client, ines: Contact, keep_receipt: Callable[..., int]
) -> None:
    number = keep_receipt(ines.pk, {})
    assert client.get(f"/contacts/{ines.public_id}/receipts/{number}").status_code == 404


def test_all_bookings_of_a_contact_are_a_list(
    client: Client, ines: Contact, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(line("EVNT-2", id="BKNG-2", form_submission=form(name="Ines C.")), event(3, "Rui"))
    monkeypatch.setattr("instep.web.contact._BOOKINGS_SHOWN", 1)
    page = client.get(f"/contacts/{ines.public_id}").content.decode()
    assert f'href="/bookings?contact={ines.public_id}"' in page
    words = text_of(client.get(f"/bookings?contact={ines.public_id}"))
    assert "Of the contact Ines C" in words
    assert "2 bookings" in words


@pytest.mark.parametrize("path", ["", "/edit", "/plan", "/receipts/1", "/write-again"])
def test_other_accounts_contact_is_not_found(client: Client, recorded: Recorded, path: str) -> None:
    recorded(event(1, "Theirs"), account_id=Account.objects.create(name="Other").pk)
    theirs = Contact.objects.get()
    answer = (client.post if path == "/write-again" else client.get)(f"/contacts/{theirs.public_id}{path}")
    assert answer.status_code == 404
    if path == "/edit":
        assert client.post(f"/contacts/{theirs.public_id}/edit", {"name": "Mine"}).status_code == 404
    assert text_of(client.get(f"/bookings?contact={theirs.public_id}")).count("Theirs") == 0


def test_markup_in_values_stays_text(client: Client, account: Account, ines: Contact) -> None:
    edit(account.id, ines.public_id, {"name": "<img src=x>", "city": '"><script>'}, NOON)
    for path in ("", "/edit"):
        page = client.get(f"/contacts/{ines.public_id}{path}").content
        assert b"<img src=x>" not in page
        assert b"<script>" not in page[page.index(b"<main") :]


def test_edit_that_the_crm_does_not_take_says_so_and_leads_to_the_reasons(
    client: Client, account: Account, ines: Contact, lane: Connection
) -> None:
    assert "Written with the bookings so far" in text_of(client.get(f"/contacts/{ines.public_id}"))
    edit(account.pk, ines.public_id, {"email": "ines@new.example"}, NOON)
    SyncItem.objects.filter(kind="contact").update(done=1, due_at=None)
    page = client.get(f"/contacts/{ines.public_id}")
    assert "The last edit had nothing to write" in text_of(page)
    assert f'href="/contacts/{ines.public_id}/plan?connection={lane.public_id}"' in page.content.decode()


def test_plan_says_what_would_be_kept_and_why(
    client: Client, ines: Contact, lane: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {
        "field": "Email", "label": "Email", "verdict": "keep", "old": "a@x.example", "old_known": True,
        "new": "b@x.example", "rule": "mapping: E-mail", "source": "contact.email",
        "note": "kept: Overwrite is off",
    }  # fmt: skip
    write = {"object": "Lead", "id": "00Q1", "action": "none", "changes": [kept]}
    asked: list[object] = []

    def planned(*arguments: object) -> dict[str, object]:
        asked.extend(arguments)
        return {"tense": "plan", "writes": [write]}

    monkeypatch.setattr("instep.web.contact.plan_contact", planned)
    words = text_of(client.get(f"/contacts/{ines.public_id}/plan"))
    assert "kept: Overwrite is off" in words
    assert asked == [lane.account_id, ines.pk, lane.public_id]


def test_plan_without_a_crm_or_with_one_that_is_silent_says_so(
    client: Client, account: Account, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(line("EVNT-1"))
    address = f"/contacts/{Contact.objects.get().public_id}/plan"
    assert "No CRM is connected" in text_of(client.get(address))
    Connection.objects.create(account=account, vendor="salesforce", url="https://crm.example", org_id="00D1")

    def silent(*arguments: object) -> None:
        raise Retry("The CRM does not answer.", cure="It is asked again by itself.", code="TIMEOUT")

    monkeypatch.setattr("instep.web.contact.plan_contact", silent)
    answer = client.get(address)
    assert answer.status_code == 503
    assert "The CRM could not be read. TIMEOUT The CRM does not answer. It is asked again" in text_of(answer)
