"""A mistake of ours, or of the CRM's data, holds back one item and never a lane."""

from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import patch

import pytest

from instep.engine import jobs
from instep.store import statements


def test_what_no_jsonb_can_hold_is_replaced() -> None:
    """A record of the CRM may hold NUL or half a character; saving what we saw of it must not fail."""
    text = statements.as_json({"a\0": ["x\0y", {"z": "\ud83d"}], "n": 1, "ok": "ä\\u0000"})
    assert "\\u0000" not in text.replace("\\\\u0000", "")
    assert "\\ud83d" not in text
    assert '"n": 1' in text
    assert "\\\\u0000" in text, "a typed backslash is text like any other"


@pytest.mark.parametrize("option", ["sslmode", "sslrootcert"])
def test_the_queue_keeps_what_the_database_url_says_of_encryption(option: str) -> None:
    """A worker that drops `sslmode=verify-full` would talk to anybody who calls himself the database."""
    given = {"sslmode": "verify-full", "sslrootcert": "/etc/ca.pem"}
    database = {"NAME": "instep", "HOST": "db.example.org", "OPTIONS": given}
    with patch.object(jobs, "settings", SimpleNamespace(DATABASES={"default": database})):
        assert jobs.conninfo()[option] == given[option]
