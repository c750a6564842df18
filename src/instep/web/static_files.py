"""Addresses of static files that change with the files, so that no browser shows a new release in old clothes."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage


class VersionedStaticFiles(StaticFilesStorage):
    """`{% static %}` gives `/static/web/parts.css?v=…`. The files stay where they are: nothing is collected."""

    def url(self, name: str | None) -> str:
        version = _version(name or "")
        return super().url(name) + (f"?v={version}" if version else "")


@cache
def _version(name: str) -> str:
    """Part of the hash of the file's content, read once per process; empty where there is no such file."""
    found = finders.find(name)
    return hashlib.sha256(Path(found).read_bytes()).hexdigest()[:12] if isinstance(found, str) else ""
