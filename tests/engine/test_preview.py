"""Plans against a real stand-in: of bookings that are there and of one that nobody made. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from instep_standins.salesforce import Org, serve_in_thread
from oncehub_events import NUNO, form, line

if TYPE_CHECKING:
    from instep.store.models import Account

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
START = datetime(2026, 3, 5, 14, tzinfo=UTC)


@pytest.fixture
def org() -> Iterator[Any]:
    running = serve_in_thread(Org())
    yield running
    running.stop()


@pytest.fixture
def account(db: None, org: Any) -> Account:
    from instep.engine.connecting import connect
    from instep.store.models import Account

    made = Account.objects.create(name="Acme")
    entered = {
        "url": org.base_url,
        "client_id": org.org.client_id,
        "client_secret": org.org.client_secret,
        "grant": "client_credentials",
    }
    connect(made.id, "salesforce", entered, install=True)
    return made


def records(org: Any) -> dict[str, int]:
    return {name: len(org.org.tables.rows(name)) for name in ("Lead", "Contact", "Event", "Account")}


def kept() -> list[int]:
    from instep.store.models import Booking, Contact, Receipt, SyncItem

    return [model.objects.count() for model in (Booking, Contact, SyncItem, Receipt)]


def written(document: dict[str, Any], name: str) -> dict[str, Any]:
    """The values that would be written to the one record of an object."""
    (one,) = [write for write in document["writes"] if write["object"] == name]
    return {change["field"]: change["new"] for change in one["changes"] if change["verdict"] == "write"}


def plan(account: Account, **told: Any) -> dict[str, Any]:
    from instep.engine.preview import Invented, plan_invented

    values = {"name": "Ines Castro", "email": "ines@castro.example", "start": START, **told}
    return plan_invented(account.id, Invented(**values), NOW)


def test_invented_booking_of_a_stranger_would_make_a_lead_and_an_event(account: Account, org: Any) -> None:
    before = records(org), kept()
    document = plan(account, company="Castro Lda", subject="Product demo", minutes=45)
    assert written(document, "Lead")["Company"] == "Castro Lda"
    event = written(document, "Event")
    assert (event["Subject"], event["StartDateTime"][:16], event["EndDateTime"][:16]) == (
        "Product demo", "2026-03-05T14:00", "2026-03-05T14:45",
    )  # fmt: skip
    assert (document["tense"], document["cost"]["calls"], document["cost"]["looked_calls"]) == ("plan", 2, 1)
    assert (records(org), kept()) == before, "nothing is kept here and nothing is written there"


def test_invented_booking_finds_whom_the_crm_knows_and_says_why(account: Account, org: Any) -> None:
    org.org.insert("Lead", {"LastName": "Castro", "Company": "Castro Lda", "Email": "INES@castro.example"})
    document = plan(account)
    (chosen,) = [one for one in document["match"]["candidates"] if one["chosen"]]
    assert (chosen["object"], bool(chosen["reason"]), bool(chosen["url"])) == ("Lead", True, True)


def test_guest_who_is_known_here_is_that_contact(account: Account) -> None:
    from instep.bookings.record import record
    from instep.store.models import Contact

    guest = form(name="Ines Castro", email="ines@castro.example", company="Castro Lda")
    record(account.id, [line(form_submission=guest)], "oncehub", NOW)
    (lead,) = [one for one in plan(account, email="Ines@CASTRO.example")["writes"] if one["object"] == "Lead"]
    assert lead["key"]["value"] == Contact.objects.get().public_id
    assert {c["field"]: c["new"] for c in lead["changes"]}["Company"] == "Castro Lda", "what is known of her"


def test_host_and_calendar_are_those_of_the_account(account: Account, org: Any) -> None:
    from instep.store.models import Account, Calendar, Host

    other = Account.objects.create(name="Other")
    theirs = Host.objects.create(account=other, email=NUNO, email_key=NUNO)
    calendar = Calendar.objects.create(account=other, source="oncehub", source_id="1", name="Secret calls")
    ours = Host.objects.create(account=account, email=NUNO, email_key=NUNO, name="Nuno Reis")
    assert written(plan(account, calendar_key=calendar.id), "Event")["Subject"] == "Meeting"
    owned = written(plan(account, host_key=ours.id), "Event")["OwnerId"]
    assert owned != written(plan(account, host_key=theirs.id), "Event").get("OwnerId")


def test_plan_of_a_booking_in_step_says_that_writing_takes_nothing_and_looking_one_call(
    account: Account, org: Any
) -> None:
    from instep.bookings.record import record
    from instep.engine.drain import drain
    from instep.engine.preview import plan_booking
    from instep.store.models import Connection

    (key,) = record(account.id, [line()], "oncehub", NOW).changed
    drain(account.id, Connection.objects.get().id)
    cost = plan_booking(account.id, key)["cost"]
    assert (cost["calls"], cost["looked_calls"]) == (0, 1)


def test_connection_of_another_account_is_none(account: Account) -> None:
    from instep.core.errors import InputError
    from instep.engine.preview import Invented, plan_invented
    from instep.store.models import Account, Connection

    other = Account.objects.create(name="Other")
    theirs = Connection.objects.create(account=other, vendor="salesforce", url="https://x", org_id="00D9")
    with pytest.raises(InputError, match=theirs.public_id):
        plan_invented(account.id, Invented("Ines", "i@x.example", START), NOW, theirs.public_id)
