"""The demo's booking calendars: two that guests can book at once, and the hours of the three example hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from attrs import frozen

from instep.core.booking_calendar import Ask, Question, QuestionType, Rules, WeeklyHours

_WORKDAYS = range(5)


def _weekly(zone: str, *spans: tuple[int, int]) -> WeeklyHours:
    """The same hours from Monday to Friday, given in whole hours."""
    return WeeklyHours(
        zone, tuple((day, first * 60, last * 60) for day in _WORKDAYS for first, last in spans)
    )


#: the hosts of the example events, who are users of the stand-in too
HOSTS: Mapping[str, WeeklyHours] = {
    "nuno.reis@host.example": _weekly("Europe/Lisbon", (9, 13), (14, 18)),
    "greta.lindqvist@host.example": _weekly("Europe/Stockholm", (8, 16)),
    "amara.okafor@host.example": _weekly("Africa/Lagos", (9, 17)),
}

_TEAM_SIZE = Question(
    "team_size", "Team size", QuestionType.SELECT, options=("1-10", "11-50", "51-200", "200+")
)


@frozen
class Example:
    """One calendar of the demo."""

    name: str
    slug: str
    hosts: Sequence[str]
    rules: Rules


CALENDARS = (
    Example(
        "Product demo",
        "product-demo",
        tuple(HOSTS),
        Rules(
            description="We show you the product with your own example, and answer what you ask.",
            durations=(30, 45),
            slot_step=30,
            buffer_after=10,
            min_notice=60,
            virtual_location="https://meet.example/product-demo",
            ask_company=Ask.REQUIRED,
            questions=(_TEAM_SIZE,),
            next_steps="You will hear from us only if something changes.",
        ),
    ),
    Example(
        "Onboarding call",
        "onboarding-call",
        ("nuno.reis@host.example",),
        Rules(
            description="An hour with the person who will set things up with you.",
            durations=(60,),
            slot_step=60,
            min_notice=4 * 60,
            max_per_day=4,
            physical_location="Rua do Exemplo 12, Lisboa",
            ask_phone=Ask.REQUIRED,
        ),
    ),
)


def publish(account_id: int, now: datetime) -> list[str]:
    """Give the example hosts their hours and publish the calendars, where that is not done yet; their slugs."""
    from instep.bookings import calendars, hosting

    known = {host.email: host for host in hosting.list_hosts(account_id, now)}
    for email, hours in HOSTS.items():
        host = known.get(email)
        if host is not None and not host.hours.spans:
            hosting.change_host(account_id, host.key, host.name, host.email, hours, now)
    for example in CALENDARS:
        if calendars.by_slug(example.slug) is None:
            keys = [known[email].key for email in example.hosts if email in known]
            calendars.create(account_id, example.name, example.slug, example.rules, keys, True)
    return [example.slug for example in CALENDARS]
