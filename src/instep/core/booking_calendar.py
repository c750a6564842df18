"""A booking calendar: what guests can book, when, and what they are asked. Frozen values and their documents.

Minutes are whole minutes; `0` means no limit where a limit is meant.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Any

from attrs import asdict, field, frozen

from instep.core.errors import InputError
from instep.core.zones import canonical

#: the source name of bookings, calendars and facts that are made here
HERE = "instep"

_LONGEST_SLUG = 64
_SLUG = re.compile(rf"[a-z0-9](?:[a-z0-9-]{{0,{_LONGEST_SLUG - 2}}}[a-z0-9])?\Z")
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
DAY = 24 * 60


class QuestionType(StrEnum):
    """How a question is answered."""

    TEXT = "text"
    LONG_TEXT = "textarea"
    SELECT = "select"
    CONSENT = "consent"


@frozen
class Question:
    """One question of the booking form. The answer is a custom property named `identifier`."""

    identifier: str
    label: str
    type: QuestionType = QuestionType.TEXT
    required: bool = False
    options: tuple[str, ...] = ()


class Ask(StrEnum):
    """Whether the form has one of the system's own fields."""

    NO = "no"
    OPTIONAL = "optional"
    REQUIRED = "required"


@frozen
class Rules:
    """How a calendar is booked.

    `durations` are what the guest may choose from, the first one preselected. `slot_step` is the distance of the
    offered starts. Buffers are kept free around each booking. `min_notice` minutes before the start a slot is no
    longer offered; `window_days` days ahead it is not offered yet. `max_per_day` counts a host's bookings of this
    calendar in the host's own day. `guest_changes_until`: up to so many minutes before the start the guest may
    still cancel or reschedule.
    """

    description: str = ""
    durations: tuple[int, ...] = (30,)
    slot_step: int = 30
    buffer_before: int = 0
    buffer_after: int = 0
    min_notice: int = 120
    window_days: int = 60
    max_per_day: int = 0
    virtual_location: str = ""
    physical_location: str = ""
    approval: bool = False
    guest_may_cancel: bool = True
    guest_may_reschedule: bool = True
    guest_changes_until: int = 0
    ask_company: Ask = Ask.OPTIONAL
    ask_phone: Ask = Ask.OPTIONAL
    ask_note: Ask = Ask.OPTIONAL
    questions: tuple[Question, ...] = ()
    next_steps: str = ""
    #: title of the events in calendars and CRMs, with @-properties (`core.catalogue.TITLE_WORDS`); empty: the name
    event_title: str = ""


@frozen
class BookingCalendar:
    """A calendar as guests and commands see it.

    `id` is the public id; `hosts` are keys of `core.booking.Host` in the order in which they are asked. Hosts of
    the same priority take turns; 1, which is what is not said otherwise, is asked before 2.
    """

    id: str
    name: str
    slug: str
    published: bool
    rules: Rules
    hosts: tuple[str, ...] = ()
    priorities: Mapping[str, int] = field(factory=dict)

    def priority_of(self, host: str) -> int:
        """When a host is asked: 1 before 2."""
        return self.priorities.get(host, 1)


@frozen
class WeeklyHours:
    """Fixed hours of a week in one zone: (weekday 0 = Monday, from, to) in minutes of the day, `to` up to 1440.

    Spans of a day may touch but not overlap.
    """

    zone: str = "UTC"
    spans: tuple[tuple[int, int, int], ...] = field(default=())


def rules_document(rules: Rules) -> dict[str, Any]:
    """Rules as JSON."""
    document = asdict(rules)
    document["durations"] = list(rules.durations)
    document["questions"] = [{**asdict(q), "options": list(q.options)} for q in rules.questions]
    return document


def rules_of(document: Mapping[str, Any]) -> Rules:
    """Rules from JSON; what the document does not name keeps its default."""
    known = {name: document[name] for name in _RULES if name in document}
    if "durations" in known:
        known["durations"] = tuple(known["durations"])
    for name in ("ask_company", "ask_phone", "ask_note"):
        if name in known:
            known[name] = Ask(known[name])
    if "questions" in known:
        known["questions"] = tuple(
            Question(
                q["identifier"],
                q["label"],
                QuestionType(q.get("type", "text")),
                bool(q.get("required", False)),
                tuple(q.get("options", ())),
            )
            for q in known["questions"]
        )
    return Rules(**known)


_RULES = tuple(a.name for a in Rules.__attrs_attrs__)


def hours_document(hours: WeeklyHours) -> dict[str, Any]:
    """Weekly hours as JSON; {} where there are none."""
    return {"zone": hours.zone, "spans": [list(span) for span in hours.spans]} if hours.spans else {}


def hours_of(document: Mapping[str, Any]) -> WeeklyHours:
    """Weekly hours from JSON."""
    spans = tuple((int(d), int(a), int(b)) for d, a, b in document.get("spans", ()))
    return WeeklyHours(str(document.get("zone") or "UTC"), spans)


def slug_of(name: str) -> str:
    """A slug that a name suggests, without accents; empty where the name has no letter or digit of ASCII."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:_LONGEST_SLUG].rstrip("-")


def check_name(name: str) -> None:
    """Raises `InputError` for a text that cannot be a calendar's name."""
    _check(bool(name.strip()), "A booking calendar needs a name: guests read it first.", "NAME")
    _check(
        len(name) <= 200 and name.isprintable(), "The name is too long, or has more than one line.", "NAME"
    )


def check_slug(slug: str) -> None:
    """Raises `InputError` for a text that cannot be the last part of a booking page's address."""
    if not _SLUG.match(slug):
        raise InputError(
            f"“{slug[:80]}” cannot be part of a web address.",
            cure="Use up to 64 small letters, digits and hyphens, like product-demo.",
            code="SLUG",
        )


def is_identifier(text: str) -> bool:
    """Whether a text can be a question's identifier."""
    return bool(_IDENTIFIER.match(text))


def check_rules(rules: Rules) -> None:
    """Raises `InputError` for the first rule that cannot hold."""
    _check(
        bool(rules.durations) and all(5 <= d <= 12 * 60 for d in rules.durations),
        "A duration must lie between 5 minutes and 12 hours.",
        "DURATION",
    )
    _check(len(set(rules.durations)) == len(rules.durations), "A duration is listed twice.", "DURATION")
    _check(5 <= rules.slot_step <= DAY, "The slot step must lie between 5 minutes and one day.", "SLOT_STEP")
    _check(
        0 <= rules.buffer_before <= DAY and 0 <= rules.buffer_after <= DAY,
        "A buffer must lie between 0 minutes and one day.",
        "BUFFER",
    )
    _check(
        0 <= rules.min_notice <= 365 * DAY, "The minimum notice must lie between 0 and 365 days.", "NOTICE"
    )
    _check(1 <= rules.window_days <= 730, "The booking window must lie between 1 and 730 days.", "WINDOW")
    _check(0 <= rules.max_per_day <= 100, "The daily limit must lie between 0 (none) and 100.", "MAX_PER_DAY")
    _check(rules.guest_changes_until >= 0, "The guest's deadline cannot be negative.", "CHANGES_UNTIL")
    _check_questions(rules.questions)


def _check_questions(questions: Sequence[Question]) -> None:
    seen: set[str] = set()
    for question in questions:
        _check(
            is_identifier(question.identifier) and question.identifier not in seen,
            f"The identifier “{question.identifier[:40]}” must be unique, and small letters, digits and _ only.",
            "QUESTION",
        )
        _check(bool(question.label.strip()), f"The question {question.identifier} has no text.", "QUESTION")
        _check(
            question.type is not QuestionType.SELECT or len(question.options) >= 2,
            f"The question “{question.label}” offers fewer than two choices.",
            "QUESTION",
        )
        seen.add(question.identifier)


def check_hours(hours: WeeklyHours) -> None:
    """Raises `InputError` for an unknown zone, and for spans that are no times of a day, or that overlap."""
    _check(canonical(hours.zone) == hours.zone, f"“{hours.zone[:60]}” is no time zone of today.", "ZONE")
    for day, start, end in hours.spans:
        _check(
            0 <= day <= 6 and 0 <= start < end <= DAY,
            "A span of weekly hours must end after it starts, on the same day.",
            "HOURS",
        )
    ordered = sorted(hours.spans)
    for (day, _, end), (next_day, start, _) in pairwise(ordered):
        _check(day != next_day or end <= start, "Two spans of weekly hours overlap.", "HOURS")


def _check(holds: bool, message: str, code: str) -> None:
    if not holds:
        raise InputError(message, code=code)
