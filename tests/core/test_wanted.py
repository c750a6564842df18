"""Which records the rules ask for: calendars, ids in links, what was in step before the rules were changed."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from core.lives import booking, contact
from core.org import SCHEMA, setting, with_field
from instep.core.booking import Kind
from instep.core.creation import CASE, NONE, CalendarRules, PersonAccounts
from instep.core.wanted import Wanted, makes_companies, new_person, people, wanted
from instep.core.work import Link, Work

LEAD = "00Q000000000001AAA"


def asks(
    links: str = "", link: Link | None = None, settled: bool = False, kind: Kind = Kind.SCHEDULED, **said: Any
) -> Wanted:
    """What is wanted of a booking of a calendar whose general links lead there."""
    on = setting(calendars={"BKC-1": CalendarRules(links)})
    made = booking(calendar="BKC-1", kind=kind, **said)
    return wanted(on, Work("booking:BKNG-1", contact(), made, link or Link(), settled=settled))


@pytest.mark.parametrize(
    ("links", "family", "case", "nothing"),
    [
        ("", "Lead", False, False),
        ("Contact", "Contact", False, False),
        (CASE, "Contact", True, False),
        (NONE, "Lead", False, True),
    ],
)
def test_general_links(links: str, family: str, case: bool, nothing: bool) -> None:
    """The calendar's choice, else the connection's; a Case needs a Contact."""
    found = asks(links)
    assert (found.family, found.case, found.nothing, found.activity) == (family, case, nothing, True)


def test_ids_of_a_link() -> None:
    """Only ids of the right kind count, in their short form; with one, a calendar that is not integrated is."""
    found = asks(NONE, record_ids={"lead": LEAD, "contact": LEAD, "opportunity": "006000000000001AAA"})
    assert found.ids == {"lead": LEAD[:15]}
    assert not found.nothing
    assert asks(NONE, record_ids={"lead": "001000000000001AAA"}).nothing


def test_what_was_written_stays_in_step() -> None:
    """A calendar that was switched off later: its bookings are canceled in the CRM all the same."""
    link = Link("Lead", LEAD, "00U000000000001AAA")
    found = asks(NONE, link)
    assert (found.nothing, found.activity) == (False, True)
    off = setting(events=False)
    work = Work("booking:BKNG-1", contact(), booking(), link)
    assert wanted(off, work).activity
    assert not wanted(off, Work("booking:BKNG-1", contact(), booking())).activity


def test_new_rules_make_no_records_for_bookings_of_before() -> None:
    """In step without a record before the rules were changed: none is made until the booking changes."""
    assert asks(settled=True).nothing
    linked = asks(link=Link("Lead", LEAD), settled=True)
    assert (linked.nothing, linked.activity) == (False, False)
    assert asks(link=Link("Lead", LEAD, "00U000000000001AAA"), settled=True).activity


def test_a_request_has_no_activity() -> None:
    """Nobody has approved it."""
    assert not asks(kind=Kind.REQUESTED).activity
    assert not asks(kind=Kind.REQUESTED).elsewhere


def test_person_accounts_only_where_the_org_has_them() -> None:
    """Whatever was chosen: without the feature a Contact is made; with it the choice decides."""
    bare = setting(person_accounts=PersonAccounts.ALWAYS)
    assert [p.name for p in people(bare)] == ["Lead", "Contact"]
    assert new_person(bare, "Contact", str).name == "Contact"
    schema = with_field("Account", "IsPersonAccount boolean d")
    for chosen, company, made in (
        (PersonAccounts.NEVER, "", "Contact"),
        (PersonAccounts.ALWAYS, "Acme", "Account"),
        (PersonAccounts.WITHOUT_COMPANY, "Acme", "Contact"),
        (PersonAccounts.WITHOUT_COMPANY, "", "Account"),
    ):
        ruled = setting(schema=schema, person_accounts=chosen)
        assert new_person(ruled, "Contact", partial(str, company)).name == made
    assert (
        new_person(setting(schema=schema, person_accounts=PersonAccounts.ALWAYS), "Lead", str).name == "Lead"
    )


def test_companies_are_read_only_where_people_may_get_one() -> None:
    """Leads have none: nothing is asked of Accounts then."""
    assert not makes_companies(setting())
    assert makes_companies(setting(person_object="Contact"))
    assert makes_companies(setting(calendars={"BKC-1": CalendarRules(CASE)}))
    hidden = {name: described for name, described in SCHEMA.items() if name != "Account"}
    assert not makes_companies(setting(schema=hidden, person_object="Contact"))
