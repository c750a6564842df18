"""Logs: nothing that is secret or personal leaves the process, from the first line on."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instep.ops.logs import HIDDEN, hide, redact


@pytest.mark.parametrize(
    "text",
    [
        "Guest ann.lee+x@mail.example booked",
        "called +49 170 1234567 twice",
        "Authorization: Bearer 00Dxx!AQcAQH0dMHZfz972Szmpkb58urFRkgeBGsxL",
        "postgresql://instep:s3cr3t@db.example/instep",
        "POST /token grant_type=refresh_token&refresh_token=5Aep861.x&client_secret=ABC123",
        '{"access_token": "00Dxx!AQcA"}',
        "Not Found: /m/BKNG-1A2B:YoGjp96AGNb5weMH/cancel",
        "next=%2Fm%2FBKNG-1A2B%3AYoGjp96AGNb5weMH",
        "GET /b/demo?sosfLeadId=00Q000000000001AAA&soSigned=1790000000.AQcAQH0dMHZf&x=1",
        "next=%2Fb%2Fdemo%3FsoSigned%3D1790000000.AQcAQH0dMHZf%26x%3D1",
        "the key -----BEGIN RSA PRIVATE KEY-----\nMIIEAQcAQH0d\nHZfz97==\n-----END RSA PRIVATE KEY----- was refused",
        "cut off: -----BEGIN PRIVATE KEY-----\\nMIIEvAQcAQH0dMHZfz972Szmpk",
        "refused eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiAQcAQH0dMHZ.c2lnbmF0AQcA for this app",
        "pat-na1-0a1b2c3d-AQcA is no token".replace("AQcA", "1234567"),
        "private app pat-eu1-11111111-2222-3333-4444-1234567aaaaa",
        "session 00D5g000004AQcA!AQcAQH0dMHZfz972Szmpkb58 expired",
    ],
)
def test_secrets_and_personal_data_inside_a_text_are_hidden(text: str) -> None:
    shown = hide(text)
    assert HIDDEN in shown
    for leaked in ("ann.lee", "1234567", "AQcA", "s3cr3t", "5Aep861", "ABC123", "YoGjp96"):
        assert leaked not in shown


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T12:30:00+00:00 drained 200 items in 00:01",
        "booking BKNG-1234567890 → 00QWs00000A1b2cMAB",
        "port 5432, pid 12345, 10.0.0.1:8000, v62.0",
        "https://example.com/services/data/v62.0/composite",
        "org 00D5g000004AbCdEAF, pattern pat-ch-work, error_code REQUEST_LIMIT_EXCEEDED",
    ],
)
def test_ids_times_and_addresses_of_machines_are_shown(text: str) -> None:
    assert hide(text) == text


@given(
    key=st.sampled_from(
        ["access_token", "client_secret", "Authorization", "password", "email", "guest_email", "Phone",
         "MobilePhone", "LastName", "first_name", "name", "cookie", "Oncehub-Signature"]
    ),
    value=st.text(min_size=1),
    depth=st.integers(0, 4),
)  # fmt: skip
def test_a_value_under_a_telling_name_is_hidden_at_any_depth(key: str, value: str, depth: int) -> None:
    event: dict[str, object] = {key: value}
    for _ in range(depth):
        event = {"inner": [event]}
    shown = redact(None, "info", {"event": "x", **event})
    assert json.dumps(value) not in json.dumps(shown) or value in (HIDDEN, "x", "inner", "event")
    assert HIDDEN in json.dumps(shown)


def test_counts_under_a_telling_name_are_shown() -> None:
    assert redact(None, "info", {"event": "x", "tokens": 3, "has_email": True}) == {
        "event": "x",
        "tokens": 3,
        "has_email": True,
    }


SPEAKS = """
import logging, structlog
from instep.ops import logs
logs.configure("json")
structlog.contextvars.bind_contextvars(booking="BKNG-1", drain=7)
structlog.get_logger("instep.test").info("written", email="ann@mail.example", records=2)
logging.getLogger("a.library").warning("token for %s", "bob@mail.example")
try:
    raise ValueError("no such guest: eve@mail.example")
except ValueError:
    structlog.get_logger("instep.test").exception("failed")
"""


def test_every_line_is_json_with_the_id_chain_and_without_addresses_even_in_tracebacks() -> None:
    done = subprocess.run([sys.executable, "-c", SPEAKS], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["written", f"token for {HIDDEN}", "failed"]
    assert all(line["booking"] == "BKNG-1" and line["drain"] == 7 for line in lines)
    assert lines[0]["records"] == 2
    assert "ValueError" in lines[2]["exception"]
    assert "mail.example" not in done.stderr


REFUSES = """
import logging, structlog
from django.conf import settings
settings.configure(ALLOWED_HOSTS=["*"])
from django.http import HttpResponseNotFound
from django.test import RequestFactory
from django.utils.log import log_response
from instep.ops import logs
logs.configure("json")
structlog.contextvars.bind_contextvars(request="the-id")
request = RequestFactory().get("/bookings?search=Anna+Schmidt")
log_response("%s: %s", "Not Found", request.path, response=HttpResponseNotFound(), request=request)
"""


def test_djangos_lines_of_refusals_name_the_path_and_the_request_but_no_query() -> None:
    done = subprocess.run([sys.executable, "-c", REFUSES], capture_output=True, text=True, check=True)
    line = json.loads(done.stderr)
    assert (line["http_method"], line["path"], line["request"]) == ("GET", "/bookings", "the-id")
    assert (line["event"], line["status_code"]) == ("Not Found: /bookings", 404)
    assert "Anna" not in done.stderr
