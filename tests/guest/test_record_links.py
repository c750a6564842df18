"""Links that name a record of the CRM: what they fill in, what they keep to themselves, and whom they do not serve."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
from attrs import define, evolve

from faults.conftest import fake, scene
from instep.core.booking_calendar import Ask, BookingCalendar, Question, QuestionType, Rules, WeeklyHours
from instep.crm.salesforce.ids import long_id

from .pages import Page

if TYPE_CHECKING:
    from django.http import HttpResponse
    from django.test import Client

    from faults.scene import Scene
    from instep.core.booking import Booking

__all__ = ["fake", "scene"]

ALWAYS = WeeklyHours("UTC", tuple((day, 0, 1440) for day in range(7)))
#: words that stand nowhere else: where one turns up, the record has leaked
PERSON = {
    "FirstName": "Zephyrine",
    "LastName": "Quillfeather",
    "Email": "zephyrine@quillfeather.example",
    "Company": "Quillworks",
    "Phone": "+351 912 345 678",
    "MobilePhone": "+351 987 654 321",
}


@define
class Door:
    """A published calendar whose account is connected to an org, and a guest's browser before it."""

    scene: Scene
    browser: Client
    calendar: BookingCalendar
    start: str

    def details(self, **said: str) -> HttpResponse:
        """The form, opened by a link with these parameters."""
        return self.browser.get("/b/demo/details?" + urlencode({"start": self.start, **said}))

    def send(self, page: Page, **typed: str) -> HttpResponse:
        """Send the form as the browser would, with what the guest adds."""
        return self.browser.post("/b/demo/details", {**page.fields, **typed})

    def booked(self) -> list[Booking]:
        from instep.store import queries
        from instep.store.models import Booking as Row

        keys = list(Row.objects.order_by("id").values_list("id", flat=True))
        found = queries.load_bookings(self.scene.account_id, keys)
        return [found[key] for key in keys]

    def reads(self) -> int:
        """How many calls the org has had."""
        return int(self.scene.fake.calls())

    def forget(self) -> None:
        from django.core.cache import cache

        cache.clear()

    def signed(self, record: str, life: timedelta = timedelta(days=1)) -> dict[str, str]:
        from instep.engine.record_links import signed_parameters

        expires = datetime.now(UTC) + life
        return signed_parameters(self.scene.account_id, self.calendar.id, record, expires)

    def only_signed(self) -> None:
        from instep.engine.record_links import allow_unsigned

        allow_unsigned(self.scene.account_id, self.scene.lane(), False)


@pytest.fixture
def door(scene: Scene) -> Iterator[Door]:
    from django.core.cache import cache
    from django.test import Client

    from instep.bookings import calendars, hosting

    cache.clear()
    now = datetime.now(UTC)
    host = hosting.create_host(scene.account_id, "Nuno Reis", "nuno@acme.example", ALWAYS, now)
    rules = Rules(
        min_notice=0,
        ask_company=Ask.REQUIRED,
        questions=(Question("goal", "Your goal", QuestionType.TEXT),),
    )
    calendar = calendars.create(scene.account_id, "Product demo", "demo", rules, [host], True)
    start = (now + timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
    browser = Client(enforce_csrf_checks=True)
    yield Door(scene, browser, calendar, start.strftime("%Y-%m-%dT%H:%MZ"))
    cache.clear()


def leaks(response: HttpResponse, values: Mapping[str, str] = PERSON) -> list[str]:
    """The values that an answer has anywhere, headers and encoded forms included."""
    whole = response.content.decode() + "".join(f"{name}: {value}\n" for name, value in response.items())
    whole += "".join(str(cookie) for cookie in response.cookies.values())
    return [value for value in values.values() if is_in(value, whole)]


def is_in(value: str, whole: str) -> bool:
    digits = re.sub(r"\D", "", value)
    forms = {value, quote(value), quote_plus(value), value.replace("+", "&#x2B;")}
    return any(form in whole for form in forms) or (
        len(digits) > 6 and digits in re.sub(r"[\s%2B+]", "", whole)
    )


def test_known_things_are_named_and_their_values_shown_nowhere(door: Door, caplog: Any) -> None:
    """Every page on the guest's way, its headers, the calendar file and the logs are searched whole."""
    caplog.set_level("DEBUG")
    record = door.scene.fake.seed("Lead", **PERSON)
    link = {"SOSFLEADID": record, "utm_source": "mail"}
    answers = [
        door.browser.get("/b/demo?" + urlencode(link)),
        door.browser.get("/b/demo/zone?" + urlencode(link)),
        door.details(**link),
        door.details(**link, soskip="1"),
    ]
    page = Page(answers[2])
    assert "Known already" in page.text
    assert "✓" not in page.text, "whoever has an id learns nothing of the record, not even what is filled"
    told = Page(door.details(**door.signed(record)))
    assert all(f"✓ {label}" in told.text for label in ("Name", "E-mail", "Phone", "Company"))
    assert not {"name", "email", "phone", "company"} & page.fields.keys()
    assert {"q_goal", "note"} <= page.fields.keys()
    # a refused form is shown again, with a time that is lost
    answers.append(door.send(page, start="2020-01-01T00:00Z", q_goal="To know more"))
    assert answers[-1].status_code == 409
    sent = door.send(page, q_goal="To know more")
    assert sent.status_code == 303, sent.content.decode()
    answers.append(sent)
    own = sent["Location"]
    for tail in ("", "/meeting.ics", "/cancel", "/time", f"/time/confirm?start={later(door)}"):
        answers.append(door.browser.get(own + tail))
        assert answers[-1].status_code == 200, tail
    for answer in answers:
        assert leaks(answer) == [], answer.content.decode()
        assert answer["Referrer-Policy"] == "no-referrer"
        assert "no-store" in answer["Cache-Control"]
    assert not [v for v in PERSON.values() if is_in(v, caplog.text)]
    (made,) = door.booked()
    assert made.guest.name == "Zephyrine Quillfeather"
    assert (made.guest.email, made.guest.company) == (PERSON["Email"], PERSON["Company"])
    assert (made.guest.phone, made.guest.mobile_phone) == (PERSON["Phone"], PERSON["MobilePhone"])
    assert made.custom == {"goal": "To know more"}
    assert made.record_ids == {"lead": long_id(record)}
    assert made.utm == {"utm_source": "mail"}


def later(door: Door) -> str:
    return door.start.replace(":00Z", ":30Z")


def test_one_read_serves_the_whole_way(door: Door) -> None:
    record = door.scene.fake.seed("Lead", **PERSON)
    before = door.reads()
    page = Page(door.details(sosfLeadId=record))
    door.details(sosfLeadId=record, soSkip="1")
    assert door.send(page).status_code == 303
    assert door.reads() - before == 1


def test_form_is_skipped_where_everything_required_is_known(door: Door) -> None:
    record = door.scene.fake.seed("Lead", **PERSON)
    page = Page(door.details(soskip="1", sosfleadid=record))
    assert page.title.startswith("Is this right?")
    assert set(page.fields) & {"name", "email", "company", "q_goal"} == set()
    assert door.booked() == []
    assert door.send(page).status_code == 303
    assert door.booked()[0].guest.email == PERSON["Email"]


@pytest.mark.parametrize("missing", ["Email", "Company"])
def test_form_is_shown_where_something_required_is_missing(door: Door, missing: str) -> None:
    """Skip needs name and e-mail; whatever else the calendar requires is asked for, too."""
    known = {name: value for name, value in PERSON.items() if name != missing}
    if missing == "Company":
        # a Lead must have one
        record = door.scene.fake.seed("Contact", **known)
        page = Page(door.details(soSkip="1", sosfContactId=record))
    else:
        record = door.scene.fake.seed("Lead", **known)
        page = Page(door.details(soSkip="1", sosfLeadId=record))
    field = {"Email": "email", "Company": "company"}[missing]
    assert page.title.startswith("Your details")
    assert field in page.fields
    assert "name" not in page.fields
    assert door.send(page).status_code == 422
    typed = {"email": "z@typed.example", "company": "Typed Ltd"}[field]
    assert door.send(page, **{field: typed}).status_code == 303
    assert getattr(door.booked()[0].guest, field) == typed


def test_known_values_cannot_be_typed_over(door: Door) -> None:
    record = door.scene.fake.seed("Lead", **PERSON)
    page = Page(door.details(sosfLeadId=record))
    door.send(page, name="Mallory", email="mallory@evil.example")
    assert door.booked()[0].guest.email == PERSON["Email"]


def test_an_open_form_with_the_same_key_does_not_tell_whether_an_address_was_guessed(door: Door) -> None:
    record = door.scene.fake.seed("Lead", **PERSON)
    hidden = Page(door.details(sosfLeadId=record))
    mine = door.send(hidden)
    assert mine.status_code == 303
    guess = {"name": "X", "email": PERSON["Email"], "company": "X", "key": hidden.fields["key"]}
    wrong = {**guess, "email": "somebody@else.example"}
    answers = [door.browser.post("/b/demo/details", {"start": door.start, **one}) for one in (guess, wrong)]
    assert [answer.status_code for answer in answers] == [409, 409], "the time is taken, whoever asks"
    assert len(door.booked()) == 1


def test_contact_brings_its_accounts_name(door: Door) -> None:
    account = door.scene.fake.seed("Account", Name="Quillworks")
    person = {name: value for name, value in PERSON.items() if name != "Company"}
    record = door.scene.fake.seed("Contact", **person, AccountId=account)
    page = Page(door.details(sosfContactId=record, sosfLeadId="", sosfCaseId="", soSkip="1"))
    assert "company" not in page.fields
    assert door.send(page).status_code == 303
    assert door.booked()[0].guest.company == "Quillworks"


def test_case_brings_its_contact_or_what_it_says_itself(door: Door) -> None:
    supplied = {"SuppliedName": "Zephyrine Quillfeather", "SuppliedEmail": PERSON["Email"]}
    record = door.scene.fake.seed("Case", Subject="Help", SuppliedCompany="Quillworks", **supplied)
    response = door.details(sosfCaseId=record, soSkip="1")
    assert leaks(response) == []
    assert door.send(Page(response)).status_code == 303
    made = door.booked()[0]
    assert made.guest.name == "Zephyrine Quillfeather"
    assert made.record_ids == {"case": long_id(record)}
    # what a case is about is no note of this guest's
    assert made.guest.note == ""


def test_id_decides_the_object_and_a_lost_case_is_repaired(door: Door) -> None:
    """Mail programs write addresses in small letters; a template has one parameter for whoever gets the mail."""
    record = long_id(door.scene.fake.seed("Lead", **PERSON))
    page = Page(door.details(sosfContactId=record.lower()))
    assert "Known already" in page.text
    assert door.send(page).status_code == 303
    assert door.booked()[0].record_ids == {"lead": record}


def test_converted_leads_id_leads_to_its_contact(door: Door) -> None:
    person = {name: value for name, value in PERSON.items() if name != "Company"}
    contact = door.scene.fake.seed("Contact", **person)
    old = {**PERSON, "Email": "old@quillfeather.example"}
    record = door.scene.fake.seed("Lead", **old, IsConverted=True, ConvertedContactId=contact)
    page = Page(door.details(sosfLeadId=record))
    assert "Known already" in page.text
    assert door.send(page, company="Typed Ltd").status_code == 303
    assert door.booked()[0].guest.email == PERSON["Email"]


def test_stand_in_for_a_value_is_not_known(door: Door) -> None:
    """A required field that nobody could fill has a documented default: the guest is asked all the same."""
    record = door.scene.fake.seed("Lead", **{**PERSON, "Company": "Unspecified"})
    page = Page(door.details(sosfLeadId=record))
    assert "company" in page.fields
    assert "name" not in page.fields


@pytest.mark.parametrize(
    "said", ["{!Lead.Id}", "00Q", "", "Ana Sousa Reis 1", "00Q000000000001ZZZ", "00Q00000000000!", "x" * 5000]
)
def test_what_is_no_id_is_as_if_it_were_not_there(door: Door, said: str) -> None:
    before = door.reads()
    page = Page(door.details(sosfLeadId=said, name="Ana"))
    assert page.fields["name"] == "Ana"
    assert door.reads() == before
    door.send(page, email="ana@guest.example", company="X")
    assert door.booked()[0].record_ids == {}


def test_id_of_nobody_shows_the_ordinary_form_and_is_kept(door: Door) -> None:
    nobody = long_id("00Q000000000999")
    page = Page(door.details(sosfLeadId=nobody))
    assert {"name", "email", "company"} <= page.fields.keys()
    typed = {"name": "Ana", "email": "ana@guest.example", "company": "X"}
    sent = door.send(page, **typed)
    assert sent.status_code == 303
    made = door.booked()[0]
    assert (made.guest.name, made.record_ids) == ("Ana", {"lead": nobody})
    told = door.browser.get(sent.headers["location"]).content.decode()
    assert "ana@guest.example" in told, "what the guest has typed is no secret of the CRM's"


def test_silent_crm_shows_the_ordinary_form_and_the_id_is_kept(door: Door) -> None:
    """What was typed counts, even if the CRM answers by the time the form is sent; it is not asked for a while."""
    record = door.scene.fake.seed("Lead", **PERSON)
    door.scene.fake.arm("status", status=503, times=None)
    page = Page(door.details(sosfLeadId=record))
    asked = door.reads()
    assert {"name", "email", "company"} <= page.fields.keys()
    door.details(sosfLeadId=record)
    assert door.reads() == asked
    door.scene.fake.disarm()
    door.forget()
    typed = {"name": "Ana", "email": "ana@guest.example", "company": "X"}
    assert door.send(page, **typed).status_code == 303
    made = door.booked()[0]
    assert (made.guest.email, made.record_ids) == ("ana@guest.example", {"lead": long_id(record)})


def test_guest_does_not_wait_for_a_slow_crm(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    record = door.scene.fake.seed("Lead", **PERSON)
    monkeypatch.setattr("instep.engine.named_record.PATIENCE", 0.3)
    door.scene.fake.arm("latency", ms=15_000, times=None)
    began = time.monotonic()
    page = Page(door.details(sosfLeadId=record))
    assert time.monotonic() - began < 10
    assert "name" in page.fields


def test_crm_that_falls_silent_before_the_form_is_sent_asks_for_what_it_knew(door: Door) -> None:
    record = door.scene.fake.seed("Lead", **PERSON)
    page = Page(door.details(sosfLeadId=record))
    door.forget()
    door.scene.fake.arm("status", status=503, times=None)
    again = door.send(page, note="Kept")
    assert again.status_code == 422
    shown = Page(again)
    assert "cannot be read at the moment" in shown.text
    assert shown.fields["note"] == "Kept"
    typed = {"name": "Ana", "email": "ana@guest.example", "company": "X"}
    assert door.send(shown, **typed).status_code == 303
    assert door.booked()[0].record_ids == {"lead": long_id(record)}


def test_ids_cannot_be_tried_in_turn(door: Door) -> None:
    """After thirty records a network sees the ordinary form; signed links, which nobody can make up, go on."""
    record = door.scene.fake.seed("Lead", **PERSON)
    for number in range(500, 530):
        door.details(sosfLeadId=f"00Q0000000{number:05}")
    before = door.reads()
    assert "Known already" not in Page(door.details(sosfLeadId=record)).text
    assert door.reads() == before
    assert "Known already" in Page(door.details(**door.signed(record))).text


def test_form_that_was_forced_open_cannot_type_over_a_record(door: Door) -> None:
    """Whoever uses up his look-ups on purpose books as anybody does: by the address that he types."""
    record = door.scene.fake.seed("Lead", **PERSON)
    for number in range(500, 530):
        door.details(sosfLeadId=f"00Q0000000{number:05}")
    opened = Page(door.details(sosfLeadId=record))
    assert "name" in opened.fields
    assert not {"sosfLeadId", "whole"} & opened.fields.keys()
    typed = {"name": "Mallory", "email": "m@evil.example", "company": "Evil"}
    assert door.send(opened, **typed, sosfLeadId=record).status_code == 303
    assert door.booked()[0].record_ids == {}


def test_private_form_that_meets_the_limit_asks_for_what_it_knew(door: Door) -> None:
    record = door.scene.fake.seed("Lead", **PERSON)
    page = Page(door.details(sosfLeadId=record))
    door.forget()
    for number in range(500, 530):
        door.details(sosfLeadId=f"00Q0000000{number:05}")
    again = door.send(page)
    assert again.status_code == 422
    assert "cannot be read at the moment" in Page(again).text


def test_colleague_who_is_signed_in_has_look_ups_of_his_own(door: Door) -> None:
    """A call centre sits behind one address; its scheduling buttons go on when a stranger there used up his."""
    from instep.store.models import Account, User

    record = door.scene.fake.seed("Lead", **PERSON)
    for number in range(500, 530):
        door.details(sosfLeadId=f"00Q0000000{number:05}")
    assert "Known already" not in Page(door.details(sosfLeadId=record)).text
    stranger = User.objects.create_user("s@x.example", None, Account.objects.create(name="X"))
    door.browser.force_login(stranger)
    assert "Known already" not in Page(door.details(sosfLeadId=record)).text
    own = User.objects.create_user("o@x.example", None, Account.objects.get(id=door.scene.account_id))
    door.browser.force_login(own)
    assert "Known already" in Page(door.details(sosfLeadId=record)).text


def test_mark_of_an_open_form_counts_for_its_own_calendar_only(door: Door) -> None:
    from instep.bookings import calendars

    calendars.create(
        door.scene.account_id, "Other", "other", door.calendar.rules, list(door.calendar.hosts), True
    )
    record = door.scene.fake.seed("Lead", **PERSON)
    door.scene.fake.arm("status", status=503, times=None)
    page = Page(door.details(sosfLeadId=record))
    assert page.fields["whole"]
    door.scene.fake.disarm()
    door.forget()
    typed = {"name": "Mallory", "email": "m@evil.example", "company": "Evil"}
    sent = door.browser.post("/b/other/details", {**page.fields, **typed})
    assert sent.status_code == 303
    assert door.booked()[0].guest.email == PERSON["Email"], "what the record says, not what was typed"


def test_refusal_on_a_private_form_quotes_nothing(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    from instep.bookings import commands
    from instep.core.errors import InputError

    record = door.scene.fake.seed("Lead", **PERSON)
    page = Page(door.details(sosfLeadId=record))

    def refuse(*given: Any) -> None:
        raise InputError(f"“{PERSON['Company']}” is not offered.", fields=("company",))

    monkeypatch.setattr(commands, "book", refuse)
    answer = door.send(page, q_goal="To know more")
    assert answer.status_code == 422
    assert leaks(answer) == []
    assert "does not fit this calendar any more" in Page(answer).text


def test_refusal_of_a_new_time_quotes_nothing_that_came_from_the_record(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked to choose again, the guest's answer that the CRM gave is not offered any more: it is not shown."""
    from instep.bookings import calendars, commands

    team = Question("team", "Team", QuestionType.SELECT, True, ("Quillmasters", "Others"))
    record = door.scene.fake.seed("Lead", **PERSON)
    calendars.change(
        door.scene.account_id, evolve(door.calendar, rules=evolve(door.calendar.rules, questions=(team,)))
    )
    sent = door.send(Page(door.details(sosfLeadId=record)), q_team="Quillmasters")
    assert sent.status_code == 303
    commands.ask_to_reschedule(door.scene.account_id, door.booked()[0].id, "", datetime.now(UTC))
    fewer = evolve(team, options=("Penholders", "Others"))
    calendars.change(
        door.scene.account_id, evolve(door.calendar, rules=evolve(door.calendar.rules, questions=(fewer,)))
    )
    answer = door.browser.post(sent["Location"] + "/time/confirm", {"start": later(door)})
    assert answer.status_code == 409
    assert leaks(answer, {"answer": "Quillmasters"}) == []
    assert "does not fit this calendar any more" in Page(answer).text


@pytest.mark.parametrize("parted", [("Ana", "Maria Sousa Reis"), (None, "Ana Maria Sousa Reis")], ids=str)
@pytest.mark.parametrize("override", [False, True], ids=["only empty", "override"])
def test_record_comes_back_as_it_was_read(door: Door, override: bool, parted: tuple[str | None, str]) -> None:
    """Whatever the rows say: what was read is not written back in other words, and the Event is on the record."""
    from instep.core.rules import with_data_rule
    from instep.engine.lane import load_config

    door.scene.configure(rows=with_data_rule(load_config(door.scene.lane()), "Lead", override).rows)
    first, last = parted
    before = {
        **PERSON,
        "FirstName": first,
        "LastName": last,
        "Phone": "912 345 678",
        "MobilePhone": "00351987654321",
    }
    record = door.scene.fake.seed("Lead", **before)
    page = Page(door.details(sosfLeadId=record, soSkip="1"))
    assert door.send(page).status_code == 303
    door.scene.until_settled()
    there = door.scene.fake.records()
    (kept,) = there["Lead"]
    assert {name: kept.get(name) for name in before} == before
    (event,) = there["Event"]
    assert event["WhoId"] == long_id(record)
    assert there["Contact"] == []


@pytest.mark.parametrize("offered", [True, False], ids=["offered", "not offered"])
def test_questions_are_answered_by_their_mapped_fields(door: Door, offered: bool) -> None:
    """The mapping, read backwards; an answer that the calendar does not offer is no answer."""
    from instep.bookings import calendars
    from instep.core.mapping import Row
    from instep.engine.lane import load_config
    from instep.store.queries import rows as run

    run(
        """INSERT INTO property (account_id, object, identifier, label, type)
           VALUES (%s, 'Contact', 'team', 'Team', 'text') RETURNING id""",
        [door.scene.account_id],
    )
    mapping = load_config(door.scene.lane()).rows
    door.scene.configure(rows={**mapping, "Lead": (*mapping["Lead"], Row("contact.custom.team", "Title"))})
    team = Question("team", "Team", QuestionType.SELECT, True, ("Quillmasters", "Others"))
    calendars.change(
        door.scene.account_id, evolve(door.calendar, rules=evolve(door.calendar.rules, questions=(team,)))
    )
    record = door.scene.fake.seed("Lead", **PERSON, Title="Quillmasters" if offered else "Penholders")
    response = door.details(sosfLeadId=record)
    page = Page(response)
    assert (b'name="q_team"' not in response.content) is offered
    assert leaks(response, {"Title": "Penholders"}) == []
    assert door.send(page, **({} if offered else {"q_team": "Others"})).status_code == 303
    assert door.booked()[0].custom == {"team": "Quillmasters" if offered else "Others"}


def test_a_place_is_filled_in_as_guests_write_it(door: Door) -> None:
    """A geolocation of the record answers its question as one text, and comes back to the record unchanged."""
    from custom_fields import make, map_all
    from instep.bookings import calendars
    from instep.core.mapping import Row

    make(door.scene, "Office", "Location", scale=6)
    map_all(door.scene, Row("contact.custom.office", "Office__c"))
    asked = (Question("office", "Where is your office?", QuestionType.TEXT),)
    calendars.change(
        door.scene.account_id, evolve(door.calendar, rules=evolve(door.calendar.rules, questions=asked))
    )
    record = door.scene.fake.seed("Lead", **PERSON, Office__Latitude__s=38.7, Office__Longitude__s=-9.1)
    assert door.send(Page(door.details(sosfLeadId=record))).status_code == 303
    assert door.booked()[0].custom == {"office": "38.7, -9.1"}


def test_contact_behind_a_person_account(door: Door) -> None:
    """The link has the id of the related Contact; the person account's own fields are read."""
    door.scene.fake.order("POST", "features", {"personAccounts": True})
    door.scene.configure()
    kind = next(row["Id"] for row in door.scene.fake.records()["RecordType"] if row.get("IsPersonType"))
    who = {"FirstName": "Zephyrine", "LastName": "Quillfeather", "PersonEmail": PERSON["Email"]}
    door.scene.fake.seed("Account", **who, RecordTypeId=kind)
    behind = door.scene.fake.records()["Contact"][0]["Id"]
    page = Page(door.details(sosfContactId=behind))
    assert "name" not in page.fields
    assert door.send(page, company="Typed Ltd").status_code == 303
    assert door.booked()[0].guest.email == PERSON["Email"]


# --- signed links ---


def test_signed_link_works_where_unsigned_ones_are_off(door: Door) -> None:
    record = door.scene.fake.seed("Lead", **PERSON)
    door.only_signed()
    page = Page(door.details(sosfLeadId=record))
    assert "Known already" not in page.text
    typed = {"name": "Ana", "email": "ana@guest.example", "company": "X"}
    assert door.send(page, **typed).status_code == 303
    assert door.booked()[0].record_ids == {}
    page = Page(door.details(**door.signed(record)))
    assert door.send(page, start=later(door)).status_code == 303
    assert door.booked()[1].record_ids == {"lead": long_id(record)}


def test_only_signed_links_count_while_the_connection_is_disconnected_too(door: Door) -> None:
    from instep.store.models import Connection

    record = door.scene.fake.seed("Lead", **PERSON)
    door.only_signed()
    Connection.objects.filter(account_id=door.scene.account_id).update(state="disabled")
    page = Page(door.details(sosfLeadId=record))
    door.send(page, name="Ana", email="ana@guest.example", company="X")
    assert door.booked()[0].record_ids == {}


def test_expired_signature_names_nobody_and_says_so(door: Door) -> None:
    record = door.scene.fake.seed("Lead", **PERSON)
    before = door.reads()
    page = Page(door.details(**door.signed(record, timedelta(seconds=-1))))
    assert "no longer valid" in page.text
    assert door.reads() == before
    typed = {"name": "Ana", "email": "ana@guest.example", "company": "X"}
    assert door.send(page, **typed).status_code == 303
    assert door.booked()[0].record_ids == {}


@pytest.mark.parametrize("change", ["record", "expiry", "calendar", "cut", "garbage"])
def test_signature_is_for_one_record_one_calendar_and_one_moment(door: Door, change: str) -> None:
    record = door.scene.fake.seed("Lead", **PERSON)
    other = door.scene.fake.seed("Lead", **{**PERSON, "Email": "b@quillfeather.example"})
    link = door.signed(record)
    at, _, mark = link["soSigned"].partition(".")
    forged = {
        "record": {**link, "sosfLeadId": long_id(other)},
        "expiry": {**link, "soSigned": f"{int(at) + 1}.{mark}"},
        "calendar": link,
        "cut": {**link, "soSigned": link["soSigned"][:-1]},
        "garbage": {**link, "soSigned": "٣.é" * 50},
    }[change]
    if change == "calendar":
        from instep.bookings import calendars

        calendars.create(
            door.scene.account_id, "Other", "other", door.calendar.rules, list(door.calendar.hosts), True
        )
        answer = door.browser.get("/b/other/details?" + urlencode({"start": door.start, **forged}))
    else:
        answer = door.details(**forged)
    page = Page(answer)
    assert "Known already" not in page.text
    assert "no longer valid" in page.text
