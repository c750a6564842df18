"""What the host's side does to a booking made here: each act's page, what it refuses, and what it leaves alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from types import SimpleNamespace

import pytest
from django.test import Client

from bookings.here import ALWAYS, NOW, RULES, TEN, Place
from instep.bookings import commands, hosting
from instep.core.acts import Act
from instep.core.booking import Booking as State
from instep.core.booking import Guest, Status
from instep.core.booking_calendar import WeeklyHours
from instep.notify import mails
from instep.store.models import Account, Booking, Connection, CrmUser, SyncItem
from instep.store.page_queries import BookingHead
from instep.web import act_words, booking_acts
from instep.web.act_words import WORDS, slug_of
from oncehub_events import line

from .test_bookings import text_of

Recorded = Callable[..., list[int]]
BEFORE, AFTER = NOW + timedelta(hours=1), TEN + timedelta(hours=2)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What the pages take for now; `at` may be set."""
    told = SimpleNamespace(at=BEFORE)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return told.at  # type: ignore[no-any-return]

    monkeypatch.setattr(booking_acts, "datetime", Clock)
    monkeypatch.setattr("instep.web.booking.datetime", Clock)
    return told


@pytest.fixture
def place(account: Account, lane: Connection) -> Place:
    """Two hosts who always work, one in UTC and one in Lisbon, and a calendar with both."""
    from instep.bookings import calendars

    keys = [
        hosting.create_host(account.pk, name, f"{name.lower()}@host.example", WeeklyHours(zone, ALWAYS), NOW)
        for name, zone in (("Nuno", "Europe/Lisbon"), ("Greta", "UTC"))
    ]
    calendar = calendars.create(account.pk, "Product demo", "demo", RULES, keys[:1], True)
    return Place(account, keys, calendar)


@pytest.fixture
def key(place: Place) -> int:
    """A booking of Ines with Nuno, tomorrow at 10:00 UTC, which is 11:00 in Lisbon."""
    return place.book(guest=Guest("Ines Castro", "ines@x.example")).key


def path(key: int, act: Act) -> str:
    return f"/bookings/{key}/acts/{slug_of(act)}"


def state(key: int) -> State:
    from instep.store import queries

    row = Booking.objects.get(pk=key)
    return queries.load_bookings(row.account_id, [key])[key]


def seen(client: Client, address: str) -> str:
    """The state of the booking that the page was made from."""
    page = client.get(address).content.decode()
    (found,) = re.findall(r'name="seen" value="([^"]*)"', page)
    return unescape(found)


def do(client: Client, key: int, act: Act, **said: str) -> object:
    """Open the page of an act, fill it in, send it and look at what comes."""
    return client.post(path(key, act), {"seen": seen(client, path(key, act)), **said}, follow=True)


@pytest.mark.parametrize(
    ("act", "at", "detail"),
    [
        (Act.CANCEL, BEFORE, "Canceled (By user)"),
        (Act.ASK_TO_RESCHEDULE, BEFORE, "Canceled (Reschedule requested by User)"),
        (Act.NO_SHOW, TEN, "No-show (Set by user)"),
    ],
)
def test_act_is_done_with_its_reason_and_marked_for_the_crm(
    client: Client, key: int, clock: SimpleNamespace, act: Act, at: datetime, detail: str
) -> None:
    clock.at = at
    wanted = SyncItem.objects.get(kind="booking", target_id=key).wanted
    words = text_of(do(client, key, act, reason="Fog on the <runway>"))
    assert state(key).status_detail == detail
    assert str(WORDS[act].done) in words
    assert f"{detail} " in words
    assert "Fog on the &lt;runway&gt;" in words[words.index("Timeline") :]
    assert SyncItem.objects.get(kind="booking", target_id=key).wanted == wanted + 1


def test_no_show_can_be_undone(client: Client, key: int, clock: SimpleNamespace) -> None:
    clock.at = TEN
    do(client, key, Act.NO_SHOW)
    clock.at = AFTER
    words = text_of(do(client, key, Act.UNDO_NO_SHOW, reason="He was in another room"))
    assert state(key).status is Status.COMPLETED
    assert "He was in another room" in words


@pytest.mark.parametrize(
    ("act", "detail"),
    [(Act.APPROVE, "Scheduled (Approved by User)"), (Act.DECLINE, "Canceled (Declined by User)")],
)
def test_request_is_approved_or_declined(client: Client, place: Place, act: Act, detail: str) -> None:
    place.follow(approval=True)
    made = place.book()
    page = client.get(f"/bookings/{made.key}").content.decode()
    assert re.findall(r'id="act-([\w-]+)"', page) == ["approve", "decline"]
    do(client, made.key, act, reason="Looked at")
    assert state(made.key).status_detail == detail


# --- reschedule ---


def test_free_times_of_the_host_are_offered_in_the_hosts_zone(client: Client, place: Place, key: int) -> None:
    place.book(TEN + timedelta(hours=1))
    page = client.get(path(key, Act.RESCHEDULE)).content.decode()
    assert "in the host's zone, Europe/Lisbon" in unescape(page)
    starts = re.findall(r'name="start" value="([^"]+)"', page)
    assert "2026-06-02T11:00:00+00:00" not in starts
    assert TEN.isoformat() not in starts
    (noon,) = re.findall(r'value="2026-06-02T11:30:00\+00:00".*?</label>', page)
    assert re.sub(r"<[^>]+>", "", noon).split('"')[-1].strip(" >").endswith("12:30 07:30 for the guest")


def test_booking_moves_to_a_free_time(client: Client, key: int) -> None:
    moved = (TEN + timedelta(days=1)).isoformat()
    words = text_of(do(client, key, Act.RESCHEDULE, start=moved, duration="60", reason="Travel clash"))
    assert (state(key).start, state(key).duration) == (TEN + timedelta(days=1), timedelta(hours=1))
    assert "Rescheduled (By user) Mon 1 Jun 2026, 07:00 · was Tue 2 Jun 2026, 10:00 Travel clash" in words


def test_any_other_time_is_typed_in_the_hosts_zone(client: Client, key: int) -> None:
    do(client, key, Act.RESCHEDULE, start="other", date="2026-07-01", time="07:10", duration="30")
    assert state(key).start == datetime(2026, 7, 1, 6, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({}, "start", "Choose a time, or type another one below."),
        ({"start": "soon"}, "start", "This is none of the times."),
        ({"start": "2026-06-03T10:00:00"}, "start", "This is none of the times."),
        ({"start": "other"}, "date", "Please fill this in"),
        ({"start": "other", "date": "2026-06-09"}, "time", "Please fill this in"),
        ({"start": "other", "date": "9 June", "time": "10:00"}, "date", "Enter a valid date."),
        ({"date": "2026-03-29", "time": "01:30"}, "time", "There is no 01:30 on that day"),
        ({"start": TEN.isoformat(), "duration": "30"}, "", "The meeting is at that time already."),
        (
            {"start": (TEN + timedelta(days=1)).isoformat(), "duration": "7"},
            "duration",
            "Select a valid choice",
        ),
        ({"date": "9999-12-31", "time": "23:59"}, "start", "The year 9999 cannot be booked."),
    ],
)
def test_time_that_cannot_be_is_refused_and_what_was_typed_stays(
    client: Client, key: int, typed: dict[str, str], field: str, said: str
) -> None:
    answer = do(client, key, Act.RESCHEDULE, **{"duration": "30", "reason": "Kept as typed", **typed})
    page = answer.content.decode()  # type: ignore[attr-defined]
    assert answer.status_code == 422  # type: ignore[attr-defined]
    assert said in unescape(text_of(answer))
    assert "Kept as typed</textarea>" in page
    if field:
        assert f'id="id_{field}_error"' in page
        assert re.search(rf'aria-describedby="[^"]*id_{field}_error', page)
    assert state(key).start == TEN


def test_taken_time_is_a_conflict_that_offers_the_nearest(client: Client, place: Place, key: int) -> None:
    taken = TEN + timedelta(hours=2)
    place.book(taken)
    answer = do(client, key, Act.RESCHEDULE, start=taken.isoformat(), duration="30", reason="Kept as typed")
    assert answer.status_code == 409  # type: ignore[attr-defined]
    words = text_of(answer)
    assert "This time is not free any more." in words
    assert "Nearest free times" in words
    assert "Kept as typed</textarea>" in answer.content.decode()  # type: ignore[attr-defined]
    assert state(key).start == TEN


def test_days_without_a_free_time_name_the_next_ones(client: Client, place: Place, key: int) -> None:
    hosting.change_host(
        place.account.pk,
        place.hosts[0],
        "Nuno",
        "nuno@host.example",
        WeeklyHours("UTC", ((0, 540, 600),)),
        NOW,
    )
    place.follow(min_notice=8 * 24 * 60)
    words = text_of(client.get(path(key, Act.RESCHEDULE)))
    assert "The host has no free time in these seven days. Next free times" in words
    assert "Mon 15 Jun 2026, 09:00" in words


def test_days_can_be_turned(client: Client, key: int) -> None:
    page = client.get(path(key, Act.RESCHEDULE)).content.decode()
    assert "Earlier days" not in page
    assert 'href="?from=2026-06-08"' in page
    page = client.get(path(key, Act.RESCHEDULE) + "?from=2026-06-08").content.decode()
    assert 'href="?from=2026-06-01"' in page
    assert "2026-06-08T10:00:00+00:00" in page
    for odd in ("x", "1970-01-01", "9999-12-31", "2026-06-99"):
        assert client.get(path(key, Act.RESCHEDULE) + f"?from={odd}").status_code == 200


def test_calendar_that_is_gone_leaves_any_other_time(client: Client, place: Place, key: int) -> None:
    Booking.objects.filter(pk=key).update(state={**Booking.objects.get(pk=key).state, "calendar": "CAL-GONE"})
    assert "Another time" in text_of(client.get(path(key, Act.RESCHEDULE)))


# --- reassign ---


def test_hosts_are_listed_with_their_time_and_their_user_in_the_crm(
    client: Client, place: Place, key: int, lane: Connection
) -> None:
    rui = hosting.create_host(
        place.account.pk, "Rui", "rui@host.example", WeeklyHours("UTC", ((6, 0, 60),)), NOW
    )
    busy = hosting.create_host(place.account.pk, "Zoe", "zoe@host.example", WeeklyHours("UTC", ALWAYS), NOW)
    CrmUser.objects.create(
        account=place.account, connection=lane, crm_id="005", email_key="greta@host.example"
    )
    other = place.book(TEN + timedelta(minutes=30))
    commands.reassign(place.account.pk, other.id, busy, "", NOW)
    commands.reschedule(place.account.pk, other.id, TEN, None, "", "user", NOW)
    answer = client.get(path(key, Act.REASSIGN))
    words = text_of(answer)
    assert words.index("Greta greta@host.example free ") < words.index("Rui rui@host.example outside working")
    assert words.index("outside working hours") < words.index("Zoe zoe@host.example busy at that time")
    assert "Nuno nuno@host.example" not in words
    page = answer.content.decode()
    assert re.search(rf'value="{busy}"[^>]* disabled', page)
    assert not re.search(rf'value="{rui}"[^>]* disabled', page)
    # of the three only Greta has a user
    assert words.count("Has no user in the CRM") == 2


def test_booking_goes_to_another_host(client: Client, place: Place, key: int) -> None:
    words = text_of(do(client, key, Act.REASSIGN, host=place.hosts[1], reason="Nuno is ill"))
    assert state(key).host.key == place.hosts[1]  # type: ignore[union-attr]
    assert "Scheduled (Reassigned by user) to Greta" in words


@pytest.mark.parametrize(
    ("host", "status", "said"),
    [
        ("", 422, "Choose a host."),
        ("HST-NOBODY", 422, "There is no such host."),
        ("mine", 422, "Nuno has this booking already."),
        ("busy", 409, "This host has another booking at that time."),
    ],
)
def test_host_that_cannot_be_is_refused(
    client: Client, place: Place, key: int, host: str, status: int, said: str
) -> None:
    if host == "busy":
        other = place.book(TEN + timedelta(minutes=30))
        commands.reassign(place.account.pk, other.id, place.hosts[1], "", NOW)
        commands.reschedule(place.account.pk, other.id, TEN, None, "", "user", NOW)
    chosen = {"mine": place.hosts[0], "busy": place.hosts[1]}.get(host, host)
    answer = do(client, key, Act.REASSIGN, host=chosen, reason="Kept as typed")
    assert answer.status_code == status  # type: ignore[attr-defined]
    assert said in text_of(answer)
    assert "Kept as typed</textarea>" in answer.content.decode()  # type: ignore[attr-defined]
    assert state(key).host.key == place.hosts[0]  # type: ignore[union-attr]


def test_account_with_one_host_says_so(client: Client, place: Place, key: int) -> None:
    hosting.delete_host(place.account.pk, place.hosts[1], NOW)
    assert "There is no other host." in text_of(client.get(path(key, Act.REASSIGN)))


# --- what is not done ---


def test_page_older_than_the_booking_does_nothing_and_says_so(client: Client, place: Place, key: int) -> None:
    old = seen(client, path(key, Act.CANCEL))
    commands.reschedule(
        place.account.pk, state(key).id, TEN + timedelta(days=1), None, "", "customer", BEFORE
    )
    answer = client.post(path(key, Act.CANCEL), {"seen": old, "reason": "Kept as typed"})
    assert answer.status_code == 409
    assert "has changed since you opened this page, so nothing was done" in text_of(answer)
    assert "Rescheduled (By customer)" in text_of(answer)
    assert state(key).status is Status.RESCHEDULED
    # what was typed is still there, and sending it again is a decision made on what is true now
    page = answer.content.decode()
    assert "Kept as typed</textarea>" in page
    (now,) = re.findall(r'name="seen" value="([^"]*)"', page)
    client.post(path(key, Act.CANCEL), {"seen": unescape(now)})
    assert state(key).status is Status.CANCELED


def test_act_that_has_become_impossible_is_refused(client: Client, place: Place, key: int) -> None:
    old = seen(client, path(key, Act.CANCEL))
    commands.cancel(place.account.pk, state(key).id, "", "customer", BEFORE)
    answer = client.post(path(key, Act.CANCEL), {"seen": old})
    assert answer.status_code == 409
    assert "Nothing was done. “Cancel” is not possible for this booking as it is now" in text_of(answer)
    assert state(key).status_detail == "Canceled (By customer)"


def test_act_that_is_refused_at_the_last_moment_is_told(
    client: Client, key: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = path(key, Act.CANCEL)
    said = {"seen": seen(client, address)}
    # another hand was quicker, after this page had looked
    shown = booking_acts.shown_booking

    def late(account_id: int, head: BookingHead) -> State | None:
        before = shown(account_id, head)
        commands.cancel(account_id, head.id, "", "customer", BEFORE)
        return before

    monkeypatch.setattr(booking_acts, "shown_booking", late)
    answer = client.post(address, said)
    assert answer.status_code == 409
    assert "A booking that is Canceled cannot be canceled." in text_of(answer)


@pytest.mark.parametrize("act", list(Act))
def test_looking_changes_nothing(client: Client, key: int, clock: SimpleNamespace, act: Act) -> None:
    before = Booking.objects.values().get(pk=key)
    assert client.get(path(key, act)).status_code == 200
    assert Booking.objects.values().get(pk=key) == before


@pytest.mark.parametrize("act", list(Act))
def test_bookings_of_other_sources_have_no_acts(client: Client, recorded: Recorded, act: Act) -> None:
    (key,) = recorded(line("EVNT-1"))
    page = client.get(f"/bookings/{key}")
    assert b'id="act-' not in page.content
    assert "Made in OnceHub, so it is changed there" in text_of(page)
    assert b'href="https://book.example.org/m/BKNG-7Q2M9XKD41TA"' in page.content
    answer = client.post(path(key, act), {"seen": "", "reason": "x"})
    assert answer.status_code == 409
    assert "This booking comes from OnceHub: change it there" in text_of(answer)
    assert Booking.objects.get(pk=key).status == "scheduled"


def test_other_accounts_booking_is_not_found(stranger: Client, place: Place, key: int) -> None:
    from instep.store.models import User

    other = User.objects.create_user("eve@x.example", "correct horse battery", Account.objects.create())
    stranger.force_login(other)
    for act in Act:
        assert stranger.get(path(key, act)).status_code == 404
        assert stranger.post(path(key, act), {"reason": "x"}).status_code == 404
    assert state(key).status is Status.SCHEDULED


@pytest.mark.usefixtures("place")
def test_unknown_act_is_not_found(client: Client, key: int) -> None:
    assert client.get(f"/bookings/{key}/acts/explode").status_code == 404


def test_strangers_are_sent_to_the_sign_in(stranger: Client, key: int) -> None:
    answer = stranger.post(path(key, Act.CANCEL), {"reason": "x"})
    assert answer["Location"].startswith("/signin")
    assert state(key).status is Status.SCHEDULED


@pytest.mark.parametrize(
    ("typed", "said"), [("x" * 2001, "at most 2000 characters"), ("a\0b", "Null characters are not allowed")]
)
def test_reason_that_cannot_be_kept_is_refused(client: Client, key: int, typed: str, said: str) -> None:
    answer = do(client, key, Act.CANCEL, reason=typed)
    assert answer.status_code == 422  # type: ignore[attr-defined]
    assert said in text_of(answer)
    assert state(key).status is Status.SCHEDULED


# --- words ---


def test_buttons_are_what_is_allowed_and_one_is_primary(
    client: Client, key: int, clock: SimpleNamespace
) -> None:
    def buttons() -> list[tuple[str, str]]:
        page = client.get(f"/bookings/{key}").content.decode()
        return re.findall(r'class="button ?([^"]*)" id="act-([\w-]+)"', page)

    assert buttons() == [
        ("", "reschedule"),
        ("secondary", "ask-to-reschedule"),
        ("secondary", "reassign"),
        ("quiet danger", "cancel"),
    ]
    clock.at = TEN
    assert ("secondary", "no-show") in buttons()
    do(client, key, Act.NO_SHOW)
    assert ("", "undo-no-show") in buttons()
    do(client, key, Act.CANCEL)
    assert buttons() == []


@pytest.mark.parametrize("act", list(Act))
def test_pages_say_truly_who_gets_a_mail(
    client: Client, place: Place, act: Act, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a page promises is compared with the mails that the act really owes."""
    owed: list[mails.Owed] = []

    def noted(before: State | None, after: State) -> tuple[mails.Owed, ...]:
        found = mails_owed(before, after)
        owed.extend(found)
        return found

    mails_owed = mails.owed
    place.follow(approval=act in (Act.APPROVE, Act.DECLINE))
    key = place.book().key
    clock.at = TEN if act in (Act.NO_SHOW, Act.UNDO_NO_SHOW) else BEFORE
    if act is Act.UNDO_NO_SHOW:
        do(client, key, Act.NO_SHOW)
    monkeypatch.setattr(mails, "owed", noted)
    said = {"start": (TEN + timedelta(days=1)).isoformat(), "duration": "30", "host": place.hosts[1]}
    do(client, key, act, **said)
    assert {mail.role for mail in owed} == set(WORDS[act].told)


def test_server_without_mail_says_that_nobody_is_told() -> None:
    assert "nobody gets a mail: tell them yourself" in act_words.mails_said(("host", "guest"), False)
    assert act_words.mails_said((), False) == "Nobody gets a mail."
