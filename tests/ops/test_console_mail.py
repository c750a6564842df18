"""Mails that are shown instead of sent: readable in any language, all who get them named."""

from __future__ import annotations

import pytest
from django.core.mail import EmailMessage

from instep.ops.console_mail import EmailBackend


def test_a_mail_is_shown_as_people_read_it(capsys: pytest.CaptureFixture[str]) -> None:
    mail = EmailMessage(
        "Neue Zeit: Müller", "Guten Tag,\n\n10:00 Uhr.", "a@acme.example", ["b@x.example", "c@x.example"]
    )
    assert EmailBackend().send_messages([mail]) == 1
    said = capsys.readouterr().out
    assert "Mail to: b@x.example, c@x.example\n" in said
    assert "Subject: Neue Zeit: Müller\n    Guten Tag,\n\n    10:00 Uhr.\n" in said
