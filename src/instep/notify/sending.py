"""Handing a mail to the mail server of the settings."""

from __future__ import annotations

import smtplib
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from instep.core.errors import InstepError, NeedsAdmin, Retry
from instep.notify.wording import Mail

#: answers of a mail server that trying again does not change
_FOR_GOOD = range(500, 600)


def is_set_up() -> bool:
    """Whether there is a mail server to hand mails to."""
    return not str(settings.EMAIL_BACKEND).endswith("dummy.EmailBackend")


def try_server() -> None:
    """Sign in to the mail server without sending anything. Raises as `send` does."""
    try:
        with get_connection():
            pass
    except (smtplib.SMTPException, OSError) as error:
        raise _decision(error, "") from error


def send(mail: Mail, message_id: str, thread: str) -> None:
    """Send one mail. Raises `Retry` where the server may take it later, `NeedsAdmin` where it never will.

    `message_id` is the same at every try, so that a mail sent twice is shown once; `thread` holds the mails
    about one booking together.
    """
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    message = EmailMessage(
        mail.subject,
        mail.text,
        to=[mail.recipient],
        reply_to=[mail.reply_to] if mail.reply_to else None,
        headers={
            "Message-ID": f"<{message_id}@{domain}>",
            "References": f"<{thread}@{domain}>",
            "Auto-Submitted": "auto-generated",
        },
    )
    try:
        message.send()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise _decision(error, mail.recipient) from error


def _decision(error: Exception, recipient: str) -> InstepError:
    said = str(error).strip().rstrip(".")
    told = (
        f"The mail to {recipient} was not sent: {said}." if recipient else f"The mail server refused: {said}."
    )
    cure = "Check INSTEP_SMTP_URL and INSTEP_MAIL_FROM; `instep doctor` tries the mail server."
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        if all(code in _FOR_GOOD for code in codes):
            return NeedsAdmin(told, cure="Correct the address.", code="RECIPIENT")
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code in _FOR_GOOD:
        # 535 is a wrong password: every mail would be refused until an admin has cured it, then all go
        wrong_login = isinstance(error, smtplib.SMTPAuthenticationError)
        return Retry(told, cure=cure, code="SMTP_LOGIN") if wrong_login else NeedsAdmin(told, cure=cure)
    if isinstance(error, ValueError):
        return NeedsAdmin(told, cure="Correct the address.", code="RECIPIENT")
    return Retry(told, cure=cure, code="SMTP")
