"""The plan of companies: which Account a new Contact gets, and who may change it."""

from __future__ import annotations

from typing import Any

from core.crm import MemoryCrm
from core.desk import Desk
from core.lives import booking, contact, step
from core.org import setting
from instep.core.booking import Kind
from instep.core.mapping import Row


def desk(**config: Any) -> Desk:
    return Desk(MemoryCrm(), setting(**{"person_object": "Contact", **config}))


def accounts(at: Desk) -> list[tuple[str, str | None]]:
    return [(row["Name"], row["Phone"]) for row in at.crm.alive("Account")]


def test_the_very_name_first_then_any_case_then_a_new_one() -> None:
    """Of two spellings the one that was typed; else the most recently modified; else it is made."""
    at = desk()
    at.crm.add("Account", Name="ACME")
    exact = at.crm.add("Account", Name="Acme")
    newest = at.crm.add("Account", Name="acme")
    for n, (company, wanted) in enumerate((("Acme", exact), ("aCME", newest))):
        at.sync((booking(f"BKNG-{n}"), contact(f"CTC-{n}", company=company)))
        assert at.crm.alive("Contact")[-1]["AccountId"] == wanted
    at.sync((booking("BKNG-9"), contact("CTC-9", company="Globex")))
    assert len(at.crm.alive("Account")) == 4


def test_an_account_is_filled_for_people_whom_we_made_only() -> None:
    """The Account of a Contact that was there is not ours to fill."""
    at = desk()
    theirs = at.crm.add("Account", Name="Acme")
    at.crm.add("Contact", LastName="Doe", Email="ctc-1@guest.example", AccountId=theirs)
    at.sync((booking(), contact(company="Acme", phone="+14155550100")))
    assert accounts(at) == [("Acme", None)]
    at.sync((booking("BKNG-2"), contact("CTC-2", company="Acme", phone="+14155550101")))
    assert accounts(at) == [("Acme", "+14155550101")]


def test_people_of_one_company_share_what_the_newest_booking_says() -> None:
    """Overwrite on: an older booking that is written later turns nothing back."""
    at = desk(
        rows={"Account": (Row("contact.company", "Name"), Row("contact.phone", "Phone", overwrite=True))}
    )
    old = (booking(), contact(company="Acme", phone="+14155550100"))
    new = (step(booking("BKNG-2"), Kind.RESCHEDULED), contact("CTC-2", company="Acme", phone="+14155550101"))
    at.sync(new, old)
    assert accounts(at) == [("Acme", "+14155550101")]
    at.sync(old)
    at.sync(new)
    assert accounts(at) == [("Acme", "+14155550101")]


def test_a_company_that_no_row_names() -> None:
    """The name is needed to find it again: it is written although the row was removed."""
    at = desk(rows={"Account": ()})
    at.sync((booking(), contact(company="Acme")), (booking("BKNG-2"), contact("CTC-2", company="acme ")))
    assert accounts(at) == [("acme", None)], "the newer of two equal bookings says it"


def test_a_contact_of_ours_gets_its_account_later() -> None:
    """The company was not known, or refused, when the Contact was made: it is related when it is there."""
    at = desk()
    made = booking()
    at.sync((made, contact()))
    assert at.crm.alive("Contact")[0]["AccountId"] is None
    at.sync((step(made, Kind.RESCHEDULED), contact(company="Acme")))
    assert at.crm.alive("Contact")[0]["AccountId"] == at.crm.alive("Account")[0]["Id"]
    assert at.links["booking:BKNG-1"].company_id == at.crm.alive("Account")[0]["Id"]
