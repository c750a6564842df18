"""A mail in words: subject and text of what one person is told about one transition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from instep.core import cldr
from instep.core.booking import Kind
from instep.core.composed import zone
from instep.notify.mails import GUEST, HANDED_OVER, TAKEN_OVER

#: as long as a subject may get: mail programs cut it much earlier
_SUBJECT_LENGTH = 200


@frozen
class Mail:
    """One mail, ready to be sent. `reply_to` is whoever the reader would want to answer."""

    recipient: str
    subject: str
    text: str
    reply_to: str


def worded(what: str, role: str, recipient: str, document: Mapping[str, Any], booking_url: str) -> Mail:
    """The mail about `what` for one reader; `booking_url` is the host's page of the booking, or empty."""
    where = document["guest"]["zone"] if role == GUEST else document["reader_zone"]
    # 1:00 pm or 13:00: as the country writes it where the reader is
    locale = f"{get_language() or 'en'}_{cldr.territory(where)}"
    heading, opening = _said(what, role, document)
    start = datetime.fromisoformat(document["start"])
    subject = f"{heading}: {_whom(role, document)}, {_moment(start, where, locale)}"
    lines = [opening, "", *_facts(role, document, where, locale)]
    link = _link(what, role, document, booking_url)
    if link:
        lines += ["", link]
    answer = document["host"]["email"] if role == GUEST else document["guest"]["email"]
    return Mail(recipient, _one_line(subject), "\n".join(lines) + "\n", answer)


def alert_mail(recipient: str, connection: str, messages: Sequence[str], address: str) -> Mail:
    """The mail that tells an administrator what has changed in a CRM and will hurt."""
    subject = _("%(org)s: bookings will be refused if nothing is done") % {"org": _one_line(connection)}
    lines = [
        _("Somebody changed something in %(org)s that the next bookings need:")
        % {"org": _one_line(connection)},
        "",
        *(f"- {_one_line(message)}" for message in messages),
        "",
        _("Nothing is lost: what is refused waits, and is written once this is cured."),
    ]
    if address:
        lines += ["", f"{_('What to do')}: {address}"]
    return Mail(recipient, _one_line(subject), "\n".join(lines) + "\n", "")


def stop_mail(
    recipient: str, connection: str, message: str, waiting: int, strict: bool, address: str
) -> Mail:
    """The mail that tells an administrator that nothing is written to a CRM any more."""
    org = _one_line(connection)
    subject = _("%(org)s: nothing is written at the moment") % {"org": org}
    lines = [_one_line(message), ""]
    if waiting:
        lines.append(
            ngettext("%(n)s change waits for it.", "%(n)s changes wait for it.", waiting) % {"n": waiting}
        )
    if strict:
        lines.append(_("This connection is strict: until it works again its calendars offer no times."))
    else:
        lines.append(
            _("Guests book as always. Nothing is lost: what waits is written in order, once this is cured.")
        )
    lines.append(_("You get no other mail about it until it works again."))
    if address:
        lines += ["", f"{_('What to do')}: {address}"]
    return Mail(recipient, _one_line(subject), "\n".join(lines) + "\n", "")


def all_clear_mail(recipient: str, connection: str, waiting: int, address: str) -> Mail:
    """The mail that tells an administrator that a CRM is written to again."""
    org = _one_line(connection)
    subject = _("%(org)s: works again") % {"org": org}
    lines = [_("Bookings are written to %(org)s again.") % {"org": org}]
    if waiting:
        lines.append(
            ngettext("%(n)s change still waits.", "%(n)s changes still wait.", waiting) % {"n": waiting}
        )
    else:
        lines.append(_("Everything that waited is written."))
    if address:
        lines += ["", address]
    return Mail(recipient, _one_line(subject), "\n".join(lines) + "\n", "")


def _said(what: str, role: str, document: Mapping[str, Any]) -> tuple[str, str]:
    """The heading and the first sentence."""
    names = {
        "guest": _one_line(document["guest"]["name"] or document["guest"]["email"]),
        "host": _one_line(document["host"]["name"]),
        "subject": _one_line(document["subject"]),
    }
    by_guest = document["by"] == "customer"
    if role == GUEST:
        heading, opening = _to_guest(what)
    else:
        heading, opening = _to_host(what, by_guest)
    return heading, opening % names


def _to_guest(what: str) -> tuple[str, str]:
    return {
        Kind.REQUESTED: (
            _("Request received"),
            _("Your request for “%(subject)s” was sent to %(host)s, who will answer it."),
        ),
        Kind.SCHEDULED: (_("Confirmed"), _("“%(subject)s” with %(host)s is booked.")),
        Kind.APPROVED: (_("Confirmed"), _("%(host)s has confirmed “%(subject)s”.")),
        Kind.DECLINED: (_("Declined"), _("%(host)s cannot accept your request for “%(subject)s”.")),
        Kind.RESCHEDULED: (_("New time"), _("“%(subject)s” with %(host)s has a new time.")),
        Kind.CANCELED: (_("Canceled"), _("“%(subject)s” with %(host)s is canceled.")),
        Kind.CANCELED_RESCHEDULE_REQUESTED: (
            _("Please choose another time"),
            _("%(host)s cannot keep “%(subject)s” at this time and asks you to choose another one."),
        ),
    }[Kind(what)]


def _to_host(what: str, by_guest: bool) -> tuple[str, str]:
    if what == HANDED_OVER:
        return _("Handed over"), _("“%(subject)s” with %(guest)s is %(host)s’s now.")
    if what == TAKEN_OVER:
        return _("Yours now"), _("“%(subject)s” with %(guest)s was handed over to you.")
    return {
        Kind.REQUESTED: (_("New request"), _("%(guest)s asks for “%(subject)s” with you.")),
        Kind.SCHEDULED: (_("New booking"), _("%(guest)s has booked “%(subject)s” with you.")),
        Kind.RESCHEDULED: (
            _("New time"),
            _("%(guest)s has moved “%(subject)s”.")
            if by_guest
            else _("“%(subject)s” with %(guest)s was moved."),
        ),
        Kind.CANCELED: (
            _("Canceled"),
            _("%(guest)s has canceled “%(subject)s”.")
            if by_guest
            else _("“%(subject)s” with %(guest)s was canceled."),
        ),
        Kind.CANCELED_RESCHEDULE_REQUESTED: (
            _("Asked to choose another time"),
            _("“%(subject)s” is canceled; %(guest)s was asked to choose another time."),
        ),
    }[Kind(what)]


def _facts(role: str, document: Mapping[str, Any], where: str, locale: str) -> Iterator[str]:
    """One line for each thing worth knowing, its word first."""
    guest = document["guest"]
    start, end = (datetime.fromisoformat(document[name]) for name in ("start", "end"))
    yield f"{_('When')}: {_range(start, end, where, locale)}"
    if document["was"]:
        was = _moment(datetime.fromisoformat(document["was"]), where, locale)
        yield f"{_('Before')}: {was}"
    if document["location"]:
        yield f"{_('Where')}: {_one_line(document['location'])}"
    if role == GUEST:
        yield f"{_('With')}: {_one_line(document['host']['name'])}"
    else:
        known = (guest["name"], guest["email"], guest["phone"], guest["company"])
        yield f"{_('Guest')}: {', '.join(_one_line(part) for part in known if part)}"
    if document["reason"]:
        yield f"{_('Reason')}: {document['reason'].strip()}"
    if role != GUEST and guest["note"]:
        yield f"{_('Note')}: {guest['note'].strip()}"


def _link(what: str, role: str, document: Mapping[str, Any], booking_url: str) -> str:
    if role != GUEST:
        return f"{_('See and change it')}: {booking_url}" if booking_url else ""
    if not document["manage_url"] or what in (Kind.DECLINED, Kind.CANCELED):
        return ""
    if what == Kind.CANCELED_RESCHEDULE_REQUESTED:
        return f"{_('Choose another time')}: {document['manage_url']}"
    return f"{_('Change it, cancel it, or add it to your calendar')}: {document['manage_url']}"


def _whom(role: str, document: Mapping[str, Any]) -> str:
    if role == GUEST:
        return str(document["subject"])
    return str(document["guest"]["name"] or document["guest"]["email"])


def _moment(at: datetime, where: str, locale: str) -> str:
    place = zone(where)
    return f"{cldr.day(at, place, locale)}, {cldr.time(at, place, locale)}"


def _range(start: datetime, end: datetime, where: str, locale: str) -> str:
    """`Thu, 5 Mar 2026, 13:00 – 13:45 (Europe/Lisbon)`; the day is repeated where the end is on another one."""
    place = zone(where)
    same_day = start.astimezone(place).date() == end.astimezone(place).date()
    last = cldr.time(end, place, locale) if same_day else _moment(end, where, locale)
    return f"{_moment(start, where, locale)} – {last} ({where or 'UTC'})"


def _one_line(text: str) -> str:
    """Text of people for a header or a line: line breaks in a header would be another header."""
    return " ".join(text.split())[:_SUBJECT_LENGTH]
