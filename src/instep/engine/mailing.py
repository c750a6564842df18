"""Sends the mails that transitions owe, one at a time, and tries again what did not go through.

A mail is sent at least once: a sender that dies between the mail server's yes and our note of it sends the same
message, with the same Message-ID, once more.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from django.conf import settings
from django.db import transaction

from instep.core.causes import SETUP
from instep.core.errors import InstepError, Retry
from instep.notify import sending
from instep.notify.wording import Mail, alert_mail, all_clear_mail, stop_mail, worded
from instep.store import alert_queries, credentials, delivery_queries, stop_queries
from instep.store.delivery_queries import Due

log = structlog.get_logger(__name__)

#: seconds to the next try; doubled each time up to an hour
_PAUSE, _LONGEST_PAUSE = 30.0, 3600.0
#: tries before a mail is given up: about three days
_TRIES = 80
#: seconds that a stop which passes by itself lasts before anybody is told; one that waits for a person is told at once
_STOP_TOLD_AFTER = 600.0
#: seconds that a connection works again before that is told: one that comes and goes is not well
_END_TOLD_AFTER = 60.0
NOT_SET_UP = "No mail server is set (INSTEP_SMTP_URL)."


def deliver_due(limit: int = 50) -> int:
    """Send mails that are due, at most `limit`; how many were tried."""
    tried = 0
    while tried < limit and _deliver_one():
        tried += 1
    return tried


def _deliver_one() -> bool:
    """Send the mail that is due longest. False when none is."""
    with transaction.atomic():
        found = delivery_queries.take_due(1)
        if not found:
            return False
        due = found[0]
        if not sending.is_set_up():
            # a mail that comes when a server is set up one day would tell old news
            delivery_queries.settle(due, sent=False, error=NOT_SET_UP)
            return True
        _send(due)
        return True


def _send(due: Due) -> None:
    try:
        mail = worded(due.what, due.role, due.recipient, due.document, _booking_url(due))
        sending.send(mail, f"{due.booking_id}.{due.id}", due.booking_id)
    except InstepError as error:
        again = isinstance(error, Retry) and due.attempts + 1 < _TRIES
        pause = min(_PAUSE * 2 ** min(due.attempts, 10), _LONGEST_PAUSE)
        delivery_queries.settle(due, sent=False, again_in=pause if again else None, error=error.message)
        log.warning("mail.not_sent", booking=due.booking_id, what=due.what, code=error.code, again=again)
        return
    delivery_queries.settle(due, sent=True)
    log.info("mail.sent", booking=due.booking_id, what=due.what, role=due.role)


def _booking_url(due: Due) -> str:
    """The host's page of the booking: at the public address, else where the guest booked."""
    base = settings.INSTEP.public_url or str(due.document["manage_url"]).rpartition("/m/")[0]
    return f"{base}/bookings/{due.booking_key}" if base else ""


def tell_alerts() -> int:
    """Mail what is new about the setups of connections to the administrators, all of one connection in one mail.

    How many mails went out. A server that refuses one recipient does not keep the others from theirs; what could not
    be sent stands on the dashboard.
    """
    # claimed before it is sent: no lane waits for the mail server, and a mail that is lost stands on the dashboard
    with transaction.atomic():
        found = alert_queries.take_unmailed(SETUP)
        if found is not None:
            alert_queries.mark_mailed(found.account_id, found.keys)
    if found is None:
        return 0
    address = _page_of(found.connection, "/problems")
    mails = [alert_mail(to, found.connection_name, found.messages, address) for to in found.recipients]
    return _send_all(mails, found.connection, f"{found.keys[0]}")


def tell_stops() -> int:
    """Mail administrators that a connection stands still, once for each stop, and that it works again.

    How many mails went out.
    """
    return _tell_stop() + _tell_end()


def _tell_stop() -> int:
    with transaction.atomic():
        stop = stop_queries.take_stop(_STOP_TOLD_AFTER)
        if stop is not None:
            stop_queries.mark_told(stop.account_id, stop.keys)
    if stop is None:
        return 0
    address = _page_of(stop.connection)
    mails = [
        stop_mail(to, stop.connection_name, stop.message, stop.waiting, stop.strict, address)
        for to in stop.recipients
    ]
    return _send_all(mails, stop.connection, f"stop.{stop.keys[0]}")


def _tell_end() -> int:
    with transaction.atomic():
        stop = stop_queries.take_end(_END_TOLD_AFTER)
        if stop is not None:
            stop_queries.mark_over(stop.account_id, stop.keys)
    if stop is None or stop.state != credentials.CONNECTED:
        # who disconnected it knows
        return 0
    address = _page_of(stop.connection)
    mails = [all_clear_mail(to, stop.connection_name, stop.waiting, address) for to in stop.recipients]
    return _send_all(mails, stop.connection, f"over.{stop.keys[0]}")


def _page_of(connection: str, below: str = "") -> str:
    """The address of a connection's page, where this Instep has a public one."""
    base = settings.INSTEP.public_url
    return f"{base}/integrations/{connection}{below}" if base else ""


def _send_all(mails: Sequence[Mail], connection: str, name: str) -> int:
    """Send mails about a connection; how many went out. One that is refused does not keep the others."""
    told = 0
    for mail in mails if sending.is_set_up() else ():
        try:
            sending.send(mail, f"{connection}.{name}.{told}", connection)
            told += 1
        except InstepError as error:
            log.warning("alert.not_mailed", connection=connection, code=error.code)
    return told
