"""Facts made here come back from JSON as they were."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from instep.bookings.facts import document_of, snapshot_of
from instep.core.booking import Kind, Status
from instep.core.fold import Change, Form, Owner, Snapshot

texts = st.text(max_size=8)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
values = st.dictionaries(texts, texts | st.lists(texts, max_size=2).map(tuple), max_size=3)
changes = st.builds(Change, texts, texts)


def maybe(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | strategy


@given(
    st.builds(
        Snapshot,
        source=st.just("instep"),
        envelope_id=texts,
        booking_id=texts,
        kind=st.sampled_from(list(Kind)),
        updated_at=moments,
        created_at=moments,
        status=st.sampled_from(list(Status)),
        start=moments,
        duration=st.timedeltas(timedelta(microseconds=1), timedelta(days=14)),
        in_trash=st.booleans(),
        booked_at=maybe(moments),
        subject=maybe(texts),
        time_zone=maybe(texts),
        virtual_location=maybe(texts),
        rescheduled_from=maybe(texts),
        change=maybe(changes),
        step=maybe(changes),
        attendees=maybe(st.lists(texts, max_size=2).map(tuple)),
        form=maybe(st.builds(Form, name=texts, guests=st.lists(texts, max_size=2).map(tuple), custom=values)),
        owner=maybe(st.builds(Owner, texts, texts)),
        host_address=maybe(texts),
        calendar=maybe(texts),
        manage_url=maybe(texts),
        custom=maybe(values),
        utm=maybe(st.dictionaries(texts, texts, max_size=2)),
    )
)
def test_a_fact_survives_json(fact: Snapshot) -> None:
    assert snapshot_of(json.loads(json.dumps(document_of(fact)))) == fact
