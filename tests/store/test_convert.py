"""A booking survives being stored."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from instep.core.booking import Booking, Guest, Host, Kind, Status, Transition
from instep.store.convert import booking_of, essence, state_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
moments = st.integers(0, 10**9).map(lambda s: NOON + timedelta(microseconds=s))
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=6)
hosts = st.none() | st.sampled_from(
    [
        Host("HST-1", "n@x.example", "Nuno", "Europe/Lisbon"),
        Host("HST-2", "g@x.example"),
        Host("USR-9", "", "Nine"),
    ]
)
steps = st.builds(
    Transition,
    st.sampled_from(list(Kind)),
    moments,
    st.sampled_from(list(Status)),
    texts,
    texts,
    moments,
    hosts,
)
bookings = st.builds(
    Booking,
    id=texts,
    source=st.just("oncehub"),
    status=st.sampled_from(list(Status)),
    status_detail=texts,
    subject=texts,
    start=moments,
    end=moments,
    contact_id=texts,
    booked_at=st.none() | moments,
    updated_at=st.none() | moments,
    reason=texts,
    host=hosts,
    guest=st.builds(Guest, texts, texts, texts, texts, texts, texts, st.lists(texts, max_size=2).map(tuple)),
    custom=st.dictionaries(texts, texts | st.lists(texts, max_size=2).map(tuple), max_size=3),
    utm=st.dictionaries(texts, texts, max_size=2),
    timeline=st.lists(steps, max_size=4).map(tuple),
)


@given(bookings)
def test_a_booking_comes_back_as_it_was(booking: Booking) -> None:
    known = {h.key: (h.email, h.name, h.time_zone) for h in booking.hosts_newest_first if h.email}
    state = json.loads(json.dumps(state_of(booking)))
    assert booking_of(state, booking.contact_id, known) == booking


@given(bookings)
def test_older_steps_of_the_timeline_are_nothing_that_a_crm_shows(booking: Booking) -> None:
    from attrs import evolve

    silent = Transition(Kind.SCHEDULED, NOON, Status.SCHEDULED)
    longer = evolve(booking, timeline=(silent, *booking.timeline))
    if booking.timeline:
        assert essence(state_of(longer)) == essence(state_of(booking))
