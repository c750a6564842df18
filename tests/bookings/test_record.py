"""Recording facts: what comes out, and that order, grouping and repetition change nothing of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from account_tables import chunks, tables
from instep.bookings.record import Recorded, record
from instep.store import queries
from instep.store.models import (
    Account,
    Booking,
    Calendar,
    Connection,
    Contact,
    Fact,
    Host,
    Property,
    SetAside,
    SyncItem,
    Transition,
)
from oncehub_events import GRETA, NOON, NUNO, envelope, form, line, owner, with_change

Recorder = Callable[..., Recorded]

EXAMPLES = (Path(__file__).parents[2] / "examples" / "oncehub-events.jsonl").read_bytes().splitlines()

UNSETTLED = {"external_calendar": None}


def awkward() -> list[bytes]:
    """Events whose hosts and people hang on each other across bookings."""
    return [
        # a host who is known by a bare id, then among attendees, until another booking's owner object tells
        line("A1", "scheduled", 0, id="A", attendees=[GRETA, "a@x.example"], owner="USR-G", **UNSETTLED),
        line(
            "A2",
            "rescheduled",
            5,
            id="A",
            attendees=["a@x.example"],
            form_submission=None,
            owner="USR-G",
            **UNSETTLED,
        ),
        line("B1", "scheduled", 2, id="B", owner=owner(id="USR-G", email=GRETA, first_name="Greta")),
        line("B2", "reassigned", 9, id="B", owner="USR-G", external_calendar={"id": GRETA.upper()}),
        line("B3", "completed", 20, id="B", owner=owner(id="USR-G", email=GRETA, first_name="Greta L.")),
        # the source's id moves to another address
        line("C1", "scheduled", 3, id="C", owner=owner(id="USR-M", email="old@host.example"), **UNSETTLED),
        line("C2", "rescheduled", 6, id="C", owner=owner(id="USR-M", email="new@host.example"), **UNSETTLED),
        line("D1", "scheduled", 1, id="D", owner="USR-M", attendees=None, **UNSETTLED),
        # names the number of F and G earlier than they do, together with an address
        line(
            "K1",
            "scheduled",
            1,
            id="K",
            form_submission=form(email="k@x.example", name="Kay", mobile_phone="+351 912000222"),
        ),
        # people: handed on, by mobile only, by nothing but a name, by nobody
        line(
            "E1", "scheduled", 0, id="E", form_submission=form(email="Ann@X.example", name="Ann", phone="1")
        ),
        line(
            "E2",
            "rescheduled",
            8,
            id="E",
            form_submission=form(email="bob@x.example", name="Bob", mobile_phone=None),
        ),
        line(
            "F1",
            "scheduled",
            4,
            id="F",
            form_submission=form(email="", name="Mo", mobile_phone="+351 912 000 222"),
        ),
        line(
            "G1",
            "scheduled",
            7,
            id="G",
            form_submission=form(email=None, mobile_phone="+351912000222", company="G"),
        ),
        line(
            "H1",
            "scheduled",
            1,
            id="H",
            form_submission=form(email="n/a", mobile_phone="123", name="Name Only"),
        ),
        line("I1", "scheduled", 1, id="I", form_submission=None),
        line(
            "J1", "scheduled", 11, id="J", form_submission=form(email="ann@x.example", company="", name="  ")
        ),
        line("J2", "canceled", 12, id="J", in_trash=True, form_submission=None),
    ]


@pytest.mark.parametrize("seed", range(12))
def test_any_order_grouping_and_repetition_gives_the_same_tables(
    account: Account, recorded: Recorder, seed: int
) -> None:
    recorded(*awkward())
    expected = tables(account)
    assert len(expected["bookings"]) == 11

    chance = random.Random(seed)
    events = awkward() + chance.choices(awkward(), k=5)
    chance.shuffle(events)
    other = Account.objects.create()
    for piece in chunks(events, [chance.randint(1, 4) for _ in range(chance.randint(0, 8))]):
        record(other.id, piece, "oncehub", NOON)
    assert tables(other) == expected


def test_the_example_events_in_random_order_one_by_one(account: Account, recorded: Recorder) -> None:
    recorded(*EXAMPLES)
    other = Account.objects.create()
    shuffled = list(EXAMPLES)
    random.Random(7).shuffle(shuffled)
    for event in shuffled:
        record(other.id, [event], "oncehub", NOON)
    assert tables(other) == tables(account)
    assert Booking.objects.filter(account=account).count() == 40


def test_a_first_booking_makes_everything_that_it_names(account: Account, recorded: Recorder) -> None:
    done = recorded(line("E1", owner=owner()))
    assert (done.accepted, done.duplicates, done.problems) == (1, 0, ())
    booking = Booking.objects.get(account=account)
    assert done.changed == (booking.id,)
    contact, host, calendar = Contact.objects.get(), Host.objects.get(), Calendar.objects.get()
    assert (booking.contact, booking.host, booking.calendar) == (contact, host, calendar)
    assert (host.email, host.name, host.time_zone, host.source_ids) == (
        NUNO,
        "Nuno Reis",
        "Europe/Lisbon",
        ["USR-4HN2P7WZQ8"],
    )
    assert (calendar.published, calendar.note) == (False, "from OnceHub")
    assert set(Property.objects.values_list("object", "identifier", "type")) == {
        ("Contact", "team_size", "text"),
        ("Contact", "topics", "multi"),
        ("Meeting", "team_size", "text"),
        ("Meeting", "topics", "multi"),
        ("Meeting", "discussion_points", "text"),
    }
    loaded = queries.load_bookings(account.id, [booking.id])[booking.id]
    assert loaded.contact_id == contact.public_id
    assert loaded.host is not None
    assert (loaded.host.key, loaded.host.name) == (host.public_id, "Nuno Reis")
    assert loaded.custom["topics"] == ("Pricing", "Security")
    person = queries.load_contacts(account.id, [contact.id])[contact.id]
    assert (person.last_name, person.company, person.time_zone) == ("Castro", "Castro Lda", "Europe/Lisbon")


class TestMarks:
    """An item is marked in every lane when something changed that a CRM can show, and only then."""

    def test_a_new_booking_is_marked_and_the_drains_are_woken(
        self, account: Account, lanes: list[Connection], recorded: Recorder
    ) -> None:
        recorded(line("E1"))
        items = SyncItem.objects.filter(account=account).order_by("connection_id")
        assert [item.connection_id for item in items] == [lane.id for lane in lanes[:2]]
        contact = Contact.objects.get()
        assert all(
            (i.kind, i.wanted, i.done, i.due_at, i.person_key) == ("booking", 1, 0, NOON, contact.id)
            for i in items
        )
        assert _woken() == {lane.id for lane in lanes[:2]}

    def test_the_same_event_again_marks_and_wakes_nothing(
        self, account: Account, lanes: list[Connection], recorded: Recorder
    ) -> None:
        recorded(line("E1"))
        SyncItem.objects.update(done=1, due_at=None)
        _forget_jobs()
        again = recorded(line("E1"), line("E1"))
        assert (again.accepted, again.duplicates, again.changed) == (0, 2, ())
        assert not SyncItem.objects.exclude(wanted=1, due_at=None).exists()
        assert _woken() == set()

    def test_an_older_fact_that_changes_nothing_in_the_crm_marks_nothing(
        self, lanes: list[Connection], recorded: Recorder
    ) -> None:
        recorded(line("E3", "completed", 10), line("E1"))
        before = list(SyncItem.objects.values_list("wanted", flat=True))
        late = recorded(line("E2", "scheduled", 2))
        assert (late.accepted, late.changed) == (1, ())
        assert list(SyncItem.objects.values_list("wanted", flat=True)) == before
        assert Transition.objects.filter(at=NOON + timedelta(minutes=2)).count() == 1

    def test_an_older_fact_that_brings_a_value_marks(
        self, lanes: list[Connection], recorded: Recorder
    ) -> None:
        recorded(line("E2", "rescheduled", 5, form_submission=form(phone=None)))
        late = recorded(line("E1", "scheduled", 0, form_submission=form(phone="+351 21 000 0000")))
        assert len(late.changed) == 1
        assert set(SyncItem.objects.values_list("wanted", flat=True)) == {2}

    def test_the_first_mark_since_in_step_is_remembered(
        self, lanes: list[Connection], recorded: Recorder
    ) -> None:
        later = NOON + timedelta(hours=1)
        recorded(line("E1"))
        recorded(line("E2", "rescheduled", 5), now=later)
        assert set(SyncItem.objects.values_list("marked_at", "due_at", "wanted")) == {(NOON, later, 2)}
        SyncItem.objects.update(done=2, due_at=None)
        recorded(line("E3", "completed", 9), now=later)
        assert set(SyncItem.objects.values_list("marked_at", "wanted")) == {(later, 3)}

    def test_a_hosts_new_name_marks_his_bookings(self, lanes: list[Connection], recorded: Recorder) -> None:
        recorded(line("E1", id="B1"))
        SyncItem.objects.update(done=1, due_at=None)
        recorded(line("E2", "scheduled", 1, id="B2", owner=owner(first_name="Nuno Miguel")))
        first = Booking.objects.get(source_id="B1")
        assert SyncItem.objects.filter(target_id=first.id, wanted=2, due_at=NOON).count() == 2
        loaded = queries.load_bookings(first.account_id, [first.id])[first.id]
        assert loaded.host is not None
        assert loaded.host.name == "Nuno Miguel Reis"

    def test_a_host_who_becomes_known_marks_the_bookings_that_named_him(
        self, account: Account, lanes: list[Connection], recorded: Recorder
    ) -> None:
        recorded(line("E1", id="B1", attendees=[GRETA, "g@x.example"], owner="USR-1", **UNSETTLED))
        assert Booking.objects.get(source_id="B1").host is None
        done = recorded(line("E2", id="B2", external_calendar={"id": GRETA}))
        assert len(done.changed) == 2
        assert Booking.objects.get(source_id="B1").host == Host.objects.get(email_key=GRETA)

    def test_an_owner_id_gets_its_address(self, lanes: list[Connection], recorded: Recorder) -> None:
        recorded(line("E1", id="B1", owner="USR-7", attendees=None, **UNSETTLED))
        booking = Booking.objects.get()
        stranger = queries.load_bookings(booking.account_id, [booking.id])[booking.id].host
        assert stranger is not None
        assert (stranger.key, stranger.email) == ("USR-7", "")
        recorded(line("E2", id="B2", owner=owner(id="USR-7", email=GRETA)))
        booking.refresh_from_db()
        assert booking.host == Host.objects.get(email_key=GRETA)


class TestTrash:
    """What the source threw away is not written any more, and keeps its state."""

    def test_it_leaves_the_lanes_and_comes_back(
        self, account: Account, lanes: list[Connection], recorded: Recorder
    ) -> None:
        recorded(line("E1"))
        recorded(line("E2", "canceled", 5, in_trash=True))
        booking = Booking.objects.get()
        assert booking.in_trash
        assert booking.status == "canceled"
        assert not SyncItem.objects.exclude(due_at=None).exists()
        assert queries.load_bookings(account.id, [booking.id]) == {}
        recorded(line("E3", "canceled", 6))
        assert SyncItem.objects.filter(due_at=NOON).count() == 2

    def test_a_booking_that_was_never_out_of_it_has_no_items(
        self, lanes: list[Connection], recorded: Recorder
    ) -> None:
        recorded(line("E1", in_trash=True))
        assert Booking.objects.count() == 1
        assert not SyncItem.objects.exists()


class TestPeople:
    """Contacts: e-mail, else mobile when there is no e-mail, else new (OnceHub 8.6)."""

    def test_one_address_in_two_spellings_is_one_person(self, recorded: Recorder) -> None:
        recorded(
            line("E1", id="A", form_submission=form(email="Ann.Lee@X.Example", phone="1", company="Old"))
        )
        recorded(
            line(
                "E2", "scheduled", 3, id="B", form_submission=form(email=" ann.lee@x.example ", company="New")
            )
        )
        contact = Contact.objects.get()
        assert (contact.email, contact.email_key) == ("ann.lee@x.example", "ann.lee@x.example")
        person = queries.load_contacts(contact.account_id, [contact.id])[contact.id]
        assert (person.phone, person.company) == ("1", "New")

    def test_an_address_wins_over_a_phone_that_another_has(self, recorded: Recorder) -> None:
        recorded(line("E1", id="A", form_submission=form(email="a@x.example")))
        recorded(line("E2", id="B", form_submission=form(email="b@x.example")))
        assert Contact.objects.count() == 2

    def test_a_mobile_number_finds_whoever_named_it_first(self, recorded: Recorder) -> None:
        recorded(line("E1", "scheduled", 0, id="A", form_submission=form(email="a@x.example")))
        recorded(line("E2", "scheduled", 1, id="B", form_submission=form(email="b@x.example")))
        recorded(line("E3", "scheduled", 2, id="C", form_submission=form(email="", name="Ines")))
        assert Booking.objects.get(source_id="C").contact.email_key == "a@x.example"

    def test_without_address_and_number_each_booking_has_its_own_person(self, recorded: Recorder) -> None:
        nameless = form(email="", mobile_phone="912 000 111", name="Ines")
        recorded(line("E1", id="A", form_submission=nameless), line("E2", id="B", form_submission=nameless))
        recorded(line("E3", "completed", 9, id="A", form_submission=nameless))
        assert Contact.objects.count() == 2

    def test_a_booking_handed_on_mixes_no_two_people(self, recorded: Recorder) -> None:
        recorded(line("E1", form_submission=form(email="ann@x.example", name="Ann", phone="1")))
        recorded(line("E2", "rescheduled", 5, form_submission=form(email="bob@x.example", name="Bob")))
        bob = Contact.objects.get(email_key="bob@x.example")
        assert Booking.objects.get().contact == bob
        assert "phone" not in bob.fields

    def test_nobody_is_made_up_where_no_form_was_filled_in(self, recorded: Recorder) -> None:
        recorded(line("E1", form_submission=None))
        assert not Contact.objects.exists()
        assert Booking.objects.get().contact is None


class TestAside:
    """What cannot be used is kept with the reason, and holds nothing back."""

    def test_good_events_beside_broken_ones_are_recorded(self, recorded: Recorder) -> None:
        done = recorded(
            b"{", line("E1"), with_change(envelope("E2"), "data.form_submission.name", "a\0"), b"[]"
        )
        assert done.accepted == 1
        assert [(p.position, p.unused) for p in done.problems] == [(1, False), (3, False), (4, False)]
        assert "NUL" in done.problems[1].reason
        assert SetAside.objects.count() == 3
        assert Fact.objects.get().envelope_id == "E1"

    def test_the_same_broken_event_is_kept_once_and_cut(self, recorded: Recorder) -> None:
        long = b'{"x":"' + b"\x00y" * 100_000
        recorded(long)
        recorded(long)
        kept = SetAside.objects.get()
        assert len(kept.raw.encode()) <= 3 * 64 * 1024
        assert "\0" not in kept.raw

    def test_events_that_are_no_bookings_are_not_used(self, recorded: Recorder) -> None:
        done = recorded(with_change(envelope(), "type", "conversation.closed"))
        assert done.problems[0].unused
        assert SetAside.objects.get().code == "NOT_USED"

    def test_very_long_texts_break_no_index(self, recorded: Recorder) -> None:
        long = "x" * 20_000
        done = recorded(
            line(
                "E1",
                subject=long,
                attendees=[long, f"{long}@x.example"],
                owner=long,
                booking_calendar=long,
                tracking_id=long,
                custom_fields=[{"name": long, "value": long}],
                form_submission=form(name=long, email=f"{long}@x.example", mobile_phone="+" + "1" * 9000),
                **UNSETTLED,
            )
        )
        assert done.accepted == 1
        assert Booking.objects.get().subject == long


def test_each_event_is_told_whether_it_was_known(recorded: Recorder) -> None:
    recorded(line("E1"))
    done = recorded(line("E2"), line("E1"), b"{", line("E2"), line("E3"))
    assert (done.accepted, done.known) == (2, frozenset({2, 4}))
    assert done.problems[0].position == 3


def test_the_log_is_only_ever_added_to(recorded: Recorder) -> None:
    from django.db import DatabaseError, transaction

    recorded(line("E1"))
    for statement in ("UPDATE transition SET reason = 'x'", "DELETE FROM transition"):
        with (
            pytest.raises(DatabaseError, match="only ever added to"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert Transition.objects.count() == 1


def test_two_thousand_events_in_a_few_seconds(lanes: list[Connection], recorded: Recorder) -> None:
    import time

    events = [
        line(
            f"E{n}",
            "scheduled",
            n % 1000,
            id=f"B{n // 2}",
            form_submission=form(email=f"g{n // 3}@x.example"),
        )
        for n in range(2000)
    ]
    began = time.perf_counter()
    assert recorded(*events).accepted == 2000
    # about a second on two idle cores; a statement per event takes ten times as long
    assert time.perf_counter() - began < 8


def _woken() -> set[int]:
    return {
        row[0]
        for row in queries.rows("SELECT (args ->> 'connection_id')::bigint FROM procrastinate_jobs", [])
    }


def _forget_jobs() -> None:
    queries.rows("DELETE FROM procrastinate_jobs", [])
