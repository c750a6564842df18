"""What a guest asks for is checked as a form is, whatever way it comes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from attrs import evolve

from instep.core.booking import Guest, Kind, Status
from instep.core.booking_calendar import Ask, BookingCalendar, Question, QuestionType, Rules
from instep.core.errors import InputError
from instep.core.wish import Wish, booked, checked

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SIZE = Question("team_size", "How many are you?", QuestionType.SELECT, True, ("1-10", "11-50"))
TOPIC = Question("topic", "What about?")
CONSENT = Question("consent", "You may write to me", QuestionType.CONSENT, True)
RULES = Rules(durations=(30, 45), questions=(SIZE, TOPIC, CONSENT), virtual_location="https://meet.example")
CALENDAR = BookingCalendar("CAL-1", "Product demo", "demo", True, RULES, ("HST-1",))
WISH = Wish(
    CALENDAR,
    NOW + timedelta(days=1),
    45,
    Guest("  Ines   Castro ", " Ines@Guest.Example ", note=" hi "),
    "Europe/Lisbon",
    {"team_size": "11-50", "topic": "  ", "consent": "yes"},
    {"source": "mail", "utm_medium": "x", "term": " "},
    "form-1",
)


def test_values_are_tidied() -> None:
    lisbon = timezone(timedelta(hours=1))
    wish = checked(evolve(WISH, start=WISH.start.astimezone(lisbon)))
    assert wish.guest == Guest("Ines Castro", "Ines@guest.example", note="hi")
    assert wish.answers == {"team_size": "11-50", "consent": "yes"}
    assert wish.utm == {"utm_source": "mail", "utm_medium": "x"}
    assert wish.start.tzinfo is UTC
    assert wish.start == WISH.start


@pytest.mark.parametrize(
    ("parts", "code", "field"),
    [
        ({"calendar": evolve(CALENDAR, published=False)}, "UNPUBLISHED", None),
        ({"duration": 60}, "DURATION", "duration"),
        ({"time_zone": "Mars/Base"}, "ZONE", "time_zone"),
        ({"time_zone": "../etc/passwd"}, "ZONE", "time_zone"),
        ({"time_zone": ""}, "ZONE", "time_zone"),
        ({"guest": Guest("", "a@x.example")}, "NAME", "name"),
        ({"guest": Guest("A", "nobody")}, "EMAIL", "email"),
        ({"guest": Guest("A", "a@x.example\r\nBcc: b@x.example")}, "EMAIL", "email"),
        ({"guest": Guest("A\0", "a@x.example")}, "UNUSABLE_TEXT", "name"),
        ({"guest": Guest("A\ud800", "a@x.example")}, "UNUSABLE_TEXT", "name"),
        ({"guest": Guest("A", "a@x.example", note="x" * 5001)}, "TOO_LONG", "note"),
        ({"guest": Guest("A", "a@x.example", guests=("b",))}, "EMAIL", "guests"),
        (
            {"guest": Guest("A", "a@x.example", guests=tuple(f"{n}@x.example" for n in range(11)))},
            "GUESTS",
            "guests",
        ),
        ({"answers": {"consent": "yes"}}, "MISSING", "team_size"),
        ({"answers": {"team_size": "1-10", "consent": " "}}, "MISSING", "consent"),
        ({"answers": {"team_size": "12", "consent": "yes"}}, "OPTION", "team_size"),
        ({"answers": {"other": "x"}}, "UNKNOWN_QUESTION", "other"),
    ],
)
def test_what_is_wrong_is_named(parts: dict[str, object], code: str, field: str | None) -> None:
    with pytest.raises(InputError) as refused:
        checked(evolve(WISH, **parts))
    assert refused.value.code == code
    assert refused.value.fields == ((field,) if field else ())


@pytest.mark.parametrize(
    ("ask", "given"), [("ask_company", "company"), ("ask_phone", "mobile_phone"), ("ask_note", "note")]
)
def test_what_the_calendar_requires_must_be_there(ask: str, given: str) -> None:
    calendar = evolve(CALENDAR, rules=evolve(RULES, **{ask: Ask.REQUIRED}))
    bare = Guest("Ines", "ines@x.example")
    with pytest.raises(InputError) as refused:
        checked(evolve(WISH, calendar=calendar, guest=bare))
    assert refused.value.code == "MISSING"
    checked(evolve(WISH, calendar=calendar, guest=evolve(bare, **{given: "+351912000111"})))


def test_the_first_fact_says_all_that_is_known() -> None:
    fact = booked(checked(WISH), "BKNG-1", "nuno@host.example", "https://x.example/m/1", NOW, "EVNT-1")
    assert (fact.kind, fact.status, fact.subject) == (Kind.SCHEDULED, Status.SCHEDULED, "Product demo")
    assert (fact.calendar, fact.calendar_name) == ("CAL-1", "Product demo")
    assert fact.form is not None
    assert fact.form.custom == {"team_size": "11-50", "consent": "yes"}
    assert (fact.virtual_location, fact.manage_url) == ("https://meet.example", "https://x.example/m/1")
    assert (fact.booked_at, fact.duration) == (NOW, timedelta(minutes=45))


def test_where_hosts_approve_it_is_a_request() -> None:
    asked = evolve(WISH, calendar=evolve(CALENDAR, rules=evolve(RULES, approval=True)))
    fact = booked(checked(asked), "B", "nuno@host.example", "", NOW, "E")
    assert (fact.kind, fact.status) == (Kind.REQUESTED, Status.REQUESTED)
