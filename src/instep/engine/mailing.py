"""Sends the mails that transitions owe, one at a time, and tries again what did not go through.

A mail is sent at least once: a sender that dies between the mail server's yes and our note of it sends the same
message, with the same Message-ID, once more.
"""

from __future__ import annotations

import structlog
from django.conf import settings
from django.db import transaction

from instep.core.causes import SETUP
from instep.core.errors import InstepError, Retry
from instep.notify import sending
from instep.notify.wording import alert_mail, worded
from instep.store import alert_queries, delivery_queries
from instep.store.delivery_queries import Due

log = structlog.get_logger(__name__)

#: seconds to the next try; doubled each time up to an hour
_PAUSE, _LONGEST_PAUSE = 30.0, 3600.0
#: tries before a mail is given up: about three days
_TRIES = 80
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
    told = 0
    with transaction.atomic():
        found = alert_queries.take_unmailed(SETUP)
        if found is None:
            return 0
        alert_queries.mark_mailed(found.account_id, found.keys)
        base = settings.INSTEP.public_url
        address = f"{base}/integrations/{found.connection}/problems" if base else ""
        for recipient in found.recipients if sending.is_set_up() else ():
            mail = alert_mail(recipient, found.connection_name, found.messages, address)
            try:
                sending.send(mail, f"{found.connection}.{found.keys[0]}.{told}", found.connection)
                told += 1
            except InstepError as error:
                log.warning("alert.not_mailed", connection=found.connection, code=error.code)
    return told
