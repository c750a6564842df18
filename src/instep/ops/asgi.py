"""The ASGI application, for Granian or any other ASGI server: Django's WSGI handler behind `Front`."""

from __future__ import annotations

import atexit
import multiprocessing
import os

from instep.ops import logs
from instep.ops.boot import DJANGO_SETTINGS, run_migrations
from instep.ops.front import Front
from instep.ops.lifetime import die_with_parent
from instep.ops.settings import load

if multiprocessing.parent_process() is not None:
    # A worker of our own `instep web`: it must not go on serving when that is killed.
    die_with_parent()
    # The server's threads may still call Python while the interpreter is taken down, and abort the process.
    # Registered first, this comes last: all has been finished and flushed, and what is left is not taken down at all.
    atexit.register(os._exit, 0)

_settings = load()
logs.configure(_settings.log_format, _settings.log_level or "info")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", DJANGO_SETTINGS)

from django.core.wsgi import get_wsgi_application  # noqa: E402 - importing Django's parts reads the settings

_pages = get_wsgi_application()
if _settings.migrate_at_start:
    run_migrations()

application = Front(_pages, _settings.max_body, _settings.web_threads)
