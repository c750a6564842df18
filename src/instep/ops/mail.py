"""Django's mail settings from the one address of the mail server."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

_DJANGO = "django.core.mail.backends"
_CONSOLE = "instep.ops.console_mail.EmailBackend"
#: seconds that a mail server may take for one answer
TIMEOUT = 15


def mail_settings(url: str, sender: str) -> dict[str, Any]:
    """Django's settings for `smtp://`, `smtps://` or `console:`; the dummy one where no server is set.

    A server reached by `smtp://` is asked for STARTTLS, but for one on this machine.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps"):
        backend = _CONSOLE if parts.scheme == "console" else f"{_DJANGO}.dummy.EmailBackend"
        return {"EMAIL_BACKEND": backend, "DEFAULT_FROM_EMAIL": sender}
    secure = parts.scheme == "smtps"
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    return {
        "EMAIL_BACKEND": f"{_DJANGO}.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if secure else 25 if local else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": secure,
        "EMAIL_USE_TLS": not secure and not local,
        "EMAIL_TIMEOUT": TIMEOUT,
        "DEFAULT_FROM_EMAIL": sender,
        "SERVER_EMAIL": sender,
    }
