"""What people change on a contact stays, reaches the CRM, and is not undone by what arrives later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from instep.bookings.contacts import edit
from instep.bookings.record import Recorded
from instep.core.errors import InputError
from instep.store.models import Account, Booking, Connection, Contact, SyncItem
from oncehub_events import NOON, form, line

Recorder = Callable[..., Recorded]
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def ines(recorded: Recorder, lanes: list[Connection]) -> Contact:
    recorded(line("E1"))
    SyncItem.objects.update(done=1, due_at=None)
    return Contact.objects.get()


def test_an_edit_marks_the_contact_in_every_lane(account: Account, ines: Contact) -> None:
    contact = edit(account.id, ines.public_id, {"phone": "+351 21 000 0000", "custom.size": "9"}, LATER)
    assert (contact.phone, contact.custom["size"]) == ("+351 21 000 0000", "9")
    items = SyncItem.objects.filter(kind="contact", target_id=ines.id)
    assert [(i.wanted, i.due_at, i.person_key) for i in items] == [(1, LATER, ines.id)] * 2


def test_an_edit_that_changes_nothing_marks_nothing(account: Account, ines: Contact) -> None:
    edit(account.id, ines.public_id, {"company": "Castro Lda"}, LATER)
    assert not SyncItem.objects.filter(kind="contact").exists()


def test_facts_from_before_the_edit_do_not_undo_it(
    account: Account, ines: Contact, recorded: Recorder
) -> None:
    edit(account.id, ines.public_id, {"company": "Castro & Filhas"}, LATER)
    recorded(line("E2", "rescheduled", 30))
    ines.refresh_from_db()
    assert ines.fields["company"][0] == "Castro & Filhas"
    recorded(line("E3", "rescheduled", 90, form_submission=form(company="Nova")))
    ines.refresh_from_db()
    assert ines.fields["company"][0] == "Nova"


def test_an_edit_is_the_newest_word_though_the_sources_clock_runs_ahead(
    account: Account, ines: Contact, recorded: Recorder
) -> None:
    edit(account.id, ines.public_id, {"company": "Ours"}, NOON - timedelta(days=9))
    ines.refresh_from_db()
    assert ines.fields["company"][0] == "Ours"


def test_a_replaced_address_still_leads_to_the_same_person(
    account: Account, ines: Contact, recorded: Recorder
) -> None:
    contact = edit(account.id, ines.public_id, {"email": "Ines@NEW.example"}, LATER)
    assert contact.email == "Ines@new.example"
    recorded(line("E2", "completed", 30))
    recorded(line("E3", "scheduled", 31, id="OTHER"))
    assert Contact.objects.count() == 1
    assert set(Booking.objects.values_list("contact_id", flat=True)) == {ines.id}
    ines.refresh_from_db()
    assert (ines.email, ines.email_key) == ("Ines@new.example", "ines@new.example")


def test_a_value_can_be_emptied(account: Account, ines: Contact) -> None:
    assert edit(account.id, ines.public_id, {"mobile_phone": ""}, LATER).mobile_phone == ""


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"shoe_size": "44"}, "UNKNOWN_FIELD"),
        ({"email": "not an address"}, "EMAIL"),
        ({"email": "bob@x.example"}, "EMAIL_TAKEN"),
        ({"name": "a\0b"}, "UNUSABLE_TEXT"),
        ({"custom.topics": ("a", "\0")}, "UNUSABLE_TEXT"),
        ({"name": 7}, "UNUSABLE_TEXT"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    account: Account, ines: Contact, recorded: Recorder, values: dict[str, Any], code: str
) -> None:
    recorded(line("E9", id="BOB", form_submission=form(email="bob@x.example", mobile_phone=None)))
    with pytest.raises(InputError) as refused:
        edit(account.id, ines.public_id, {"company": "New", **values}, LATER)
    assert refused.value.code == code
    ines.refresh_from_db()
    assert ines.fields["company"][0] == "Castro Lda"


def test_another_accounts_contact_is_not_there(ines: Contact) -> None:
    other = Account.objects.create()
    with pytest.raises(InputError, match="no contact"):
        edit(other.id, ines.public_id, {"company": "x"}, LATER)
