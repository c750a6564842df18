"""The WSGI application, for Granian or any other WSGI server."""

from __future__ import annotations

import os

from instep.ops import logs
from instep.ops.settings import load

_settings = load()
logs.configure(_settings.log_format, _settings.log_level)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instep.ops.django_settings")

from django.core.wsgi import get_wsgi_application  # noqa: E402 - Django reads the settings when it is imported

application = get_wsgi_application()
