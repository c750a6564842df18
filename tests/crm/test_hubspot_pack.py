"""Batches for HubSpot: at most 100 records, none twice, people before their meetings."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from instep.core.changes import Action, Change, Write
from instep.crm.hubspot.pack import batches, body_of, contacts_left, contacts_of
from instep.crm.hubspot.wire import properties_of, record_of, text_of


def changes(values: dict[str, Any]) -> tuple[Change, ...]:
    return tuple(Change(name, name, value) for name, value in values.items())


def person(key: str, **values: Any) -> Write:
    """A new contact."""
    fields = changes({"email": f"{key}@guest.example", **values})
    return Write(
        f"person:Contact:{key}", f"b:{key}", Action.UPSERT, "Contact", fields, key=("instep_contact_id", key)
    )


def meeting(key: str, parent: str = "", **values: Any) -> Write:
    """A new meeting, of a contact made in the same batch."""
    return Write(
        f"activity:{key}",
        f"b:{key}",
        Action.UPSERT,
        "Meeting",
        changes({"hs_meeting_start_time": "2026-12-01T10:00:00.000Z", **values}),
        key=("instep_booking_id", key),
        parents={"associations.contact": parent} if parent else {},
    )


def changed(object_name: str, record_id: str, ref: str, **values: Any) -> Write:
    """A change of a record that is there."""
    return Write(ref, "b", Action.UPDATE, object_name, changes(values or {"x": "1"}), id=record_id)


_KINDS = st.sampled_from(("new person", "new meeting", "person", "meeting"))


@given(st.lists(st.tuples(_KINDS, st.integers(1, 40)), max_size=260))
def test_every_write_is_in_exactly_one_batch_within_the_limits(drawn: list[tuple[str, int]]) -> None:
    """No record twice in a batch, which HubSpot refuses as a whole; people come before meetings."""
    writes = []
    for place, (kind, number) in enumerate(drawn):
        object_name = "Contact" if "person" in kind else "Meeting"
        if "new" in kind:
            writes.append(person(f"{place}") if object_name == "Contact" else meeting(f"{place}"))
        else:
            writes.append(changed(object_name, str(number), f"{object_name}:{place}"))
    packed = batches(writes)
    assert sorted(w.ref for b in packed for w in b.writes) == sorted(w.ref for w in writes)
    for batch in packed:
        assert 1 <= len(batch.writes) <= 100
        assert {w.object for w in batch.writes} == {batch.object}
        ids = [w.id for w in batch.writes if w.id]
        assert len(ids) == len(set(ids))
    objects = [batch.object for batch in packed]
    assert objects == sorted(objects), "contacts before meetings"


def test_a_hundred_new_bookings_are_two_requests() -> None:
    """The price of a burst: one batch of people and one of meetings."""
    writes = [w for n in range(100) for w in (person(f"C{n}"), meeting(f"B{n}", f"person:Contact:C{n}"))]
    assert [(b.object, b.new, len(b.writes)) for b in batches(writes)] == [
        ("Contact", True, 100),
        ("Meeting", True, 100),
    ]


def test_a_new_meeting_carries_its_id_its_place_in_time_and_its_people() -> None:
    """Inline associations, our id, the timeline's own stamp; nothing blank where nothing is."""
    write = meeting("B-1", "person:Contact:C-1", hs_meeting_title="Demo", hs_meeting_location=None)
    [batch] = batches([write])
    [made] = body_of(batch, lambda ref: "501")["inputs"]
    assert made["objectWriteTraceId"] == "activity:B-1"
    assert made["properties"] == {
        "hs_meeting_start_time": "2026-12-01T10:00:00.000Z",
        "hs_timestamp": "2026-12-01T10:00:00.000Z",
        "hs_meeting_title": "Demo",
        "instep_booking_id": "B-1",
    }
    [link] = made["associations"]
    assert link["to"] == {"id": "501"}
    assert [kind["associationTypeId"] for kind in link["types"]] == [200]


def test_a_change_clears_with_an_empty_text() -> None:
    """HubSpot takes "" as the order to forget the value."""
    [batch] = batches([changed("Meeting", "901", "m", hs_meeting_location=None, hs_meeting_title="New")])
    [sent] = body_of(batch, lambda ref: "")["inputs"]
    assert sent["id"] == "901"
    assert sent["properties"] == {"hs_meeting_location": "", "hs_meeting_title": "New"}


def test_who_leaves_a_meeting_is_told_from_who_stays() -> None:
    """Guests that were related by us and are not named any more are parted; the person stays."""
    people = Change("associations.contacts", "Contacts", ["501", "502"], old=["501", "503"])
    write = Write("activity:B", "b", Action.UPDATE, "Meeting", (people,), id="901")
    now = contacts_of(write, lambda ref: "")
    assert now == ("501", "502")
    assert contacts_left(write, now) == ("503",)


def test_values_travel_as_texts() -> None:
    """True, 5.0 and a blank, as HubSpot writes them."""
    assert [text_of(v) for v in (True, False, 5.0, 2.5, None, "  ", "a;b")] == [
        "true", "false", "5", "2.5", "", "", "a;b",
    ]  # fmt: skip
    assert properties_of({"associations.contact": "501", "contact.name": "x", "phone": "1"}) == {"phone": "1"}


def test_a_record_is_read_with_its_whole_name_and_with_moments_in_one_form() -> None:
    """Milliseconds and ISO mean the same moment; an unset property is None."""
    row = {
        "id": "501",
        "properties": {
            "firstname": "Ada",
            "lastname": "Byron",
            "phone": "",
            "hs_meeting_start_time": "1796119200000",
        },
    }
    record = record_of("Contact", row, ("contact.name", "phone", "company", "hs_meeting_start_time"))
    assert record.fields == {
        "contact.name": "Ada Byron",
        "phone": None,
        "company": None,
        "hs_meeting_start_time": "2026-12-01T10:00:00Z",
    }
