"""What the admin's rules want of one item before anything is read: which records, and by which ids.

Source: OnceHub 2.5 (algorithm for one booking event), 4.1 (Booking page settings), 6.3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import frozen

from instep.core.creation import CASE, NONE, PersonAccounts
from instep.core.desired import Setting, wants_activity
from instep.core.profile import PersonObject
from instep.core.work import Work

#: characters of a record id in its short form
_SHORT = 15


@frozen
class Wanted:
    """`family` is the person object that is searched first and made; `ids` are usable record ids by name.

    `case`: general bookings get a case. `activity`: the meeting is written; `elsewhere`: it is not, because another
    product is to write it. `nothing`: the calendar is not to be
    integrated, and nothing has been written for this item yet; `unless_named`: so it is where no id names a record.
    """

    family: str
    case: bool = False
    activity: bool = False
    elsewhere: bool = False
    nothing: bool = False
    unless_named: bool = False
    ids: Mapping[str, str] = {}


def wanted(setting: Setting, work: Work) -> Wanted:
    """What the rules of the connection and of the item's calendar ask for."""
    config, booking = setting.config, work.booking
    if booking is None:
        return Wanted(config.person_object)
    rules = config.calendar(booking.calendar)
    ids = _usable_ids(setting, booking.record_ids) if booking.record_ids else {}
    case = setting.profile.case if rules.links == CASE else None
    family = rules.links if rules.links in setting.profile.choices else config.person_object
    link = work.link
    linked = bool(link.person_id or link.activity_id or link.case_id)
    event = config.events if rules.event is None else rules.event
    return Wanted(
        family=case.family if case else family,
        case=case is not None,
        # what was written once stays in step, whatever is chosen for new bookings later; and what was in step
        # without a record before the rules were changed gets none for that
        activity=wants_activity(booking) and ((event and not work.settled) or bool(link.activity_id)),
        elsewhere=wants_activity(booking) and not event and not link.activity_id,
        nothing=not linked and (work.settled or (rules.links == NONE and not ids)),
        # an id that names nothing there must not get around the calendar's word
        unless_named=not linked and rules.links == NONE,
        ids=ids,
    )


def _usable_ids(setting: Setting, said: Mapping[str, str]) -> dict[str, str]:
    """The ids that can be such records at all: an id of another object names nobody.

    In their short form: a long one with a wrong checksum would spoil the query of a whole batch.
    """
    kinds = {person.link: person.id_prefix for person in setting.profile.persons}
    if setting.profile.case is not None:
        kinds[setting.profile.case.link] = setting.profile.case.id_prefix
    return {
        name: text[:_SHORT] for name, text in said.items() if name in kinds and text.startswith(kinds[name])
    }


def people(setting: Setting) -> tuple[PersonObject, ...]:
    """The person objects that this CRM has for us: person accounts only where it has them."""
    return tuple(p for p in setting.profile.persons if p.twin is None or setting.has(p.name, p.twin.flag))


def makes_companies(setting: Setting) -> bool:
    """Whether any booking may lead to a new person who belongs to a company."""
    config, company = setting.config, setting.profile.company
    if company is None or company.name not in setting.schema:
        return False
    families = {p.name for p in setting.profile.persons if p.employer is not None}
    made = {config.person_object, *(rules.links for rules in config.calendars.values())}
    return bool(made & (families | {CASE}))


def new_person(setting: Setting, family: str, company: Callable[[], str]) -> PersonObject:
    """What a new person of that family becomes; `company` gives the name of its company, empty for none."""
    accounts = setting.config.person_accounts
    if accounts is PersonAccounts.ALWAYS or (accounts is PersonAccounts.WITHOUT_COMPANY and not company()):
        for person in people(setting):
            if person.twin is not None and person.twin.of == family:
                return person
    return setting.profile.person(family)
