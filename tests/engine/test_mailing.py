"""Mails that are owed are sent once, tried again where that helps, and given up where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.core import mail as outbox
from django.db import connection

from instep.engine.mailing import NOT_SET_UP, deliver_due
from instep.ops.mail import mail_settings
from instep.ops.supervisor import free_port
from instep.store import delivery_queries
from instep.store.models import Account, Booking

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DOCUMENT = {
    "booking": "BKNG-1", "subject": "Démo", "start": "2026-03-05T13:00:00+00:00",
    "end": "2026-03-05T13:45:00+00:00", "was": "", "by": "customer", "reason": "",
    "host": {"name": "Nuno", "email": "nuno@host.example", "zone": "Europe/Lisbon"},
    "reader_zone": "Europe/Lisbon",
    "guest": {"name": "Ines", "email": "ines@guest.example", "phone": "", "company": "", "note": "", "zone": ""},
    "location": "", "manage_url": "https://book.example/m/t",
}  # fmt: skip


@pytest.fixture
def booking() -> Booking:
    account = Account.objects.create(name="Acme")
    return Booking.objects.create(
        account=account, source="instep", source_id="BKNG-1", status="scheduled", subject="Démo",
        start_at=NOW, end_at=NOW + timedelta(hours=1), state={},
    )  # fmt: skip


def owe(booking: Booking, recipient: str = "nuno@host.example") -> None:
    mail = {"what": "scheduled", "role": "host", "recipient": recipient, "document": DOCUMENT}
    delivery_queries.owe(booking.account_id, booking.id, [mail], NOW)


class Postbox:
    """An SMTP server's side: keeps what it takes, refuses whom it is told to refuse."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.answer = "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append(envelope)
        return "250 OK"


@pytest.fixture
def postbox(settings: Any) -> Iterator[Postbox]:
    """A real SMTP server on a free port, and the settings that lead to it."""
    box = Postbox()
    server = Controller(box, hostname="127.0.0.1", port=free_port())
    server.start()
    for name, value in mail_settings(f"smtp://127.0.0.1:{server.port}", "Acme <meet@acme.example>").items():
        setattr(settings, name, value)
    yield box
    server.stop()


def parsed(envelope: Any) -> Message:
    from email import message_from_bytes, policy

    return message_from_bytes(envelope.content, policy=policy.default)


def test_a_mail_reaches_the_server_once_with_its_headers(booking: Booking, postbox: Postbox) -> None:
    owe(booking)
    assert deliver_due() == 1
    assert deliver_due() == 0
    (envelope,) = postbox.taken
    message = parsed(envelope)
    assert envelope.rcpt_tos == ["nuno@host.example"]
    assert message["From"] == "Acme <meet@acme.example>"
    assert message["Reply-To"] == "ines@guest.example"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["References"] == "<BKNG-1@acme.example>"
    assert str(message["Subject"]).startswith("New booking: Ines, ")
    text = message.get_content()
    assert "“Démo”" in text
    assert f"https://book.example/bookings/{booking.id}" in text
    (sent,) = delivery_queries.of_booking(booking.account_id, booking.id)
    assert sent.sent_at
    assert not sent.waiting


def test_a_server_that_is_away_is_asked_again_later(booking: Booking, postbox: Postbox) -> None:
    owe(booking)
    postbox.answer = "451 try later"
    deliver_due()
    (late,) = delivery_queries.of_booking(booking.account_id, booking.id)
    assert late.waiting
    assert "451" in late.error
    assert deliver_due() == 0, "not before its time"
    postbox.answer = "250 OK"
    _let_time_pass()
    assert deliver_due() == 1
    (sent,) = delivery_queries.of_booking(booking.account_id, booking.id)
    assert sent.sent_at
    assert sent.error == ""


def test_an_address_that_is_refused_is_given_up_and_shown(booking: Booking, postbox: Postbox) -> None:
    owe(booking, "nobody@host.example")
    postbox.answer = "550 no such user"
    deliver_due()
    (refused,) = delivery_queries.of_booking(booking.account_id, booking.id)
    assert not refused.waiting
    assert not refused.sent_at
    assert "550" in refused.error
    assert delivery_queries.standing(booking.account_id, days=100_000).given_up == 1


def test_without_a_mail_server_nothing_piles_up(booking: Booking, settings: Any) -> None:
    for name, value in mail_settings("", "x@y.example").items():
        setattr(settings, name, value)
    owe(booking)
    deliver_due()
    (unsent,) = delivery_queries.of_booking(booking.account_id, booking.id)
    assert (unsent.waiting, unsent.error) == (False, NOT_SET_UP)
    assert outbox.outbox == []


def test_one_refused_mail_does_not_hold_back_the_others(booking: Booking) -> None:
    owe(booking, "no address at all\n")
    owe(booking)
    assert deliver_due() == 2
    assert [message.to for message in outbox.outbox][-1] == ["nuno@host.example"]


def _let_time_pass() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE delivery SET due_at = now() - interval '1 second' WHERE due_at IS NOT NULL")
