"""Mails shown instead of sent: who would get what, as people read it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class EmailBackend(BaseEmailBackend):
    """Django's backend for `console:`: each mail in one piece on standard output."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Show them; how many there were."""
        for mail in email_messages:
            head = [
                f"Mail to: {', '.join(mail.recipients())}",
                f"From:    {mail.from_email}",
                f"Subject: {mail.subject}",
            ]
            body = [f"    {line}".rstrip() for line in str(mail.body).splitlines()]
            sys.stdout.write("\n".join(["", *head, *body, "", ""]))
            sys.stdout.flush()
        return len(email_messages)
