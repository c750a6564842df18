"""The dashboard: whether all is in step, how fast, how each connection stands, and what needs a person."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from instep.store import dashboard_queries
from instep.store.models import Account, Alert, Connection, FieldQuarantine, SetAside, SyncItem, User
from instep.store.queries import rows
from oncehub_events import line

from .test_bookings import text_of

Recorded = Callable[..., list[int]]


@pytest.fixture
def booking(recorded: Recorded, lane: Connection) -> int:
    return recorded(line("EVNT-1"))[0]


def put(booking: int, **changes: Any) -> None:
    SyncItem.objects.filter(kind="booking", target_id=booking).update(**changes)


def reach(account: Account, lane: Connection, booking: int, seconds: float, back: timedelta) -> None:
    """A change of a booking so long ago, that was in the CRM so many seconds later."""
    at = timezone.now() - back
    rows(
        """INSERT INTO transition (account_id, booking_id, kind, at, status, recorded_at)
           VALUES (%s, %s, 'rescheduled', %s, 'rescheduled', %s)""",
        [account.id, booking, at, at],
    )
    rows(
        """INSERT INTO receipt (account_id, connection_id, kind, target_id, drain_id, outcome, calls, document, at)
           VALUES (%s, %s, 'booking', %s, 'd1', 'done', 2, '{}', %s)""",
        [account.id, lane.id, booking, at + timedelta(seconds=seconds)],
    )
    Connection.objects.filter(id=lane.id).update(created_at=at - timedelta(days=1))


def test_home_is_the_dashboard(client: Client) -> None:
    assert client.get("/").headers["Location"] == "/dashboard"


def test_everything_in_step_is_said_in_so_many_words(client: Client, booking: int) -> None:
    put(booking, done=1, due_at=None)
    words = text_of(client.get("/dashboard"))
    assert "✓ Everything is in step" in words
    assert "Needs you" not in words


def headline(client: Client) -> str:
    """The first line of the dashboard, without how fast things went."""
    page = client.get("/dashboard").content.decode()
    found = re.search(r'<p class="headline".*?</p>', page, re.DOTALL)
    return " ".join(re.sub("<[^>]+>", " ", found.group(0)).split()) if found else ""


IN_STEP = "✓ Everything is in step"


def test_what_waits_for_somebody_is_never_everything_in_step(
    client: Client, account: Account, lane: Connection, booking: int
) -> None:
    """The first line follows from the list below it, whichever kind of line that has."""
    put(booking, done=1, due_at=None)
    assert headline(client) == IN_STEP
    FieldQuarantine.objects.create(
        account=account, connection=lane, object="Lead", record_key="00Q1", field="Title",
        value_hash="x", message="data value too large",
    )  # fmt: skip
    assert headline(client) == "! 1 thing needs you"
    assert "Not written 0 Needs you 1 thing" in text_of(client.get("/dashboard"))
    Alert.objects.create(
        account=account, connection=lane, code="setup:rights:Lead", message="No Create on Lead."
    )
    SetAside.objects.create(account=account, source="oncehub", reason="no JSON", raw="{", digest="d")
    assert headline(client) == "! 3 things need you"
    # what is no connection's own is told on none
    assert "Not written 0 Needs you 2 things" in text_of(client.get("/dashboard"))
    put(booking, done=0, due_at=timezone.now(), error_class="NeedsAdmin", error_code="R", error_message="No.")
    assert headline(client) == "! 1 change not written ! 3 things need you"


def test_headline_of_a_crm_that_is_away_lost_or_not_there(
    client: Client, account: Account, lane: Connection, booking: int
) -> None:
    def set_to(**changes: Any) -> None:
        Connection.objects.filter(id=lane.id).update(**changes)

    put(booking, done=1, due_at=None)
    down = {"message": "Salesforce did not answer.", "cure": "", "code": "TIMEOUT", "since": ""}
    set_to(installed={"error": down, "checked_at": (timezone.now() + timedelta(minutes=1)).isoformat()})
    assert headline(client) == "! 1 thing needs you"
    assert "did not answer the last look as it should: Salesforce did not answer." in text_of(
        client.get("/dashboard")
    )
    set_to(
        installed={}, held_until=timezone.now() + timedelta(minutes=5), hold_code="TIMEOUT", hold_reason="…"
    )
    assert headline(client) == "… Paused; nothing waits"
    put(booking, done=0, due_at=timezone.now())
    assert headline(client) == "… 1 change waits"
    set_to(held_until=None, state="reconnect", hold_code="reconnect")
    assert headline(client) == "! Salesforce has to be connected again … 1 change waits"
    set_to(state="disabled", hold_code="")
    assert headline(client) == "– Disconnected: bookings are written to no CRM"
    words = text_of(client.get("/dashboard"))
    assert "Still to do Connect a CRM" in words
    assert "Welcome" not in words, "nobody here is new"
    Connection.objects.all().delete()
    assert headline(client) == "– No CRM is connected: bookings are written to none"


def test_headline_of_several_speaks_of_those_at_work(
    client: Client, account: Account, lane: Connection, booking: int
) -> None:
    put(booking, done=1, due_at=None)
    Connection.objects.create(
        account=account, vendor="hubspot", name="Portal", url="https://h", org_id="2", state="disabled"
    )
    assert headline(client) == IN_STEP


def test_what_waits_and_what_needs_a_person_is_counted_apart(
    client: Client, recorded: Recorded, lane: Connection
) -> None:
    events = [line(f"EVNT-{n}", id=f"BKNG-{n}") for n in range(4)]
    waiting, problem, ignored, trashed = recorded(*events)
    put(problem, error_class="NeedsAdmin", error_code="RULE", error_message="No.")
    put(ignored, error_class="NeedsAdmin", error_code="RULE", error_message="No.", ignored_at=timezone.now())
    put(trashed, error_class="NeedsAdmin", error_code="RULE", error_message="No.", due_at=None)
    assert waiting
    words = text_of(client.get("/dashboard"))
    assert "1 change not written" in words
    assert "1 change waits" in words
    assert "1 ignored" in words
    assert "1 change is refused No." in words
    assert f'href="/sync-log?connection={lane.public_id}"' in client.get("/dashboard").content.decode()


def test_connection_tells_who_where_and_how_many_calls_are_left(client: Client, lane: Connection) -> None:
    lane.identity = {"username": "integration@acme.example", "sandbox": True}
    lane.limit_used, lane.limit_allowed = 1204, 100_000
    lane.save()
    words = text_of(client.get("/dashboard"))
    assert "Salesforce Acme org Sandbox Connected as integration@acme.example" in words
    assert "API calls today 1,204 of 100,000" in words


def test_revoked_connection_leads_to_its_page_to_reconnect(
    client: Client, account: Account, lane: Connection, booking: int
) -> None:
    Connection.objects.filter(id=lane.id).update(
        state="reconnect", hold_code="invalid_grant", hold_reason="The token was revoked."
    )
    Alert.objects.create(account=account, connection=lane, code="invalid_grant", message="…")
    answer = client.get("/dashboard")
    assert "! Has to be connected again" in text_of(answer)
    assert f'href="/integrations/{lane.public_id}">Reconnect' in answer.content.decode()
    assert "Everything is in step" not in text_of(answer)


def test_several_connections_each_have_a_card_and_their_own_numbers(
    client: Client, account: Account, lane: Connection, booking: int
) -> None:
    other = Connection.objects.create(
        account=account, vendor="hubspot", name="Portal", url="https://h", org_id="2"
    )
    put(booking, error_class="NeedsAdmin", error_code="X", error_message="No.")
    one, two = dashboard_queries.connection_cards(account.id)
    assert (one.id, one.problems, two.id, two.problems) == (lane.public_id, 1, other.public_id, 0)
    words = text_of(client.get("/dashboard"))
    assert "Salesforce Acme org" in words
    assert "HubSpot Portal" in words


def test_time_to_the_crm_is_from_the_change_to_its_first_good_receipt(
    client: Client, account: Account, lane: Connection, booking: int
) -> None:
    reach(account, lane, booking, 4.0, timedelta(minutes=9))
    reach(account, lane, booking, 1.4, timedelta(minutes=3))
    words = text_of(client.get("/dashboard"))
    assert "Last booking in the CRM after 1.4 s (95 of 100 within 3.9 s)" in words


def test_change_older_than_the_connection_says_nothing_of_its_speed(
    client: Client, account: Account, lane: Connection, booking: int
) -> None:
    """A CRM connected today gets the bookings of a year: that is no delay."""
    reach(account, lane, booking, 4.0, timedelta(days=3))
    Connection.objects.filter(id=lane.id).update(created_at=timezone.now())
    assert "Last booking in the CRM" not in text_of(client.get("/dashboard"))


def test_bars_tell_bookings_seconds_and_calls_of_each_day_in_the_readers_zone(
    client: Client, account: Account, lane: Connection, booking: int
) -> None:
    reach(account, lane, booking, 2.0, timedelta(days=2))
    reach(account, lane, booking, 4.0, timedelta(days=2, seconds=-30))
    reach(account, lane, booking, 9.0, timedelta(days=40))
    page = client.get("/dashboard").content.decode()
    tables = re.findall(r'<table class="out-of-sight">.*?</table>', page)
    told = [re.findall(r'<th scope="row">([^<]*)</th><td>([^<]*)</td>', table) for table in tables]
    assert [len(days) for days in told] == [14, 14, 14]
    calls, bookings, seconds = (next(value for _, value in days[9:] if value not in "0—") for days in told)
    assert (calls, bookings, seconds) == ("4", "1", "3.0 s")


def test_calls_of_a_batch_count_once_however_many_bookings_it_had(
    account: Account, lane: Connection, recorded: Recorded
) -> None:
    keys = recorded(*(line(f"EVNT-{n}", id=f"BKNG-{n}") for n in range(3)))
    now = timezone.now()
    for drain, key in zip(("d1", "d1", "d2"), keys, strict=True):
        rows(
            """INSERT INTO receipt (account_id, connection_id, kind, target_id, drain_id, outcome, calls, document, at)
               VALUES (%s, %s, 'booking', %s, %s, 'done', 2, '{}', %s)""",
            [account.id, lane.id, key, drain, now],
        )
    told = dashboard_queries.calls_by_day(account.id, "UTC", now - timedelta(days=1))
    assert sum(told[lane.id].values()) == 4


def test_refused_fields_and_events_set_aside_lead_to_where_they_are_seen(
    client: Client, account: Account, lane: Connection, booking: int
) -> None:
    for record, field in (("00Q1", "Title"), ("00Q1", "Phone"), ("00Q2", "Title")):
        FieldQuarantine.objects.create(
            account=account, connection=lane, object="Lead", record_key=record, field=field,
            value_hash="x", message="data value too large",
        )  # fmt: skip
    SetAside.objects.create(account=account, source="oncehub", reason="no JSON", raw="{", digest="d")
    answer = client.get("/dashboard")
    words = text_of(answer)
    assert "2 fields of Lead are left out Phone, Title, on 2 records: data value too large" in words
    assert "1 event is set aside" in words
    assert 'href="/set-aside"' in answer.content.decode()
    assert 'href="/sync-log?search=00Q2"' in answer.content.decode()


def test_new_account_sees_three_first_steps_and_no_numbers(client: Client) -> None:
    words = text_of(client.get("/dashboard"))
    for step in ("Publish a calendar", "Connect a CRM", "Invite a host"):
        assert step in words
    assert "Everything is in step" not in words


def test_steps_that_are_done_are_not_suggested(client: Client, lane: Connection, booking: int) -> None:
    """Bookings come from elsewhere: nobody is asked for calendars and hosts here."""
    words = text_of(client.get("/dashboard"))
    assert "Publish a calendar" not in words
    assert "Connect a CRM" not in words


def test_numbers_are_alive_and_keep_the_focus(client: Client, booking: int) -> None:
    page = client.get("/dashboard").content.decode()
    assert 'hx-get="/dashboard" hx-trigger="every 3s" hx-select="#live"' in page
    live = page[page.index('id="live"') : page.index("</main>")]
    links = re.findall(r"<a [^>]*>", live)
    assert links
    assert [link for link in links if " id=" not in link] == []


def test_another_account_sees_none_of_it(
    client: Client, account: Account, lane: Connection, booking: int
) -> None:
    put(booking, error_class="NeedsAdmin", error_code="X", error_message="A secret rule.")
    reach(account, lane, booking, 4.0, timedelta(minutes=3))
    SetAside.objects.create(account=account, source="oncehub", reason="no JSON", raw="{", digest="d")
    assert "A secret rule." in text_of(client.get("/dashboard"))
    other = Account.objects.create(name="Other")
    client.force_login(User.objects.create_user("eve@other.example", "correct horse battery", other))
    words = text_of(client.get("/dashboard"))
    assert "Welcome" in words
    for theirs in ("A secret rule.", "Acme", "set aside", "Last booking"):
        assert theirs not in words
    assert json.dumps(words).count("problem") == 0
