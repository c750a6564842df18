"""What a CRM repeats of our secrets in its errors goes no further."""

from __future__ import annotations

import pytest

from instep.core.errors import NeedsAdmin
from instep.core.redaction import HIDDEN

SECRET = "AQcAQH0dMHZfz972"


@pytest.mark.parametrize(
    "said",
    [
        f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----",
        f"-----BEGIN EC PRIVATE KEY-----\\n{SECRET}",
        f"eyJhbGciOiJSUzI1NiJ9.{SECRET}.c2lnbmF0dXJl",
        f"Bearer {SECRET}",
        f"00D5g0000000001AAA!{SECRET}",
    ],
)
def test_an_error_never_holds_a_key_or_a_token(said: str) -> None:
    error = NeedsAdmin(f"The CRM refused {said} for good.", cure="Connect again.")
    assert SECRET not in str(error) + repr(error) + error.message
    assert HIDDEN in error.message


def test_a_hubspot_token_is_hidden() -> None:
    assert "0a1b2c3d" not in NeedsAdmin("The token pat-na1-0a1b2c3d-1111-2222 is expired.").message


@pytest.mark.parametrize(
    "said",
    [
        "INVALID_FIELD: Bearer is no field of Event",
        "Basic information is missing",
        "org 00D5g0000000001AAA, record 00Q5g0000000001AAA",
        "Allow OAuth settings in the app",
    ],
)
def test_plain_words_stay(said: str) -> None:
    assert NeedsAdmin(said).message == said
