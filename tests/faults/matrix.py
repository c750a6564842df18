"""The fault matrix as data: what can go wrong, and what must be true afterwards.

The summary of a test run and `docs/faults.md` are made from it: `python -m faults.matrix` in `tests/` writes
the document anew, `test_matrix.py` holds it to the tests that are there.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

HERE = Path(__file__).parent
#: what needs a booking page to be provoked stands among the acceptance cases
CASES = HERE.parent / "acceptance"
DOCUMENT = HERE.parents[1] / "docs" / "faults.md"


@frozen
class Fault:
    """One line of the matrix. `not_hubspot` says why it cannot happen there, or is not tried there."""

    name: str
    fault: str
    afterwards: str
    not_hubspot: str = ""


FAULTS = (
    Fault(
        "F1",
        "The CRM cannot be reached, answers 5xx or not in time when somebody books",
        "The booking is taken at once and written when the CRM is back; what changed meanwhile is right.",
    ),
    Fault(
        "F2",
        "Only the look-up fails: a read error, one address in the batch that the CRM cannot search for",
        "It is asked again and never taken for “nobody found”; the other bookings of the batch go through.",
    ),
    Fault(
        "F3",
        "The write succeeded, its answer was lost, or it lands minutes late",
        "No second person and no second Event; a late write does not stay over a newer one.",
    ),
    Fault(
        "F4",
        "The process is killed between the CRM's effect and saving it",
        "As F3; another worker takes over within 15 seconds.",
    ),
    Fault(
        "F5",
        "The calls of the day are used up, the CRM asks to slow down, too many calls at once",
        "The connection pauses as long as the CRM says, keeps the order, leaves the reserve to others, goes on "
        "by itself; one alert.",
    ),
    Fault(
        "F6",
        "A duplicate rule refuses the person",
        "The matching record is used; its Event is related to it; other rows of the batch are unharmed.",
    ),
    Fault(
        "F7",
        "A validation rule refuses a field of the person, or the person",
        "The field is left out with the rule's message; a person that stays refused waits visibly, and its "
        "Event is written without it.",
    ),
    Fault(
        "F8",
        "A validation rule or an unknown field refuses the Event",
        "Only what was refused is left out, everything else is written.",
    ),
    Fault("F9", "The CRM is down at cancel", "The Event ends as Canceled with its reason."),
    Fault(
        "F10",
        "Reschedule",
        "Every mapped field of every record is right, not only the times; one without a reason empties the old "
        "reason.",
    ),
    Fault("F11", "The CRM is down at reschedule", "The Event ends at the new time."),
    Fault(
        "F12",
        "A human deleted the Event, then the booking moves",
        "It is made again or left, as configured; the receipt says so.",
    ),
    Fault("F13", "Moved or canceled before the first write ran", "One Event, in the last state."),
    Fault(
        "F14",
        "Two records have the guest's address",
        "One is chosen by the rule, the other named as candidate.",
        not_hubspot="an address belongs to one contact",
    ),
    Fault(
        "F15",
        "Two guests: one has two records, the other none",
        "Each person is resolved alone.",
        not_hubspot="an address belongs to one contact",
    ),
    Fault(
        "F16",
        "The Lead was converted, before it was found or after it was linked",
        "Its Contact is used; the converted Lead is never written.",
        not_hubspot="nothing is converted; merged contacts are followed",
    ),
    Fault("F17", "The record was made seconds ago by a form", "It is found, and not made again."),
    Fault(
        "F18",
        "The session has expired, or access was revoked",
        "An expired one is renewed once for all batches in flight; a refused one holds the connection, alerts "
        "once, and drains in order after Reconnect.",
    ),
    Fault("F19", "Location or the guest's data change without a new status", "It reaches the CRM."),
    Fault(
        "F20",
        "Two CRMs are connected and one is down",
        "Each gets every booking once; one being down does not delay the other.",
    ),
    Fault(
        "F21",
        "An update of a person that was there is refused",
        "The field is left out and shown; the Event is kept and related.",
    ),
    Fault(
        "F22",
        "The host has no user in the CRM",
        "The documented owner is used, said in the receipt; after a reassignment the last owner stays.",
    ),
    Fault(
        "F23",
        "HubSpot made the meeting, the association failed",
        "It is repaired, not doubled.",
    ),
    Fault("F24", "No-show marked by mistake and taken back", "The CRM says again what is true."),
    Fault(
        "F25",
        "One new person of 200 is refused or locked, which voids the whole collection of Events",
        "The 199 others and all Events are written in the same drain; that Event is related once its person "
        "exists.",
    ),
    Fault(
        "F26",
        "Everything is killed at random, 200 times, during 10,000 bookings with all these faults",
        "0 lost, 0 doubled, 0 stale.",
        not_hubspot="runs against Salesforce",
    ),
    Fault(
        "F27",
        "A worker is paused for longer than the stall limit and woken after another has taken over",
        "It is fenced: it writes nothing to the CRM, and its write-back only has its items looked at again.",
    ),
    Fault(
        "F28",
        "The same event is delivered three times, out of order, a day late",
        "One booking, in the right state.",
    ),
    Fault(
        "F29",
        "The CRM's clock is minutes off; clocks change before the meeting; it passes midnight",
        "Times are right in both zones.",
    ),
    Fault(
        "F30",
        "A field is deleted, hidden, made read-only or shortened in the CRM between two syncs",
        "The schema is read anew, the receipt says what is left out, everything else is written; nothing that "
        "was there is lost.",
    ),
    Fault(
        "F31",
        "The same new person books twice in one batch; a person and its booking change in one batch",
        "One record, written once, with the newest booking's values; a second plan is empty.",
    ),
    Fault(
        "F32",
        "The org's own automation times out at 200 records but not at 25",
        "The batch halves until it passes, is remembered, grows slowly; nothing is lost.",
    ),
    Fault(
        "F33",
        "Guests type references, SOQL, HTML, formulas, right-to-left marks, NUL",
        "Written literally; NUL is refused with a clear reason; nothing is executed or hijacked.",
    ),
)


#: tests of the second vendor say so first
_HUBSPOT = "HubSpot: "


def proofs() -> dict[str, list[str]]:
    """By fault, what its tests say: the first line of each one's docstring."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for file in [*sorted(HERE.glob("test_*.py")), *sorted(CASES.glob("test_*.py"))]:
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                said = (ast.get_docstring(node) or node.name).splitlines()[0]
                for name in _marks(node):
                    found[name].append(said)
    return found


def _marks(node: ast.FunctionDef) -> Iterator[str]:
    for call in node.decorator_list:
        named = isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.fault"
        if named and isinstance(call.args[0], ast.Constant):
            yield str(call.args[0].value)


_HEAD = """\
# Faults

Each line is a fault that loses or doubles data in products people use. Its tests order the fault from the
stand-in of Salesforce or HubSpot, over HTTP, or kill and pause real processes, and then compare the **whole** CRM with
what the bookings say: nothing lost, nothing doubled, nothing stale. Tests that say “the comparison says so” run a
deliberately wrong connector through the same comparison: they show that it can fail. The last column counts the tests
that run against HubSpot, or says why there are none.

`make faults` runs them and prints this table with its results. This page is made from the tests.

| | fault | what is true afterwards | tests | of HubSpot |
| --- | --- | --- | --- | --- |
"""


def document() -> str:
    """`docs/faults.md` as it must be."""
    tests = proofs()
    rows = [
        f"| {fault.name} | {fault.fault} | {fault.afterwards} | {len(tests[fault.name]) or 'none yet'} "
        f"| {_of_hubspot(fault, tests[fault.name])} |"
        for fault in FAULTS
    ]
    parts = []
    for fault in FAULTS:
        if tests[fault.name]:
            said = "\n".join(f"- {line}" for line in tests[fault.name])
            parts.append(f"**{fault.name}. {fault.fault}**\n\n{said}\n")
    return _HEAD + "\n".join(rows) + "\n\n## What the tests show\n\n" + "\n".join(parts)


def _of_hubspot(fault: Fault, said: list[str]) -> str:
    return str(sum(line.startswith(_HUBSPOT) for line in said) or fault.not_hubspot or "none yet")


def summary(results: dict[str, list[tuple[str, str]]]) -> Iterator[str]:
    """The table of a run: by fault (outcome, what the test says), a line each, what failed below it."""
    for fault in FAULTS:
        outcomes = results.get(fault.name)
        if not outcomes:
            continue
        bad = [(outcome, said) for outcome, said in outcomes if outcome != "passed"]
        word = "holds" if not bad else bad[0][0].upper()
        count = f"{len(outcomes)} test{'s' if len(outcomes) > 1 else ''}"
        yield f"{fault.name:4} {word:8} {count:9} {fault.fault}: {fault.afterwards}"
        yield from (f"     {outcome}: {said}" for outcome, said in bad)


if __name__ == "__main__":
    DOCUMENT.write_text(document())
