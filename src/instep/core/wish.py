"""What a guest asks for: one time of one calendar, and who asks. Checked as a form is, and made a fact."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import evolve, field, frozen

from instep.core.acts import CUSTOMER
from instep.core.booking import Guest, Kind, Status
from instep.core.booking_calendar import HERE, Ask, BookingCalendar, Question, QuestionType, Rules
from instep.core.contact import identity_email, tidy_email
from instep.core.errors import InputError
from instep.core.fold import Change, Form, Snapshot

_LONGEST: Mapping[str, int] = {
    "name": 200,
    "email": 254,
    "phone": 60,
    "mobile_phone": 60,
    "company": 200,
    "note": 5000,
}
_LONGEST_ANSWER = 5000
#: the detail of a booking by a link with record ids that says that the guest typed the whole form
TYPED = "typed"
_LONGEST_UTM = 500
MOST_GUESTS = 10
_RECORD_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")


@frozen
class Wish:
    """A booking as a guest asks for it. `duration` in minutes, `start` aware, `time_zone` the guest's IANA zone.

    `answers` maps a question's identifier to a text or, for several choices, a tuple of texts. `key` is random text of
    the form: the same wish sent twice is one booking. `base_url` is where the guest's pages stand, for the link by
    which the booking is managed. `rescheduled_from` is the canceled booking that this one takes the place of.
    `record_ids` are the ids of CRM records that the link named: lead, contact, case → 15 or 18 characters; `typed` says
    that the guest typed everything all the same, because nothing of them was known.
    """

    calendar: BookingCalendar
    start: datetime
    duration: int
    guest: Guest
    time_zone: str
    answers: Mapping[str, str | tuple[str, ...]] = field(factory=dict)
    utm: Mapping[str, str] = field(factory=dict)
    key: str = ""
    base_url: str = ""
    rescheduled_from: str = ""
    record_ids: Mapping[str, str] = field(factory=dict)
    typed: bool = False


def checked(wish: Wish) -> Wish:
    """The wish with tidy values. Raises `InputError` for the first thing that is wrong, `fields` naming the input."""
    rules = wish.calendar.rules
    if not wish.calendar.published:
        raise InputError(
            f"“{wish.calendar.name}” cannot be booked at present.", cure="Ask your host.", code="UNPUBLISHED"
        )
    if wish.duration not in rules.durations:
        _refuse("duration", "DURATION", f"A meeting of {wish.duration} minutes is not offered.")
    try:
        ZoneInfo(wish.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        _refuse("time_zone", "ZONE", f"There is no time zone “{wish.time_zone[:60]}”.")
    utm = {name: value[:_LONGEST_UTM] for name, value in wish.utm.items() if value.strip()}
    for name, value in utm.items():
        _check_text("utm", name + value)
    return evolve(
        wish,
        start=wish.start.astimezone(UTC),
        guest=_guest(wish.guest, rules),
        answers=_answers(wish.answers, rules),
        utm={name if name.startswith("utm_") else f"utm_{name}": value for name, value in utm.items()},
        record_ids={name: known for name, said in wish.record_ids.items() if (known := _record_id(said))},
    )


def _record_id(text: str) -> str:
    """An id of a CRM record, or nothing: a link whose merge field stayed empty, or was mangled, names nobody."""
    return text.strip() if _RECORD_ID.fullmatch(text.strip()) else ""


def booked(
    wish: Wish, booking_id: str, host_address: str, manage_url: str, now: datetime, fact_id: str
) -> Snapshot:
    """The first fact of the booking that a (checked) wish becomes: scheduled, or requested where hosts approve."""
    calendar, guest = wish.calendar, wish.guest
    waits = calendar.rules.approval
    return Snapshot(
        source=HERE,
        envelope_id=fact_id,
        booking_id=booking_id,
        kind=Kind.REQUESTED if waits else Kind.SCHEDULED,
        updated_at=now,
        created_at=now,
        status=Status.REQUESTED if waits else Status.SCHEDULED,
        start=wish.start,
        duration=timedelta(minutes=wish.duration),
        booked_at=now,
        subject=calendar.name,
        time_zone=wish.time_zone,
        virtual_location=calendar.rules.virtual_location,
        physical_location=calendar.rules.physical_location,
        rescheduled_from=wish.rescheduled_from,
        step=Change(by=CUSTOMER),
        form=Form(
            name=guest.name,
            email=guest.email,
            phone=guest.phone,
            mobile_phone=guest.mobile_phone,
            company=guest.company,
            note=guest.note,
            guests=guest.guests,
            custom=wish.answers,
        ),
        host_address=host_address,
        calendar=calendar.id,
        calendar_name=calendar.name,
        tracking_id=booking_id,
        manage_url=manage_url,
        utm=wish.utm,
        record_ids=wish.record_ids,
        details=_details(calendar, wish),
    )


def _details(calendar: BookingCalendar, wish: Wish) -> dict[str, str]:
    """What a mapping may use of the calendar, and what is known of the form."""
    details = {
        "mode": "With approval" if calendar.rules.approval else "Automatic",
        "page_label": calendar.name,
    }
    if wish.typed:
        details[TYPED] = "yes"
    if wish.base_url:
        details["page_link"] = f"{wish.base_url.rstrip('/')}/b/{calendar.slug}"
    return details


def _guest(guest: Guest, rules: Rules) -> Guest:
    tidy = {name: getattr(guest, name).strip() for name in _LONGEST}
    tidy["name"] = " ".join(tidy["name"].split())
    tidy["email"] = tidy_email(tidy["email"])
    for name, longest in _LONGEST.items():
        _check_text(name, tidy[name], longest)
    if not tidy["name"]:
        _refuse("name", "NAME", "Your name is missing.", "Please type it.")
    if not identity_email(tidy["email"]):
        _refuse(
            "email",
            "EMAIL",
            f"“{tidy['email'][:80]}” is not an e-mail address.",
            "It looks like ana@example.org.",
        )
    asked = (
        ("company", rules.ask_company, bool(tidy["company"])),
        ("phone", rules.ask_phone, bool(tidy["phone"] or tidy["mobile_phone"])),
        ("note", rules.ask_note, bool(tidy["note"])),
    )
    for name, ask, given in asked:
        if ask is Ask.REQUIRED and not given:
            _refuse(name, "MISSING", f"The answer to “{name}” is missing.", "Please fill it in.")
    return Guest(**tidy, guests=_others(guest.guests))


def _others(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """The further guests, each once."""
    found = tuple(dict.fromkeys(tidy_email(address) for address in addresses if address.strip()))
    if len(found) > MOST_GUESTS:
        _refuse("guests", "GUESTS", f"At most {MOST_GUESTS} further guests can be named.")
    for address in found:
        _check_text("guests", address)
        if not identity_email(address):
            _refuse(
                "guests",
                "EMAIL",
                f"“{address[:80]}” is not an e-mail address.",
                "It looks like ana@example.org.",
            )
    return found


def _answers(answers: Mapping[str, str | tuple[str, ...]], rules: Rules) -> dict[str, str | tuple[str, ...]]:
    questions = {question.identifier: question for question in rules.questions}
    unknown = sorted(answers.keys() - questions.keys())
    if unknown:
        _refuse(unknown[0], "UNKNOWN_QUESTION", f"This calendar does not ask for “{unknown[0][:40]}”.")
    given: dict[str, str | tuple[str, ...]] = {}
    for identifier, question in questions.items():
        value = answers.get(identifier, "")
        tidy = value.strip() if isinstance(value, str) else tuple(v.strip() for v in value if v.strip())
        _check_answer(question, (tidy,) if isinstance(tidy, str) else tidy)
        if tidy:
            given[identifier] = tidy
    return given


def _check_answer(question: Question, parts: tuple[str, ...]) -> None:
    if question.required and not any(parts):
        _refuse(
            question.identifier,
            "MISSING",
            f"The answer to “{question.label}” is missing.",
            "Please fill it in.",
        )
    for part in parts:
        _check_text(question.identifier, part, _LONGEST_ANSWER)
        if question.type is QuestionType.SELECT and part and part not in question.options:
            _refuse(
                question.identifier,
                "OPTION",
                f"“{part[:80]}” is not one of the choices of “{question.label}”.",
                "Please choose one of them.",
            )


def _check_text(name: str, text: str, longest: int = 1000) -> None:
    if len(text) > longest:
        _refuse(
            name, "TOO_LONG", f"This text has {len(text)} characters; {longest} fit.", "Please shorten it."
        )
    # what no database and no CRM takes as text: NUL, and halves of characters
    if "\0" in text or any("\ud800" <= ch <= "\udfff" for ch in text):
        _refuse(
            name,
            "UNUSABLE_TEXT",
            "This text holds a character that cannot be stored.",
            "Please type it anew.",
        )


def _refuse(name: str, code: str, message: str, cure: str = "") -> NoReturn:
    raise InputError(message, cure=cure, code=code, fields=(name,))
