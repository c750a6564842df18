"""Plan and receipt, one component in two tenses: every line of the document reaches the reader."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from instep.web.document import read_document


def url(name: str, record_id: str) -> str:
    return f"https://crm.example/{name}/{record_id}"


def change(**parts: Any) -> dict[str, Any]:
    return {
        "field": "Phone", "label": "Phone", "verdict": "write", "old": None, "old_known": True, "new": "+351 1",
        "rule": "mapping: Mobile phone", "source": "contact.mobile_phone", **parts,
    }  # fmt: skip


def write(**parts: Any) -> dict[str, Any]:
    return {
        "object": "Lead", "action": "update", "id": "00Q1", "key": None, "related": {}, "changes": [], **parts,
    }  # fmt: skip


def read(tense: str = "receipt", **parts: Any) -> Any:
    return read_document({"tense": tense, "item": "booking:B", **parts}, url)


@pytest.mark.parametrize(
    ("tense", "parts", "did", "tone"),
    [
        ("plan", {"action": "upsert", "id": ""}, "would be created", "good"),
        ("plan", {"action": "create", "id": ""}, "would be created", "good"),
        (
            "plan",
            {"action": "create", "id": "", "changes": [change(verdict="leave_out", needed=True)]},
            "would be refused",
            "bad",
        ),
        ("plan", {"action": "update"}, "would be updated", "good"),
        ("plan", {"action": "none"}, "nothing to write", "quiet"),
        ("receipt", {"action": "upsert", "result": {"ok": True, "created": True}}, "created", "good"),
        ("receipt", {"action": "upsert", "result": {"ok": True, "created": False}}, "updated", "good"),
        ("receipt", {"result": {"ok": False, "code": "INVALID_EMAIL", "message": "no"}}, "refused", "bad"),
        ("receipt", {"result": {"ok": False, "message": "not tried: …"}}, "not tried", "bad"),
        ("receipt", {"action": "none"}, "nothing to write", "quiet"),
    ],
)
def test_record_says_what_happened_to_it(tense: str, parts: dict[str, Any], did: str, tone: str) -> None:
    (record,) = read(tense, writes=[write(**parts)]).records
    assert (record.did, record.tone) == (did, tone)


def test_refused_record_shows_the_crms_words_and_the_cure() -> None:
    result = {"ok": False, "code": "X", "message": "too old", "cure": "Change the rule.", "request_id": "r1"}
    (record,) = read(writes=[write(result=result)]).records
    assert (record.code, record.refusal, record.cure, record.request_id) == (
        "X",
        "too old",
        "Change the rule.",
        "r1",
    )


def test_lines_are_sorted_into_changed_left_out_and_kept() -> None:
    changes = [
        change(field="A", old="1", new="2"),
        change(field="B", verdict="keep", old="x", note="Overwrite is off"),
        change(field="C", verdict="leave_out", new="long", note="data value too large"),
    ]
    (record,) = read(writes=[write(changes=changes)]).records
    assert [(line.field, line.old, line.new) for line in record.changed] == [("A", "1", "2")]
    assert [(line.field, line.old, line.note) for line in record.kept] == [("B", "x", "Overwrite is off")]
    assert [(line.field, line.new, line.note) for line in record.left_out] == [
        ("C", "long", "data value too large")
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, ""), ("", ""), (True, "yes"), (False, "no"), (0, "0"), (1.5, "1.5"), ("x", "x")],
)
def test_values_are_shown_as_they_were_sent(value: Any, shown: str) -> None:
    (record,) = read(writes=[write(changes=[change(old=value, new=value)])]).records
    assert (record.changed[0].old, record.changed[0].new) == (shown, shown)


def test_candidates_tell_why_and_when_they_changed() -> None:
    found = [
        {
            "object": "Lead", "id": "00Q1", "name": "Ines", "why": "same e-mail", "chosen": True,
            "modified": "2026-03-01T10:00:00.000+0000", "reason": "most recently modified",
        },
        {"object": "Lead", "id": "00Q2", "name": "", "why": "", "modified": "once", "chosen": False, "reason": ""},
    ]  # fmt: skip
    one, two = read(match={"rule": "by e-mail", "outcome": "found", "candidates": found}).candidates
    assert (one.chosen, one.url, one.modified) == (
        True,
        "https://crm.example/Lead/00Q1",
        datetime(2026, 3, 1, 10, tzinfo=UTC),
    )
    assert (two.chosen, two.modified) == (False, "once")


def test_cost_counts_calls_and_names_those_that_share_them() -> None:
    document = read(cost={"calls": 1, "ms": 412.4, "request_ids": ["a", "b"], "batch_items": 40})
    assert (document.calls, document.ms, document.shared, document.request_ids) == (
        1,
        412,
        40,
        ("a", "b"),
    )


def test_empty_document_is_shown_all_the_same() -> None:
    document = read_document({}, url)
    assert (document.records, document.candidates, document.writes_nothing) == ((), (), True)


def test_another_bookings_part_and_what_it_waits_for_are_named() -> None:
    error = {"code": "UNABLE_TO_LOCK_ROW", "message": "locked", "cure": "Wait."}
    document = read(set_by="booking:BKNG-2", error=error)
    assert document.set_by == "BKNG-2"
    assert (document.error_code, document.error_message, document.error_cure) == (
        "UNABLE_TO_LOCK_ROW",
        "locked",
        "Wait.",
    )


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("2026-11-19T15:30:00.000Z", datetime(2026, 11, 19, 15, 30, tzinfo=UTC)),
        ("2026-11-19T16:30:00+01:00", datetime(2026, 11, 19, 15, 30, tzinfo=UTC)),
        ("2026-11-19", None),
        ("2026-11-19T15:30:00", None),
        ("2026-99-19T15:30:00Z", None),
        ("at 2026-11-19T15:30:00Z", None),
        (1, None),
    ],
)
def test_moment_on_the_wire_is_told_in_the_readers_zone_too(value: Any, meant: datetime | None) -> None:
    (record,) = read(writes=[write(changes=[change(new=value)])]).records
    assert record.changed[0].at == meant
    assert record.changed[0].new == str(value)


def test_attempt_that_ended_before_an_answer_does_not_claim_that_nobody_was_named() -> None:
    document = read(match=None, writes=[], error={"code": "TIMEOUT", "message": "No answer."})
    assert document.nothing_read
    assert not document.writes_nothing, "nor that the CRM is in step"
    assert not read(match=None, writes=[]).nothing_read


def test_record_that_was_tried_twice_in_one_run_says_so() -> None:
    key = {"field": "Instep_Contact_Id__c", "value": "CTC-1"}
    refused = {"ok": False, "code": "X", "message": "no"}
    first = write(action="upsert", id="", key=key, result=refused)
    second = write(action="upsert", id="00Q7", key=key, result={"ok": True, "created": True})
    event = write(object="Event", action="upsert", id="00U1", key=None, result={"ok": True, "created": True})
    assert [record.again for record in read(writes=[first, second, event]).records] == [False, True, False]
    assert [record.again for record in read(writes=[first, first]).records] == [False, True]
