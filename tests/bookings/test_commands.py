"""A booking made here, from the wish to its end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from bookings.here import NOW, RULES, TEN, Place, assert_whole, open_place
from instep.bookings import calendars, commands, hosting
from instep.bookings.commands import Taken
from instep.bookings.record import record
from instep.core.booking import Guest, Status
from instep.core.booking_calendar import Question, WeeklyHours
from instep.core.errors import InputError
from instep.store.models import Account, BookedTime, Booking, Calendar, Contact, Delivery, Property, SyncItem
from oncehub_events import line

pytestmark = pytest.mark.django_db

LATER = TEN + timedelta(hours=3)


@pytest.fixture
def place() -> Place:
    return open_place()


class TestBook:
    """From a wish to a booking."""

    def test_it_is_a_booking_with_person_time_and_mark(self, place: Place) -> None:
        made = place.book(guest=Guest("Ines Castro", "Ines@guest.example", company="Castro Lda"))
        state = place.state(made.id)
        assert (state.source, state.status_detail) == ("instep", "Scheduled (By customer)")
        assert (state.start, state.end, state.booked_at) == (TEN, TEN + timedelta(minutes=30), NOW)
        assert (state.subject, state.calendar_name) == ("Product demo", "Product demo")
        assert (state.host.key, state.guest.company) == (place.hosts[0], "Castro Lda")  # type: ignore[union-attr]
        assert state.manage_url.startswith(f"https://book.example/m/{made.id}:")
        contact = Contact.objects.get()
        assert (contact.public_id, contact.email_key) == (state.contact_id, "ines@guest.example")
        assert Booking.objects.get().calendar == Calendar.objects.get(source_id=place.calendar.id)
        assert place.wanted(made.id) == 1
        assert place.taken() == [(place.hosts[0], TEN, TEN + timedelta(minutes=30))]
        assert_whole(place)

    def test_guest_and_host_are_told(self, place: Place) -> None:
        made = place.book()
        told = Delivery.objects.filter(account_id=place.account.id, booking_id=made.key)
        assert sorted(told.values_list("what", "role")) == [("scheduled", "guest"), ("scheduled", "host")]

    def test_the_same_form_sent_again_is_the_same_booking(self, place: Place) -> None:
        wish = place.wish()
        first = commands.book(place.account.id, wish, NOW)
        again = commands.book(place.account.id, wish, NOW + timedelta(minutes=5))
        assert (again.id, again.key, again.repeated) == (first.id, first.key, True)
        assert (Booking.objects.count(), place.wanted(first.id)) == (1, 1)

    @pytest.mark.parametrize(
        "changed",
        [
            {"key": "another form"},
            {"start": LATER},
            {"guest": Guest("Bob", "bob@x.example")},
        ],
    )
    def test_another_wish_is_another_booking(self, changed: dict[str, object]) -> None:
        place = open_place(hosts=2)
        wish = place.wish()
        first = commands.book(place.account.id, wish, NOW)
        assert commands.book(place.account.id, evolve(wish, **changed), NOW).id != first.id

    def test_two_accounts_never_share_an_id(self, place: Place) -> None:
        other = open_place()
        wish = place.wish()
        there = evolve(wish, calendar=evolve(place.calendar, hosts=other.calendar.hosts))
        assert commands.book(place.account.id, wish, NOW).id != commands.book(other.account.id, there, NOW).id

    def test_a_time_that_is_taken_is_refused_with_the_nearest_ones(self, place: Place) -> None:
        place.book()
        with pytest.raises(Taken) as refused:
            place.book()
        half = timedelta(minutes=30)
        assert refused.value.nearest == tuple(TEN + n * half for n in (-3, -2, -1, 1, 2, 3))
        assert (refused.value.code, Booking.objects.count()) == ("TAKEN", 1)

    @pytest.mark.parametrize(
        ("rules", "start"),
        [
            ({}, TEN + timedelta(minutes=10)),
            ({}, NOW - timedelta(hours=1)),
            ({"min_notice": 60}, NOW + timedelta(minutes=30)),
            ({"window_days": 1}, NOW + timedelta(days=3)),
        ],
    )
    def test_what_the_page_would_not_offer_is_refused(
        self, place: Place, rules: dict[str, int], start: datetime
    ) -> None:
        place.follow(**rules)
        with pytest.raises(Taken):
            place.book(start)

    def test_working_hours_are_the_hosts(self) -> None:
        nine_to_five = WeeklyHours("America/New_York", tuple((day, 540, 1020) for day in range(5)))
        place = open_place(hours=nine_to_five)
        with pytest.raises(Taken) as refused:
            place.book(TEN)
        assert refused.value.nearest[0] == datetime(2026, 6, 2, 13, tzinfo=UTC)
        place.book(datetime(2026, 6, 2, 13, tzinfo=UTC))

    def test_buffers_add_up(self, place: Place) -> None:
        place.follow(buffer_before=15, buffer_after=15)
        place.book(TEN)
        with pytest.raises(Taken):
            place.book(TEN + timedelta(minutes=30))
        place.book(TEN + timedelta(minutes=60))
        assert_whole(place)

    def test_bookings_of_another_product_block_the_time(self, place: Place) -> None:
        host = {"id": "host1@host.example"}
        there = {"starting_time": TEN.isoformat(), "duration_minutes": 30, "external_calendar": host}
        record(place.account.id, [line(**there)], "oncehub", NOW)
        with pytest.raises(Taken):
            place.book(TEN)
        record(place.account.id, [line("EVNT-2", "canceled", 9, **there)], "oncehub", NOW)
        place.book(TEN)

    def test_a_days_limit_is_that_of_the_calendar_and_of_the_hosts_own_day(self) -> None:
        hours = WeeklyHours("Asia/Tokyo", tuple((day, 0, 1440) for day in range(7)))
        place = open_place(hours=hours, rules=evolve(RULES, max_per_day=1))
        place.book(datetime(2026, 6, 2, 14, tzinfo=UTC))
        place.book(datetime(2026, 6, 2, 15, tzinfo=UTC))  # midnight in Tokyo
        with pytest.raises(Taken):
            place.book(datetime(2026, 6, 2, 16, tzinfo=UTC))

    def test_a_canceled_booking_does_not_count_towards_the_day(self, place: Place) -> None:
        place.follow(max_per_day=1)
        made = place.book()
        commands.cancel(place.account.id, made.id, "", "user", NOW)
        place.book(LATER)

    def test_answers_are_properties_of_person_and_meeting(self, place: Place) -> None:
        place.follow(questions=(Question("team_size", "How many?"),))
        made = place.book(answers={"team_size": "12"})
        assert place.state(made.id).custom == {"team_size": "12"}
        assert set(Property.objects.values_list("object", "identifier")) == {
            ("Contact", "team_size"),
            ("Meeting", "team_size"),
        }

    def test_hosts_take_turns(self) -> None:
        place = open_place(hosts=3)
        hosts = [place.state(place.book(TEN + timedelta(hours=n)).id).host for n in range(6)]
        keys = [host.key for host in hosts if host]
        assert set(keys[:3]) == set(keys[3:]) == set(place.hosts)

    def test_a_host_of_a_lower_priority_is_asked_when_the_others_are_taken(self) -> None:
        place = open_place(hosts=2)
        first, second = place.hosts
        place.calendar = evolve(place.calendar, priorities={first: 2})
        calendars.change(place.account.id, place.calendar)
        keys = [place.state(place.book(TEN).id).host.key for _ in range(2)]  # type: ignore[union-attr]
        assert keys == [second, first]

    def test_nothing_is_kept_of_a_booking_that_fails(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(commands.queries, "wake", fail)
        with pytest.raises(ZeroDivisionError):
            place.book()
        for table in (Booking, BookedTime, Contact, SyncItem, Delivery):
            assert not table.objects.exists()


class TestReschedule:
    """To another time, with the same host and the same id."""

    def test_by_the_guest_to_an_offered_time(self, place: Place) -> None:
        made = place.book()
        commands.reschedule(place.account.id, made.id, LATER, None, " Clash ", "customer", NOW)
        state = place.state(made.id)
        assert (state.start, state.status_detail) == (LATER, "Rescheduled (By customer)")
        assert (state.reason, place.wanted(made.id)) == ("Clash", 2)
        assert_whole(place)

    def test_a_little_later_over_its_own_time(self, place: Place) -> None:
        made = place.book(TEN, 60)
        commands.reschedule(place.account.id, made.id, TEN + timedelta(minutes=30), None, "", "customer", NOW)
        assert place.state(made.id).start == TEN + timedelta(minutes=30)
        assert_whole(place)

    def test_the_guest_may_choose_another_offered_duration_only(self, place: Place) -> None:
        made = place.book()
        commands.reschedule(place.account.id, made.id, LATER, 60, "", "customer", NOW)
        assert place.state(made.id).duration == timedelta(minutes=60)
        with pytest.raises(InputError, match="45 minutes"):
            commands.reschedule(place.account.id, made.id, TEN, 45, "", "customer", NOW)

    def test_the_host_stays_the_same_even_where_another_is_free(self) -> None:
        place = open_place(hosts=2)
        made = place.book()
        host = place.state(made.id).host
        assert host is not None
        busy = next(b for b in (place.book(LATER), place.book(LATER)) if place.state(b.id).host == host)
        with pytest.raises(Taken) as refused:
            commands.reschedule(place.account.id, made.id, LATER, None, "", "customer", NOW)
        assert LATER not in refused.value.nearest
        other = next(b for b in Booking.objects.filter(start_at=LATER) if b.source_id != busy.id)
        commands.cancel(place.account.id, other.source_id, "", "user", NOW)
        with pytest.raises(Taken):
            commands.reschedule(place.account.id, made.id, LATER, None, "", "customer", NOW)

    def test_the_guest_is_bound_by_the_rules_the_host_is_not(self, place: Place) -> None:
        place.follow(guest_may_reschedule=False)
        made = place.book()
        with pytest.raises(InputError) as refused:
            commands.reschedule(place.account.id, made.id, LATER, None, "", "customer", NOW)
        assert refused.value.code == "NOT_ALLOWED"
        odd = TEN + timedelta(days=400, minutes=7)
        commands.reschedule(place.account.id, made.id, odd, 50, "", "user", NOW)
        state = place.state(made.id)
        assert (state.start, state.duration) == (odd, timedelta(minutes=50))
        assert_whole(place)

    def test_the_host_may_not_be_in_two_meetings(self, place: Place) -> None:
        made, _ = place.book(), place.book(LATER)
        with pytest.raises(Taken) as refused:
            commands.reschedule(
                place.account.id, made.id, LATER + timedelta(minutes=15), None, "", "user", NOW
            )
        assert refused.value.nearest
        assert place.state(made.id).start == TEN

    def test_after_the_meeting_and_into_the_past(self, place: Place) -> None:
        made = place.book()
        commands.complete_due(LATER)
        commands.reschedule(place.account.id, made.id, TEN - timedelta(days=9), None, "", "user", LATER)
        assert place.state(made.id).status is Status.RESCHEDULED
        assert commands.complete_due(LATER) == 1
        assert place.state(made.id).status is Status.COMPLETED
        assert_whole(place)

    @pytest.mark.parametrize(
        ("start", "minutes", "code"),
        [(TEN.replace(year=1999), 30, "START"), (LATER, 1, "DURATION"), (LATER, 721, "DURATION")],
    )
    def test_no_time_at_all(self, place: Place, start: datetime, minutes: int, code: str) -> None:
        made = place.book()
        with pytest.raises(InputError) as refused:
            commands.reschedule(place.account.id, made.id, start, minutes, "", "user", NOW)
        assert refused.value.code == code


class TestEnding:
    """Canceled, asked for another time, declined: the time is free again."""

    def test_canceled_by_the_guest_with_a_reason(self, place: Place) -> None:
        made = place.book()
        commands.cancel(place.account.id, made.id, "Travel clash", "customer", NOW)
        state = place.state(made.id)
        assert (state.status_detail, state.reason) == ("Canceled (By customer)", "Travel clash")
        assert place.taken() == []
        assert place.book().id != made.id
        assert_whole(place)

    def test_the_guests_deadline_does_not_bind_the_host(self, place: Place) -> None:
        place.follow(guest_changes_until=24 * 60)
        made = place.book()
        late = TEN - timedelta(hours=1)
        with pytest.raises(InputError, match="too late"):
            commands.cancel(place.account.id, made.id, "", "customer", late)
        commands.cancel(place.account.id, made.id, "", "user", late)

    def test_twice_is_refused(self, place: Place) -> None:
        made = place.book()
        commands.cancel(place.account.id, made.id, "", "user", NOW)
        with pytest.raises(InputError, match="Canceled cannot be canceled"):
            commands.cancel(place.account.id, made.id, "", "user", NOW)
        assert place.wanted(made.id) == 2

    def test_asked_to_reschedule_and_booked_again(self, place: Place) -> None:
        made = place.book()
        commands.ask_to_reschedule(place.account.id, made.id, "Ill", NOW)
        assert place.state(made.id).status_detail == "Canceled (Reschedule requested by User)"
        again = place.book(rescheduled_from=made.id, guest=place.state(made.id).guest)
        assert place.state(again.id).rescheduled_from == made.id
        assert_whole(place)

    def test_one_booking_is_replaced_by_one(self, place: Place) -> None:
        """Two windows of the same link, two choices: the second one learns of the first."""
        made = place.book()
        commands.ask_to_reschedule(place.account.id, made.id, "Ill", NOW)
        guest = place.state(made.id).guest
        place.book(rescheduled_from=made.id, guest=guest)
        with pytest.raises(InputError, match="already"):
            place.book(LATER, rescheduled_from=made.id, guest=guest)

    @pytest.mark.parametrize("former", ["live", "unknown", "foreign"])
    def test_only_a_canceled_booking_of_the_account_is_replaced(self, place: Place, former: str) -> None:
        other = open_place()
        foreign = other.book().id
        commands.cancel(other.account.id, foreign, "", "user", NOW)
        ids = {"live": place.book(LATER).id, "unknown": "BKNG-X", "foreign": foreign}
        with pytest.raises(InputError) as refused:
            place.book(rescheduled_from=ids[former])
        assert refused.value.code == "NOT_ALLOWED"

    def test_a_request_keeps_its_time_until_it_is_declined(self, place: Place) -> None:
        place.follow(approval=True)
        made = place.book()
        assert place.state(made.id).status_detail == "Requested (By customer)"
        with pytest.raises(Taken):
            place.book()
        commands.decline(place.account.id, made.id, "No room", NOW)
        assert place.state(made.id).reason == "No room"
        assert_whole(place)
        place.book()

    def test_a_request_is_approved(self, place: Place) -> None:
        place.follow(approval=True)
        made = place.book()
        commands.approve(place.account.id, made.id, "Gladly", NOW)
        state = place.state(made.id)
        assert (state.status, state.timeline[-1].reason) == (Status.SCHEDULED, "Gladly")
        assert state.reason == "", "the CRM's reason is that of a cancel or reschedule"
        assert_whole(place)


class TestHosts:
    """In other hands."""

    def test_reassigned_in_place(self) -> None:
        place = open_place(hosts=2)
        made = place.book()
        mine = place.state(made.id).host.key  # type: ignore[union-attr]
        other = next(key for key in place.hosts if key != mine)
        commands.reassign(place.account.id, made.id, other, "Ill", NOW)
        state = place.state(made.id)
        assert (state.host.key, state.status_detail) == (other, "Scheduled (Reassigned by user)")  # type: ignore[union-attr]
        assert [key for key, _, _ in place.taken()] == [other]
        assert_whole(place)

    def test_not_to_a_host_who_has_something_else_then(self) -> None:
        place = open_place(hosts=2)
        made, _ = place.book(), place.book()
        mine = place.state(made.id).host.key  # type: ignore[union-attr]
        with pytest.raises(Taken, match="another booking"):
            commands.reassign(place.account.id, made.id, next(k for k in place.hosts if k != mine), "", NOW)
        assert_whole(place)

    def test_to_a_host_outside_the_calendar_and_his_hours(self, place: Place) -> None:
        made = place.book()
        new = hosting.create_host(place.account.id, "New", "new@host.example", WeeklyHours(), NOW)
        commands.reassign(place.account.id, made.id, new, "", NOW)
        assert_whole(place)

    @pytest.mark.parametrize("key", ["HST-X", "foreign", "same"])
    def test_not_to_nobody_nor_to_himself(self, place: Place, key: str) -> None:
        made = place.book()
        there = {"foreign": open_place().hosts[0], "same": place.hosts[0]}.get(key, key)
        with pytest.raises(InputError) as refused:
            commands.reassign(place.account.id, made.id, there, "", NOW)
        assert refused.value.code in ("UNKNOWN_HOST", "SAME_HOST")

    def test_no_show_and_back(self, place: Place) -> None:
        made = place.book()
        commands.mark_no_show(place.account.id, made.id, "nobody came", TEN)
        assert place.state(made.id).status is Status.NO_SHOW
        commands.undo_no_show(place.account.id, made.id, "he is late", TEN + timedelta(minutes=5))
        state = place.state(made.id)
        assert (state.status, state.timeline[-1].reason) == (Status.SCHEDULED, "he is late")
        assert_whole(place)

    def test_a_no_show_keeps_its_time_so_that_it_can_be_undone(self, place: Place) -> None:
        made = place.book(TEN, 60)
        commands.mark_no_show(place.account.id, made.id, "", TEN)
        with pytest.raises(Taken):
            place.book(TEN + timedelta(minutes=30), now=TEN)


class TestClock:
    """Completed by the system."""

    def test_when_the_end_has_passed(self, place: Place) -> None:
        made, ahead = place.book(), place.book(LATER)
        end = TEN + timedelta(minutes=30)
        assert commands.complete_due(end - timedelta(microseconds=1)) == 0
        assert commands.complete_due(end) == 1
        assert commands.complete_due(end) == 0
        state = place.state(made.id)
        assert (state.status_detail, state.updated_at) == ("Completed (Set by System)", end)
        assert (place.wanted(made.id), place.wanted(ahead.id)) == (2, 1)
        assert_whole(place)

    def test_requests_no_shows_and_canceled_ones_are_left_alone(self, place: Place) -> None:
        missed, canceled = place.book(), place.book(LATER)
        commands.mark_no_show(place.account.id, missed.id, "", TEN)
        commands.cancel(place.account.id, canceled.id, "", "user", NOW)
        place.follow(approval=True)
        place.book(LATER)
        assert commands.complete_due(LATER + timedelta(days=1)) == 0

    def test_sources_that_tell_of_completion_are_left_to_do_so(self, place: Place) -> None:
        record(place.account.id, [line()], "oncehub", NOW)
        assert commands.complete_due(NOW + timedelta(days=900)) == 0

    def test_of_every_account_in_batches(self, place: Place) -> None:
        other = open_place()
        for n in range(5):
            place.book(TEN + timedelta(hours=n))
            other.book(TEN + timedelta(hours=n))
        day_after = TEN + timedelta(days=1)
        assert [commands.complete_due(day_after, limit=3) for _ in range(3)] == [6, 4, 0]

    def test_trouble_in_one_account_does_not_hold_back_the_others(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = open_place()
        place.book()
        made = other.book()
        keep = commands.keep

        def fail_there(account_id: int, *rest: object) -> object:
            if account_id == place.account.id:
                raise ZeroDivisionError
            return keep(account_id, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(commands, "keep", fail_there)
        with pytest.raises(ZeroDivisionError):
            commands.complete_due(LATER)
        assert other.state(made.id).status is Status.COMPLETED


_ACTS: list[Callable[[int, str], None]] = [
    lambda a, b: commands.cancel(a, b, "", "user", NOW),
    lambda a, b: commands.reschedule(a, b, LATER, None, "", "user", NOW),
    lambda a, b: commands.reschedule(a, b, LATER, None, "", "customer", NOW),
    lambda a, b: commands.ask_to_reschedule(a, b, "", NOW),
    lambda a, b: commands.reassign(a, b, "HST-X", "", NOW),
    lambda a, b: commands.mark_no_show(a, b, "", NOW),
    lambda a, b: commands.undo_no_show(a, b, "", NOW),
    lambda a, b: commands.approve(a, b, "", NOW),
    lambda a, b: commands.decline(a, b, "", NOW),
]


@pytest.mark.parametrize("act", _ACTS)
def test_nobody_reaches_bookings_of_another_account_or_source(
    place: Place, act: Callable[[int, str], None]
) -> None:
    stranger = Account.objects.create(name="Stranger")
    made = place.book()
    record(place.account.id, [line(id="BKNG-ELSEWHERE")], "oncehub", NOW)
    for account_id, booking_id in (
        (stranger.id, made.id),
        (place.account.id, "BKNG-ELSEWHERE"),
        (place.account.id, "BKNG-NONE"),
    ):
        with pytest.raises(InputError) as refused:
            act(account_id, booking_id)
        assert refused.value.code == "UNKNOWN_BOOKING"
    assert place.state(made.id).status is Status.SCHEDULED


@pytest.mark.parametrize("reason", ["x" * 2001, "a\0b", "a\ud800"])
def test_a_reason_that_cannot_be_kept_is_refused(place: Place, reason: str) -> None:
    made = place.book()
    with pytest.raises(InputError) as refused:
        commands.cancel(place.account.id, made.id, reason, "customer", NOW)
    assert refused.value.fields == ("reason",)
