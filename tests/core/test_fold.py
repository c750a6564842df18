"""Facts of one booking add up to the same state in every order and number."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from instep.core.booking import Host, Kind, Status
from instep.core.fold import Change, Form, Hosts, Owner, Snapshot, fold, stamp

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NUNO = Host("HST-1", "nuno@host.example", "Nuno Reis", "Europe/Lisbon")
GRETA = Host("HST-2", "greta@host.example", "Greta Lindqvist")
KNOWN = Hosts({NUNO.email: NUNO, GRETA.email: GRETA}, {"USR-1": NUNO, "USR-2": GRETA})


def fact(minute: int, kind: Kind = Kind.SCHEDULED, **parts: object) -> Snapshot:
    at = NOON + timedelta(minutes=minute)
    status = {Kind.REASSIGNED: Status.SCHEDULED}.get(kind) or Status(kind.value.split("_then_")[0])
    said: dict[str, object] = {
        "source": "oncehub",
        "envelope_id": f"E{minute}",
        "booking_id": "B",
        "kind": kind,
        "updated_at": at,
        "created_at": at,
        "status": status,
        "start": NOON + timedelta(days=3),
        "duration": timedelta(minutes=30),
    }
    return Snapshot(**{**said, **parts})  # type: ignore[arg-type]


def maybe(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | strategy


addresses = st.sampled_from([NUNO.email, GRETA.email, "guest@guest.example", "other@host.example"])
snapshots = st.builds(
    Snapshot,
    source=st.just("oncehub"),
    envelope_id=st.text("ABCDEFGH", min_size=1, max_size=6),
    booking_id=st.just("B"),
    kind=st.sampled_from(list(Kind)),
    # few moments, so that ties are common
    updated_at=st.integers(0, 3).map(lambda m: NOON + timedelta(minutes=m)),
    created_at=st.integers(0, 2).map(lambda m: NOON + timedelta(minutes=m)),
    status=st.sampled_from(list(Status)),
    start=st.integers(0, 5).map(lambda d: NOON + timedelta(days=d)),
    duration=st.integers(1, 60).map(lambda m: timedelta(minutes=m)),
    subject=maybe(st.sampled_from(["", "Demo", "Call"])),
    virtual_location=maybe(st.sampled_from(["", "https://meet.example"])),
    change=maybe(st.builds(Change, st.sampled_from(["", "ill", "clash"]), st.sampled_from(["", "user"]))),
    step=maybe(st.builds(Change, st.sampled_from(["", "late"]), st.sampled_from(["user", "system"]))),
    attendees=maybe(st.lists(addresses, max_size=3).map(tuple)),
    form=maybe(st.builds(Form, name=st.sampled_from(["Ann", "Bob"]), email=addresses)),
    owner=maybe(st.builds(Owner, st.sampled_from(["USR-1", "USR-2", "USR-3"]))),
    host_address=maybe(addresses),
    custom=maybe(st.dictionaries(st.sampled_from("ab"), st.text("xy", max_size=2), max_size=2)),
)


@given(st.lists(snapshots, min_size=1, max_size=7, unique_by=lambda s: s.envelope_id), st.randoms())
def test_any_order_and_repetition_gives_the_same_booking(
    facts: list[Snapshot], chance: random.Random
) -> None:
    again = facts + chance.choices(facts, k=3)
    chance.shuffle(again)
    assert fold(again, KNOWN) == fold(facts, KNOWN)


@given(st.lists(snapshots, min_size=2, max_size=7, unique_by=lambda s: s.envelope_id))
def test_stamps_sort_like_the_order_of_facts(facts: list[Snapshot]) -> None:
    by_order = sorted(facts, key=lambda s: s.order)
    assert sorted(facts, key=lambda s: s.stamp) == by_order


def test_a_booking_without_facts_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one fact"):
        fold([], KNOWN)


def test_the_newest_update_decides_and_older_facts_only_fill_the_timeline() -> None:
    newest = fact(10, Kind.RESCHEDULED, start=NOON + timedelta(days=5))
    booking = fold([newest, fact(5, Kind.COMPLETED), fact(0)], KNOWN)
    assert booking.status is Status.RESCHEDULED
    assert booking.start == NOON + timedelta(days=5)
    assert booking.end == booking.start + timedelta(minutes=30)
    assert [step.kind for step in booking.timeline] == [Kind.SCHEDULED, Kind.COMPLETED, Kind.RESCHEDULED]


def test_facts_of_one_moment_follow_the_life_of_a_booking() -> None:
    same = {"updated_at": NOON, "created_at": NOON}
    booking = fold([fact(1, Kind.CANCELED, **same), fact(2, Kind.SCHEDULED, **same)], KNOWN)
    assert booking.status is Status.CANCELED


def test_a_part_that_is_not_spoken_of_keeps_what_the_newest_fact_with_it_said() -> None:
    full = fact(
        0,
        subject="Demo",
        form=Form(name="Ann", email="ann@guest.example", custom={"size": "1"}),
        virtual_location="https://meet.example",
        custom={"size": "2", "topic": "x"},
        time_zone="Europe/Lisbon",
    )
    booking = fold([full, fact(1, Kind.COMPLETED)], KNOWN)
    assert (booking.subject, booking.guest.name, booking.guest_time_zone) == ("Demo", "Ann", "Europe/Lisbon")
    assert booking.virtual_location == "https://meet.example"
    assert booking.custom == {"size": "2", "topic": "x"}, "a meeting's own property wins over the form's"


def test_a_part_that_is_said_to_be_empty_is_empty() -> None:
    booking = fold(
        [fact(0, subject="Demo", form=Form(name="A", note="x")), fact(1, subject="", form=Form("A"))], KNOWN
    )
    assert (booking.subject, booking.guest.note) == ("", "")


class TestReason:
    """The reason is that of the latest reschedule or cancel (design 2)."""

    def test_later_facts_of_other_kinds_keep_it(self) -> None:
        moved = fact(1, Kind.RESCHEDULED, change=Change("clash", "customer"))
        done = fact(2, Kind.COMPLETED, change=Change("something else", "user"))
        booking = fold([fact(0), moved, done], KNOWN)
        assert (booking.reason, booking.actioned_by) == ("clash", "customer")

    def test_the_reason_of_any_other_step_stands_in_the_timeline_alone(self) -> None:
        moved = fact(1, Kind.RESCHEDULED, change=Change("clash", "customer"))
        missed = fact(2, Kind.NO_SHOW, step=Change("nobody came", "user"))
        booking = fold([fact(0), moved, missed], KNOWN)
        assert (booking.reason, booking.actioned_by) == ("clash", "customer")
        assert [(s.by, s.reason) for s in booking.timeline[1:]] == [
            ("customer", "clash"),
            ("user", "nobody came"),
        ]

    def test_a_change_without_a_reason_empties_it(self) -> None:
        facts = [fact(1, Kind.RESCHEDULED, change=Change("clash", "user")), fact(2, Kind.RESCHEDULED)]
        assert fold(facts, KNOWN).reason == ""

    def test_a_block_on_another_kind_counts_only_when_the_change_itself_is_unknown(self) -> None:
        only = fact(2, Kind.COMPLETED, change=Change("clash", "user"))
        assert fold([only], KNOWN).reason == "clash"
        assert (
            fold([only, fact(1, Kind.RESCHEDULED, change=Change("older", "user"))], KNOWN).reason == "older"
        )

    def test_the_timeline_shows_a_reason_only_where_it_was_given(self) -> None:
        facts = [
            fact(1, Kind.RESCHEDULED, change=Change("clash", "user")),
            fact(2, Kind.COMPLETED, change=Change("clash", "user")),
        ]
        assert [step.reason for step in fold(facts, KNOWN).timeline] == ["clash", ""]


class TestHost:
    """Whose calendar the meeting stands in, else the first known attendee, else the owner."""

    def test_the_calendar_decides_without_regard_to_case(self) -> None:
        said = fact(0, host_address="Nuno@Host.example", attendees=(GRETA.email,), owner=Owner("USR-2"))
        assert fold([said], KNOWN).host == NUNO

    def test_else_the_first_known_attendee(self) -> None:
        said = fact(0, attendees=("x@guest.example", GRETA.email, NUNO.email), owner=Owner("USR-1"))
        assert fold([said], KNOWN).host == GRETA

    def test_a_shared_calendar_is_no_host(self) -> None:
        said = fact(0, host_address="c_1@group.calendar.google.com", attendees=(GRETA.email,))
        assert fold([said], KNOWN).host == GRETA

    def test_a_colleague_who_books_is_not_the_one_who_is_booked(self) -> None:
        said = fact(0, attendees=(GRETA.email, NUNO.email), form=Form(email="Greta@host.example"))
        assert fold([said], KNOWN).host == NUNO

    def test_else_the_owner_by_id_or_object(self) -> None:
        assert fold([fact(0, owner=Owner("USR-2"))], KNOWN).host == GRETA
        assert fold([fact(0, owner=Owner("USR-9", email=GRETA.email))], KNOWN).host == GRETA
        assert fold([fact(0, owner=Owner("USR-9"))], KNOWN).host == Host("USR-9")

    def test_the_owner_never_takes_back_a_reassigned_booking(self) -> None:
        facts = [
            fact(0, host_address=NUNO.email, owner=Owner("USR-1")),
            fact(1, Kind.REASSIGNED, host_address=GRETA.email, owner=Owner("USR-1")),
            fact(2, Kind.RESCHEDULED, owner=Owner("USR-1")),
        ]
        booking = fold(facts, KNOWN)
        assert booking.host == GRETA
        assert booking.hosts_newest_first == (GRETA, NUNO)

    def test_a_co_host_among_the_attendees_does_not_displace_the_host(self) -> None:
        facts = [
            fact(0, host_address=NUNO.email),
            fact(1, Kind.RESCHEDULED, attendees=(GRETA.email, NUNO.email)),
        ]
        assert fold(facts, KNOWN).host == NUNO

    def test_a_reassignment_without_a_calendar_goes_by_the_attendees(self) -> None:
        facts = [
            fact(0, host_address=NUNO.email),
            fact(1, Kind.REASSIGNED, attendees=(GRETA.email, "g@x.example")),
        ]
        assert fold(facts, KNOWN).host == GRETA

    def test_nobody_is_made_up(self) -> None:
        assert fold([fact(0, attendees=("guest@guest.example",))], KNOWN).host is None


@pytest.mark.parametrize(
    ("kind", "parts", "text"),
    [
        (Kind.SCHEDULED, {}, "Scheduled (By customer)"),
        (Kind.CANCELED, {"change": Change("", "user")}, "Canceled (By user)"),
        (Kind.CANCELED, {"change": Change("ill", "customer")}, "Canceled (By customer)"),
        (
            Kind.CANCELED_RESCHEDULE_REQUESTED,
            {"status": Status.CANCELED},
            "Canceled (Reschedule requested by User)",
        ),
        (Kind.COMPLETED, {"change": Change("old", "user")}, "Completed (Set by System)"),
        (Kind.NO_SHOW, {}, "No-show (Set by user)"),
        (Kind.REASSIGNED, {"status": Status.RESCHEDULED}, "Rescheduled (Reassigned by user)"),
        # the kind and the status contradict each other: the status is what the source's own pages show
        (Kind.SCHEDULED, {"status": Status.CANCELED}, "Canceled (By customer)"),
    ],
)
def test_detailed_status(kind: Kind, parts: dict[str, object], text: str) -> None:
    facts = [evolve(fact(0), envelope_id="first")]
    if kind is Kind.CANCELED_RESCHEDULE_REQUESTED:
        facts.append(evolve(fact(5), kind=kind, **parts))  # type: ignore[arg-type]
    else:
        facts.append(fact(5, kind, **parts))
    assert fold(facts, KNOWN).status_detail == text


def test_stamps_are_utc() -> None:
    here = datetime.fromisoformat("2026-03-02T14:00:00+02:00")
    assert stamp(here, here, 3, "E") == stamp(NOON, NOON, 3, "E")
