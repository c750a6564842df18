"""The list of bookings: what stands in a row, filters, search, paging, empty states, banners."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from instep.store.models import Account, Calendar, Connection, Host, SyncItem
from oncehub_events import GRETA, NOON, form, line

Recorded = Callable[..., list[int]]


def text_of(answer: object) -> str:
    """The page's words, without tags and with single spaces."""
    page = answer.content.decode()  # type: ignore[attr-defined]
    body = page[page.index("<main") : page.index("</main>")]
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def guests(answer: object) -> list[str]:
    """The names in the list, from top to bottom."""
    page = answer.content.decode()  # type: ignore[attr-defined]
    return re.findall(r'id="open-\d+" dir="auto">([^<]*)</a>', page)


def event(number: int, name: str, start: str = "2026-03-05T13:00:00.000Z", kind: str = "scheduled") -> bytes:
    return line(
        f"EVNT-{number}",
        kind,
        id=f"BKNG-{number}",
        starting_time=start,
        form_submission=form(name=name, email=f"guest{number}@mail.example", mobile_phone=None),
    )


def put(booking: int, **changes: object) -> None:
    """Put a booking's items into a state."""
    SyncItem.objects.filter(kind="booking", target_id=booking).update(**changes)


def test_row_tells_time_guest_host_status_and_crm(
    client: Client, lane: Connection, recorded: Recorded
) -> None:
    (key,) = recorded(line("EVNT-1"))
    put(key, done=1, in_step_at=NOON, due_at=None)
    client.cookies["instep_zone"] = "Asia/Kathmandu"
    answer = client.get("/bookings")
    words = text_of(answer)
    assert "Thu 5 Mar 2026 18:45–19:30" in words
    assert "Time Asia/Kathmandu" in words
    assert "Ines Castro ines.castro@guest.example Onboarding call" in words
    assert "nuno.reis@host.example Scheduled" in words
    assert "Salesforce: ✓ In step" in words
    assert f'href="/bookings/{key}/receipts?connection={lane.public_id}"' in answer.content.decode()


def test_latest_start_comes_first_and_trash_is_left_out(client: Client, recorded: Recorded) -> None:
    recorded(event(1, "Ann", "2026-03-05T13:00:00.000Z"), event(2, "Ben", "2026-03-06T13:00:00.000Z"))
    recorded(line("EVNT-3", id="BKNG-3", in_trash=True, form_submission=form(name="Cid")))
    assert guests(client.get("/bookings")) == ["Ben", "Ann"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("search=ann", ["Ann"]),
        ("search=GUEST2@mail", ["Ben"]),
        ("search=bkng-3", ["Cid"]),
        ("search=%25", []),
        ("search=a%00b", []),
        ("search=" + "x" * 5000, []),
        ("status=canceled", ["Cid"]),
        ("status=nonsense", ["Cid", "Ben", "Ann"]),
        ("crm=in+step", ["Ann"]),
        ("crm=waiting", ["Ben"]),
        ("crm=problem", ["Cid"]),
        ("crm=problem&search=ann", []),
        ("before=nonsense~x", ["Cid", "Ben", "Ann"]),
        ("before=0001-01-01T00:00:00%2B23:59~1", ["Cid", "Ben", "Ann"]),
    ],
)
@pytest.mark.usefixtures("lane")
def test_filters_and_search_narrow_the_list(
    client: Client, recorded: Recorded, query: str, found: list[str]
) -> None:
    ann, ben, cid = recorded(
        event(1, "Ann", "2026-03-05T13:00:00.000Z"),
        event(2, "Ben", "2026-03-06T13:00:00.000Z"),
        event(3, "Cid", "2026-03-07T13:00:00.000Z", "canceled"),
    )
    put(ann, done=1)
    put(ben, error_class="Retry", error_message="the CRM did not answer")
    put(cid, error_class="NeedsAdmin", error_message="a rule refuses it")
    assert guests(client.get(f"/bookings?{query}")) == found


def test_pages_go_through_all_bookings_once(
    client: Client, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where many start at the same moment."""
    monkeypatch.setattr("instep.web.bookings.PAGE_SIZE", 2)
    recorded(*(event(n, f"Guest {n}") for n in range(5)))
    seen, query = [], "search=guest"
    for _ in range(3):
        answer = client.get(f"/bookings?{query}")
        seen += guests(answer)
        further = re.search(r'href="\?([^"]+)" rel="next"', answer.content.decode())
        query = further[1].replace("&amp;", "&") if further else ""
    assert sorted(seen) == [f"Guest {n}" for n in range(5)]
    assert query == ""


def test_empty_states_say_what_to_do_next(client: Client, recorded: Recorded) -> None:
    answer = client.get("/bookings")
    words = text_of(answer)
    assert "No bookings yet" in words
    assert "instep webhook oncehub" in words
    assert b'href="/calendars"' in answer.content[answer.content.index(b"<main") :]
    assert "Connect a CRM" in words
    recorded(line("EVNT-1"))
    assert "No CRM is connected yet" in text_of(client.get("/bookings"))
    assert "No booking fits" in text_of(client.get("/bookings?search=nobody"))
    assert "Nothing is ahead" in text_of(client.get("/bookings?period=upcoming"))


def test_calendar_and_host_narrow_the_list(client: Client, account: Account, recorded: Recorded) -> None:
    recorded(
        event(1, "Onboarded"),
        line("EVNT-2", id="BKNG-2", booking_calendar="BKC-OTHER", form_submission=form(name="Demoed")),
        line("EVNT-3", id="BKNG-3", external_calendar={"id": GRETA}, form_submission=form(name="Of Greta")),
    )
    other = Calendar.objects.get(source_id="BKC-OTHER").pk
    greta = Host.objects.get(email_key=GRETA).pk
    assert guests(client.get(f"/bookings?calendar={other}")) == ["Demoed"]
    assert guests(client.get(f"/bookings?host={greta}")) == ["Of Greta"]
    assert guests(client.get(f"/bookings?host={greta}&calendar={other}")) == []
    page = client.get(f"/bookings?host={greta}").content.decode()
    assert f'<option value="{greta}" selected>{GRETA}</option>' in page


@pytest.mark.parametrize(
    "asked", ["calendar=x", "calendar=-1", f"host={'9' * 40}", "host=²", "from=9999-12-31"]
)
def test_filters_that_are_none_narrow_nothing(client: Client, recorded: Recorded, asked: str) -> None:
    recorded(event(1, "Ines"))
    assert guests(client.get(f"/bookings?{asked}")) == ["Ines"]


def test_dates_are_days_of_the_reader_and_both_are_included(client: Client, recorded: Recorded) -> None:
    recorded(
        event(1, "Late on the 4th", "2026-03-04T18:14:00.000Z"),
        event(2, "Early on the 5th", "2026-03-04T18:15:00.000Z"),
        event(3, "Late on the 5th", "2026-03-05T18:14:00.000Z"),
        event(4, "Early on the 6th", "2026-03-05T18:15:00.000Z"),
    )
    client.cookies["instep_zone"] = "Asia/Kathmandu"
    answer = client.get("/bookings?from=2026-03-05&to=2026-03-05&period=upcoming")
    assert guests(answer) == ["Late on the 5th", "Early on the 5th"]
    assert b'name="from" value="2026-03-05"' in answer.content
    assert guests(client.get("/bookings?to=2026-03-04")) == ["Late on the 4th"]


def test_quick_periods_lie_around_now(client: Client, recorded: Recorded) -> None:
    def at(**delta: float) -> str:
        return (datetime.now(UTC) + timedelta(**delta)).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    recorded(
        event(1, "Long ago", at(days=-9)),
        event(2, "Lately", at(days=-3)),
        event(3, "Running", at(minutes=-5)),
        event(4, "Soon", at(days=2)),
        event(5, "Later", at(days=3)),
        event(6, "Off", at(days=2), "canceled"),
    )
    assert guests(client.get("/bookings?period=upcoming")) == ["Running", "Soon", "Later"]
    assert guests(client.get("/bookings?period=upcoming&status=canceled")) == ["Off"]
    assert guests(client.get("/bookings?period=past-7-days")) == ["Running", "Lately"]
    assert "Running" in guests(client.get("/bookings?period=today")) or datetime.now(UTC).hour == 0
    page = client.get("/bookings?period=upcoming&search=ru").content.decode()
    assert 'href="?search=ru&amp;period=today"' in page


def test_upcoming_goes_on_to_later_ones(
    client: Client, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("instep.web.bookings.PAGE_SIZE", 2)
    recorded(*(event(n, f"Guest {n}", f"2090-03-0{n}T13:00:00.000Z") for n in range(1, 4)))
    first = client.get("/bookings?period=upcoming")
    assert guests(first) == ["Guest 1", "Guest 2"]
    assert "Later bookings" in text_of(first)
    (older,) = re.findall(r'href="\?([^"]*before=[^"]*)"', first.content.decode())
    assert guests(client.get(f"/bookings?{older.replace('&amp;', '&')}")) == ["Guest 3"]


def test_number_of_finds_is_told(client: Client, recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded(*(event(n, f"Guest {n}") for n in range(3)))
    assert "3 bookings" in text_of(client.get("/bookings"))
    assert "1 booking " in text_of(client.get("/bookings?search=guest+1"))
    monkeypatch.setattr("instep.web.bookings.COUNTED", 2)
    assert "More than 2 bookings" in text_of(client.get("/bookings"))


def test_counts_are_of_all_bookings_and_link_to_their_lists(
    client: Client, lane: Connection, recorded: Recorded
) -> None:
    keys = recorded(*(event(n, f"Guest {n}") for n in range(3)))
    put(keys[0], done=1, marked_at=NOON, in_step_at=NOON + timedelta(seconds=1.4))
    put(keys[1], error_class="NeedsAdmin")
    words = text_of(client.get("/bookings?search=nobody"))
    assert "1 ✓ In step 1 … Waiting 1 ! Problem Last booking in the CRM after 1.4 s" in words


@pytest.mark.usefixtures("recorded")
def test_held_lane_says_why_and_how_much_waits(client: Client, lane: Connection, recorded: Recorded) -> None:
    recorded(line("EVNT-1"))
    lane.state, lane.hold_code = "reconnect", "invalid_grant"
    lane.hold_reason = "Salesforce refused the refresh token. Connect Salesforce again."
    lane.save()
    words = text_of(client.get("/set-aside"))
    assert "Salesforce · Acme org : has to be connected again" in words
    assert "Salesforce refused the refresh token." in words
    assert "1 change waits, in order; nothing is lost." in words
    assert "Connect it again, and sync goes on by itself. Reconnect" in words


def test_paused_lane_goes_on_by_itself(client: Client, lane: Connection) -> None:
    lane.held_until, lane.hold_reason = NOON.replace(year=2090), "The daily API calls are used up."
    lane.save()
    words = text_of(client.get("/bookings"))
    assert "paused until 2 Mar, 12:00" in words
    assert "Sync goes on by itself." in words


def test_two_connections_have_a_mark_each(
    client: Client, account: Account, lane: Connection, recorded: Recorded
) -> None:
    Connection.objects.create(
        account=account, vendor="hubspot", name="4711", url="https://hub.example", org_id="4711"
    )
    recorded(line("EVNT-1"))
    SyncItem.objects.filter(connection=lane).update(done=1)
    assert "Salesforce ✓ In step , receipt HubSpot … Waiting" in text_of(client.get("/bookings"))


def test_number_of_queries_does_not_grow_with_the_list(
    client: Client, lane: Connection, recorded: Recorded, django_assert_max_num_queries: Callable[..., object]
) -> None:
    recorded(*(event(n, f"Guest {n}") for n in range(20)))
    with django_assert_max_num_queries(9):  # type: ignore[attr-defined]
        assert len(guests(client.get("/bookings"))) == 20


def test_markup_in_a_name_stays_text(client: Client, recorded: Recorded) -> None:
    recorded(event(1, "<img src=x onerror=alert(1)>"))
    page = client.get("/bookings").content
    assert b"<img src=x" not in page
    assert b"&lt;img src=x onerror=alert(1)&gt;" in page
