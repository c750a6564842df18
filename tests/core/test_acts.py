"""What may happen next to a booking made here, and that its facts add up to what was done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from instep.core import acts
from instep.core.acts import Act, allowed, guest_may
from instep.core.booking import Booking, Host, Kind, Status
from instep.core.booking_calendar import Rules
from instep.core.desired import wants_activity
from instep.core.errors import InputError
from instep.core.fold import Change, Form, Hosts, Snapshot, fold

START = datetime(2026, 3, 5, 13, tzinfo=UTC)
END = START + timedelta(minutes=30)
BEFORE, DURING, AFTER = START - timedelta(days=1), START + timedelta(minutes=5), END + timedelta(hours=1)
NUNO, MAYA = Host("HST-1", "nuno@host.example", "Nuno"), Host("HST-2", "maya@host.example")
HOSTS = Hosts({NUNO.email: NUNO, MAYA.email: MAYA})
FIRST = Snapshot(
    source="instep",
    envelope_id="E0",
    booking_id="B",
    kind=Kind.SCHEDULED,
    updated_at=BEFORE - timedelta(days=1),
    created_at=BEFORE - timedelta(days=1),
    status=Status.SCHEDULED,
    start=START,
    duration=timedelta(minutes=30),
    form=Form("Ann", "ann@x.example"),
    host_address=NUNO.email,
    step=Change(by="customer"),
)
REQUEST = evolve(FIRST, kind=Kind.REQUESTED, status=Status.REQUESTED)


def booking(status: Status = Status.SCHEDULED, *facts: Snapshot) -> Booking:
    """A booking of these facts, or of one; `status` whatever they say."""
    return evolve(fold(facts or (FIRST,), HOSTS), status=status)


AHEAD = (Act.RESCHEDULE, Act.ASK_TO_RESCHEDULE, Act.REASSIGN, Act.CANCEL)
LATER = (Act.RESCHEDULE, Act.ASK_TO_RESCHEDULE, Act.REASSIGN, Act.NO_SHOW, Act.CANCEL)


@pytest.mark.parametrize(
    ("status", "now", "acts_then"),
    [
        (Status.REQUESTED, BEFORE, (Act.APPROVE, Act.DECLINE)),
        (Status.REQUESTED, START, (Act.DECLINE,)),
        (Status.SCHEDULED, BEFORE, AHEAD),
        (Status.SCHEDULED, START - timedelta(microseconds=1), AHEAD),
        (Status.SCHEDULED, START, LATER),
        (Status.RESCHEDULED, BEFORE, AHEAD),
        (Status.RESCHEDULED, AFTER, LATER),
        (Status.COMPLETED, AFTER, (Act.RESCHEDULE, Act.ASK_TO_RESCHEDULE, Act.NO_SHOW, Act.CANCEL)),
        (Status.NO_SHOW, AFTER, (Act.RESCHEDULE, Act.ASK_TO_RESCHEDULE, Act.UNDO_NO_SHOW, Act.CANCEL)),
        (Status.CANCELED, BEFORE, ()),
        (Status.CANCELED, AFTER, ()),
    ],
)
def test_what_the_hosts_side_may_do(status: Status, now: datetime, acts_then: tuple[Act, ...]) -> None:
    assert allowed(booking(status), now) == acts_then


def test_bookings_of_other_sources_are_left_to_them() -> None:
    assert allowed(evolve(booking(), source="oncehub"), BEFORE) == ()
    with pytest.raises(InputError, match="another product"):
        acts.canceled(evolve(booking(), source="oncehub"), Change("", "user"), BEFORE, "E1")


class TestGuest:
    """What the guest may do: reschedule and cancel, as far as the calendar's rules go."""

    @pytest.mark.parametrize("act", [Act.RESCHEDULE, Act.CANCEL])
    def test_until_the_start_as_a_rule(self, act: Act) -> None:
        assert guest_may(booking(), Rules(), act, START - timedelta(seconds=1)) == ""
        assert "started" in guest_may(booking(), Rules(), act, START)

    @pytest.mark.parametrize("act", [Act.RESCHEDULE, Act.CANCEL])
    def test_until_the_calendars_deadline(self, act: Act) -> None:
        rules = Rules(guest_changes_until=120)
        assert guest_may(booking(), rules, act, START - timedelta(hours=2)) == ""
        refusal = guest_may(booking(), rules, act, START - timedelta(hours=2) + timedelta(seconds=1))
        assert "2 hours before the start" in refusal

    def test_what_the_calendar_forbids(self) -> None:
        assert "cannot be canceled" in guest_may(booking(), Rules(guest_may_cancel=False), Act.CANCEL, BEFORE)
        assert guest_may(booking(), Rules(guest_may_cancel=False), Act.RESCHEDULE, BEFORE) == ""
        assert "cannot be rescheduled" in guest_may(
            booking(), Rules(guest_may_reschedule=False), Act.RESCHEDULE, BEFORE
        )

    def test_a_time_that_the_host_has_to_confirm_is_not_moved_without_him(self) -> None:
        assert "confirms" in guest_may(booking(), Rules(approval=True), Act.RESCHEDULE, BEFORE)
        assert guest_may(booking(Status.REQUESTED), Rules(approval=True), Act.CANCEL, BEFORE) == ""

    @pytest.mark.parametrize("status", [Status.CANCELED, Status.COMPLETED, Status.NO_SHOW])
    def test_nothing_when_it_is_over(self, status: Status) -> None:
        assert guest_may(booking(status), Rules(), Act.CANCEL, BEFORE)

    @pytest.mark.parametrize("act", sorted(set(Act) - {Act.RESCHEDULE, Act.CANCEL}))
    def test_nothing_else(self, act: Act) -> None:
        assert "Only the host" in guest_may(booking(), Rules(), act, BEFORE)


def done(*facts: Snapshot) -> Booking:
    return fold(facts, HOSTS)


class TestFacts:
    """Each act's fact, folded with those before it."""

    def test_a_move_keeps_everything_but_the_time(self) -> None:
        there = START + timedelta(days=1)
        moved = acts.rescheduled(
            done(FIRST), there, timedelta(minutes=60), Change("Clash", "customer"), BEFORE, "E1"
        )
        after = done(FIRST, moved)
        assert (after.start, after.end) == (there, there + timedelta(minutes=60))
        assert (after.status, after.status_detail) == (Status.RESCHEDULED, "Rescheduled (By customer)")
        assert (after.reason, after.guest.name, after.host) == ("Clash", "Ann", NUNO)

    def test_a_move_to_where_it_is_is_none(self) -> None:
        with pytest.raises(InputError, match="already"):
            acts.rescheduled(done(FIRST), START, timedelta(minutes=30), Change("", "user"), BEFORE, "E1")

    def test_a_reassignment_keeps_the_status_and_the_reason_of_the_last_move(self) -> None:
        moved = acts.rescheduled(
            done(FIRST), AFTER, timedelta(minutes=30), Change("Clash", "user"), BEFORE, "E1"
        )
        given = acts.reassigned(done(FIRST, moved), MAYA, "Nuno is ill", BEFORE, "E2")
        after = done(FIRST, moved, given)
        assert (after.host, after.status) == (MAYA, Status.RESCHEDULED)
        assert after.status_detail == "Rescheduled (Reassigned by user)"
        assert after.reason == "Clash"
        assert after.timeline[-1].reason == "Nuno is ill"
        with pytest.raises(InputError, match="already"):
            acts.reassigned(after, MAYA, "", BEFORE, "E3")

    def test_a_no_show_is_undone_to_what_it_was_before_while_the_meeting_lasts(self) -> None:
        missed = acts.marked_no_show(done(FIRST), "nobody came", DURING, "E1")
        assert done(FIRST, missed).status_detail == "No-show (Set by user)"
        undone = acts.no_show_undone(done(FIRST, missed), "he is here", DURING, "E2")
        assert done(FIRST, missed, undone).status is Status.SCHEDULED
        late = acts.no_show_undone(done(FIRST, missed), "he was here", END, "E2")
        assert done(FIRST, missed, late).status is Status.COMPLETED

    def test_nobody_has_missed_what_has_not_begun(self) -> None:
        with pytest.raises(InputError, match="not started"):
            acts.marked_no_show(done(FIRST), "", BEFORE, "E1")

    def test_a_declined_request_never_wants_an_activity_an_approved_one_does(self) -> None:
        refused = done(REQUEST, acts.declined(done(REQUEST), "full", BEFORE, "E1"))
        assert (refused.status, refused.reason) == (Status.CANCELED, "full")
        assert refused.status_detail == "Canceled (Declined by User)"
        assert not wants_activity(refused)
        granted = done(REQUEST, acts.approved(done(REQUEST), "", BEFORE, "E1"))
        assert granted.status_detail == "Scheduled (Approved by User)"
        assert wants_activity(granted)
        over = acts.canceled(granted, Change("", "user"), BEFORE, "E2")
        assert wants_activity(done(REQUEST, acts.approved(done(REQUEST), "", BEFORE, "E1"), over))

    def test_a_guest_may_take_a_request_back_the_host_declines_it(self) -> None:
        assert acts.canceled(done(REQUEST), Change("", "customer"), BEFORE, "E1").kind is Kind.CANCELED
        with pytest.raises(InputError):
            acts.canceled(done(REQUEST), Change("", "user"), BEFORE, "E1")

    def test_asking_for_another_time_cancels(self) -> None:
        asked = done(FIRST, acts.asked_to_reschedule(done(FIRST), "Ill", BEFORE, "E1"))
        assert asked.status_detail == "Canceled (Reschedule requested by User)"
        assert (asked.reason, asked.actioned_by) == ("Ill", "user")

    def test_completed_at_the_end_however_late_it_is_noticed(self) -> None:
        over = acts.completed(done(FIRST), "E1")
        assert over.updated_at == END
        assert done(FIRST, over).status_detail == "Completed (Set by System)"
        with pytest.raises(InputError):
            acts.completed(done(FIRST, over), "E2")

    def test_a_meeting_that_is_over_can_still_be_moved(self) -> None:
        over = done(FIRST, acts.completed(done(FIRST), "E1"))
        there = AFTER + timedelta(days=1)
        moved = acts.rescheduled(over, there, over.duration, Change("", "user"), AFTER, "E2")
        assert moved.status is Status.RESCHEDULED


@given(st.lists(st.tuples(st.sampled_from(list(Act)), st.integers(-3, 3)), max_size=8), st.booleans())
def test_facts_never_go_back_in_time_and_the_status_is_always_the_newest_facts(
    steps: list[tuple[Act, int]], request_first: bool
) -> None:
    """Clocks of several machines differ: `now` may go back; the order of what was done does not."""
    facts = [REQUEST if request_first else FIRST]
    for number, (act, hours) in enumerate(steps):
        before, now = done(*facts), START + timedelta(hours=hours)
        if act in allowed(before, now):
            facts.append(_do(before, act, now, f"E{number}"))
    assert done(*facts).status is facts[-1].status
    assert [s.updated_at for s in facts] == sorted({s.updated_at for s in facts})


def _do(before: Booking, act: Act, now: datetime, fact_id: str) -> Snapshot:
    other = MAYA if before.host == NUNO else NUNO
    later = before.start + timedelta(hours=1)
    said = Change("why", "user")
    plain = {
        Act.ASK_TO_RESCHEDULE: acts.asked_to_reschedule,
        Act.NO_SHOW: acts.marked_no_show,
        Act.UNDO_NO_SHOW: acts.no_show_undone,
        Act.APPROVE: acts.approved,
        Act.DECLINE: acts.declined,
    }
    if act is Act.RESCHEDULE:
        return acts.rescheduled(before, later, before.duration, said, now, fact_id)
    if act is Act.REASSIGN:
        return acts.reassigned(before, other, "why", now, fact_id)
    if act is Act.CANCEL:
        return acts.canceled(before, said, now, fact_id)
    return plain[act](before, "why", now, fact_id)
