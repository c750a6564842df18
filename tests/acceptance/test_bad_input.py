"""Whatever a file of events holds, it ends as the right record or aside with a reason: literally, and nothing lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from events import OTHER_HOST, event, lines, write
from standin_org import StandinOrg

from instep_process import InstepHome

#: one word each, so that the whole of it is the last name
HOSTILE = {
    "emoji": "👩🏽‍🚀🎉",
    "right-to-left": "ישראלי\u202eשלום\u200f",
    "quotes": "O'\"`´\\'Neil",
    "wildcards": "%_%25\\%*?",
    "reference": "@{refNewLead[0].id}",
    "half-reference": "@{",
    "soql": "'/**/OR/**/Name!='",
    "html": "<script>alert(1)</script>&amp;",
    "formula": "=HYPERLINK(A1)",
    "template": "{{7*7}}${7*7}#{7}",
    "combining": "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔",
}


def hostile(what: str, text: str) -> dict[str, Any]:
    """A canceled booking that says this text wherever text may stand."""
    return event(
        f"BKNG-{what}-{text}"[:80], kind="canceled", status="canceled", reason=f"why {text}", subject=f"about {text}",
        virtual_conferencing=None, location_description=f"at {text}", tracking_id=text, customer_timezone=text,
        owner=text, booking_calendar=text, custom_fields=[{"name": text, "value": text}],
        form={
            "name": text, "company": f"{text} Ltd", "note": f"note {text}", "phone": text,
            "email": f"{what}@guest.example",
            "mobile_phone": text, "guests": [text], "custom_fields": [{"name": f"q {text}", "value": [text]}],
        },
    )  # fmt: skip


def test_hostile_text_is_written_literally(connected: InstepHome, org: StandinOrg, tmp_path: Path) -> None:
    """In every text field at once: nothing is executed, hijacked, escaped twice or cut."""
    events = [hostile(what, text) for what, text in HOSTILE.items()]
    events.append(event("BKNG-PLAIN", host=OTHER_HOST))
    connected.run("ingest", "oncehub", write(tmp_path / "events.jsonl", events))
    done = connected.json("sync", "--wait", "--timeout", "300", timeout=90)
    assert (done["waiting"], done["errors"]) == (0, [])

    leads = {row["Email"]: row for row in org.records("Lead")}
    meetings = {row["Instep_Booking_Id__c"]: row for row in org.records("Event")}
    assert len(leads) == len(meetings) == len(events)
    for (what, text), told in zip(HOSTILE.items(), events, strict=False):
        lead, meeting = leads[f"{what}@guest.example"], meetings[told["data"]["id"]]
        said = (lead["LastName"], lead["Company"], meeting["Subject"], meeting["Location"])
        assert said == (text, f"{text} Ltd", f"about {text}", f"at {text}")
        assert meeting["Instep_Cancel_Reschedule_Reason__c"] == f"why {text}"
        assert f"Note from customer: note {text}" in meeting["Description"]
        assert meeting["WhoId"] == lead["Id"]
    # the commands for people show all of it, too
    assert len(connected.json("bookings")["bookings"]) == len(events)
    for told in events[:2]:
        connected.run("receipt", told["data"]["id"])


def changed(**data: Any) -> dict[str, Any]:
    """A good event but for these parts of its booking."""
    told = event("BKNG-BAD")
    told["data"].update(data)
    return told


def without(part: str) -> dict[str, Any]:
    """A good event that lacks one part of its booking."""
    told = event("BKNG-BAD")
    del told["data"][part]
    return told


#: what is wrong with the line → the line, and a word of the reason that people are told
UNUSABLE: dict[str, tuple[Any, str]] = {
    "cut off": (json.dumps(event("BKNG-CUT"))[:300], "JSON"),
    "no object": ('["booking"]', "object"),
    "a NUL": (changed(subject="a\0b"), "NUL"),
    "half a character": ('{"id": "\\ud83d"}', "surrogate"),
    "no type": ({**event("BKNG-BAD"), "type": None}, "type"),
    "an unknown type": ({**event("BKNG-BAD"), "type": "booking.vanished"}, "unknown"),
    "another object": ({**event("BKNG-BAD"), "type": "conversation.started"}, "not used"),
    "no booking": ({**event("BKNG-BAD"), "data": None}, "data"),
    "no id": (changed(id=""), "data.id"),
    "a long id": (changed(id="B" * 300), "data.id"),
    "no start": (without("starting_time"), "starting_time"),
    "a start that is no time": (changed(starting_time="tomorrow"), "starting_time"),
    "a start before time": (changed(starting_time="0001-01-01T00:00:00Z"), "starting_time"),
    "a start at the end of time": (changed(starting_time="9999-12-31T23:59:59+00:00"), "starting_time"),
    "a start beyond the end of time": (changed(starting_time="9999-12-31T23:59:59-14:00"), "starting_time"),
    "a start that is a number": (changed(starting_time=1e300), "starting_time"),
    "no end": (changed(duration_minutes=10**15), "duration_minutes"),
    "an end before the start": (changed(duration_minutes=-30), "duration_minutes"),
    "a status of its own": (changed(status="vanished"), "status"),
    "a form that is text": (changed(form_submission="Ada"), "form_submission"),
    "a subject that is a list": (changed(subject=["a"]), "subject"),
    "more than 10 MB": (changed(subject="x" * 10_000_001), "longer"),
}


def test_unusable_lines_are_kept_aside_with_reasons_and_hold_back_nothing(
    connected: InstepHome, org: StandinOrg, tmp_path: Path
) -> None:
    """One file, good lines between bad ones; the numbers and reasons are told, and a second time changes nothing."""
    good = [event(f"BKNG-GOOD{number}") for number in range(len(UNUSABLE))]
    mixed = [
        line for pair in zip(good, (line for line, _ in UNUSABLE.values()), strict=True) for line in pair
    ]
    path = write(tmp_path / "events.jsonl", mixed)

    first = connected.json("ingest", "oncehub", path)
    assert first["accepted"] == len(good)
    assert first["malformed"] + first["unused"] == len(UNUSABLE)
    assert [problem["line"] for problem in first["problems"]] == [2 * n for n in range(1, len(UNUSABLE) + 1)]
    for (what, (_, word)), problem in zip(UNUSABLE.items(), first["problems"], strict=True):
        assert word in problem["reason"], f"{what}: {problem['reason']}"
        assert len(problem["reason"]) < 400, what

    done = connected.json("sync", "--wait", "--timeout", "300", timeout=90)
    assert (done["waiting"], done["problems"]) == (0, 0)
    in_org = {row["Instep_Booking_Id__c"] for row in org.records("Event")}
    assert in_org == {told["data"]["id"] for told in good}

    second = connected.json("ingest", "oncehub", path)
    assert (second["accepted"], second["duplicates"], second["bookings_changed"]) == (0, len(good), 0)
    checks = {check["name"]: check["message"] for check in connected.json("doctor")["checks"]}
    assert str(len(UNUSABLE)) in checks["events"], "the same line set aside twice is one"


def test_a_file_without_a_single_event_is_no_error(instep_home: InstepHome, tmp_path: Path) -> None:
    """Empty lines, a byte order mark and Windows line ends mean nothing; an absent file is named with the cure."""
    empty = tmp_path / "empty.jsonl"
    empty.write_bytes(b"\r\n\n  \n")
    assert instep_home.json("ingest", "oncehub", str(empty))["accepted"] == 0
    windows = tmp_path / "windows.jsonl"
    windows.write_bytes(
        b"\xef\xbb\xbf" + lines([event("BKNG-1"), event("BKNG-2")]).replace("\n", "\r\n").encode()
    )
    assert instep_home.json("ingest", "oncehub", str(windows))["accepted"] == 2
    piped = instep_home.run("ingest", "oncehub", "-", stdin=lines([event("BKNG-3")]))
    assert "1 recorded" in piped.stdout


def test_absurd_but_possible_values_reach_the_org(
    connected: InstepHome, org: StandinOrg, tmp_path: Path
) -> None:
    """Far dates, texts longer than their fields, and no guest at all: written, cut with a note, or without a person."""
    told: dict[str, Callable[[dict[str, Any]], bool]] = {}

    def expect(given: dict[str, Any], holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        told[given["data"]["id"]] = holds
        return given

    events = [
        expect(
            event("BKNG-LONG", kind="canceled", status="canceled", reason="r" * 999, subject="s" * 999),
            lambda row: (
                row["Instep_Cancel_Reschedule_Reason__c"] == "r" * 255
                and len(row["Subject"]) == 255
            ),
        ),
        expect(event("BKNG-NOBODY", form_submission=None), lambda row: not row.get("WhoId")),
        expect(event("BKNG-2190", starting_time="2190-02-28T23:45:00.000Z"),
               lambda row: row["EndDateTime"] == "2190-03-01T00:15:00.000+0000"),
        expect(event("BKNG-NO-EMAIL", form={"email": "", "mobile_phone": "+351912000111"}),
               lambda row: bool(row.get("WhoId"))),
        expect(event("BKNG-NO-REAL-EMAIL", form={"email": "not an address"}), lambda row: True),
    ]  # fmt: skip
    connected.run("ingest", "oncehub", write(tmp_path / "events.jsonl", events))
    done = connected.json("sync", "--wait", "--timeout", "300", timeout=90)
    assert (done["waiting"], done["errors"]) == (0, [])
    rows = {row["Instep_Booking_Id__c"]: row for row in org.records("Event")}
    assert rows.keys() == told.keys()
    for booking, holds in told.items():
        assert holds(dict(rows[booking])), rows[booking]
