"""`instep plan` of a booking that nobody made: told in words and as JSON, refused in one line, never written."""

from __future__ import annotations

import pytest
from standin_org import StandinOrg

from instep_process import InstepHome


def test_invented_booking_is_planned_and_never_made(connected: InstepHome, org: StandinOrg) -> None:
    seeded = org.order("records", {"object": "Lead", "fields": {"LastName": "Castro", "Company": "Castro Lda",
                                                                "Email": "ines@castro.example"}})  # fmt: skip
    told = connected.json("plan", "--email", "Ines@Castro.example", "--start", "2026-12-01T10:00")
    assert [(w["object"], w["action"]) for w in told["writes"]] == [("Lead", "none"), ("Event", "upsert")]
    assert [c["id"] for c in told["match"]["candidates"] if c["chosen"]] == [seeded["Id"]]
    starts = [c["new"] for c in told["writes"][1]["changes"] if c["field"] == "StartDateTime"]
    assert starts == ["2026-12-01T10:00:00.000Z"]
    assert told["cost"]["looked_calls"] == 1
    words = connected.run("plan", "--email", "new@x.example", "--name", "Ann Ode").stdout
    assert words.startswith("Plan for an invented booking of new@x.example")
    assert "2 API calls to write it; this look took 1 API call" in words
    assert connected.json("bookings")["bookings"] == []
    assert org.records("Event") == []
    assert len(org.records("Lead")) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "or --email for an invented one"),
        (("BKNG-1", "--email", "a@b.example"), "or --email for an invented one"),
        (("--email", "nobody"), "--email nobody: no e-mail address."),
        (("--email", "a@b.example", "--start", "soon"), "--start soon: no time."),
    ],
)
def test_what_cannot_be_planned_is_one_line_with_the_cure(
    instep_home: InstepHome, arguments: tuple[str, ...], said: str
) -> None:
    done = instep_home.run("plan", *arguments, check=False)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert said in line
