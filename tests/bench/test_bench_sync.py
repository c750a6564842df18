"""`instep bench sync`: every line is measured, the calls hold, the usual way is really gone. No time is judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from instep.bench.figures import HIGHER, Figure, documents, table
from instep_process import InstepHome

CALLS = {
    "crm_calls_per_1000_new_bookings": 30,
    "crm_calls_for_one_new_booking": 2,
    "crm_calls_for_one_change_of_a_linked_booking": 1,
}
FULL_CALLS = {
    "crm_calls_per_1000_new_bookings_in_full_configuration": 30,
    "crm_calls_for_one_new_booking_in_full_configuration": 2,
    "crm_calls_for_one_change_in_full_configuration": 1,
}
HUBSPOT_CALLS = {
    "hubspot_calls_per_1000_new_bookings": 60,
    "hubspot_calls_for_one_new_booking": 3,
    "hubspot_calls_for_one_change_of_a_linked_booking": 1,
}


@pytest.mark.timeout(620)
def test_a_quick_run_measures_every_line_and_keeps_the_calls(instep_home: InstepHome, tmp_path: Path) -> None:
    """One run for all that is asked of it, because it starts nine processes."""
    answer = instep_home.json("bench", "sync", "--quick", timeout=600)
    figures = answer["figures"]
    assert answer["ok"]
    assert answer["quick"]
    assert answer["machine"].keys() >= {"cores", "python", "postgres", "load_before"}
    for name, must in {**CALLS, **FULL_CALLS, **HUBSPOT_CALLS}.items():
        assert figures[name]["value"] <= must
        assert figures[name]["must"] == must
    assert list(figures) == [
        "microseconds_to_plan_a_new_booking_with_60_mappings",
        "microseconds_to_plan_a_change_with_60_mappings",
        *list(CALLS),
        "seconds_per_1000_new_bookings",
        "ms_from_booking_accepted_to_first_crm_request_p50",
        "ms_from_booking_accepted_to_first_crm_request_p99",
        "seconds_for_60_bookings_at_50_ms_with_1_in_flight",
        "seconds_for_60_bookings_at_50_ms_with_4_in_flight",
        "seconds_for_60_bookings_at_60_ms_with_1_in_flight",
        "seconds_for_60_bookings_at_60_ms_with_4_in_flight",
        "times_faster_with_4_in_flight_at_slow_calls",
        "bookings_per_second_over_many_connections",
        *list(FULL_CALLS),
        "seconds_per_1000_new_bookings_in_full_configuration",
        *list(HUBSPOT_CALLS),
        "seconds_per_1000_new_bookings_in_hubspot",
        "usual_way_crm_calls_per_1000_new_bookings",
        "usual_way_seconds_per_1000_new_bookings",
        "usual_way_seconds_per_1000_new_bookings_with_8_threads",
        "times_fewer_crm_calls_than_the_usual_way",
        "times_faster_than_the_usual_way",
        "times_faster_than_the_usual_way_with_8_threads",
    ]
    timed = [
        figure for name, figure in figures.items() if name not in {**CALLS, **FULL_CALLS, **HUBSPOT_CALLS}
    ]
    assert all(figure["must"] is None for figure in timed), "a quick run judges no time"

    # the org of the usual way counted four calls for each booking
    usual = answer["details"]["usual_way"]
    for way in usual.values():
        assert way["calls"] == 4 * way["bookings"] > 0
    assert figures["usual_way_crm_calls_per_1000_new_bookings"]["value"] == 4000
    assert figures["times_fewer_crm_calls_than_the_usual_way"]["value"] == 400

    file = tmp_path / "bench.json"
    file.write_text(json.dumps(answer))
    page = instep_home.run("bench", "report", str(file)).stdout
    assert page.startswith("# Benchmarks\n")
    assert "its times mean nothing" in page
    assert all(figure["label"] in page for figure in figures.values())


def test_a_database_that_somebody_uses_is_left_alone(instep_home: InstepHome) -> None:
    """The bench would fill it with thousands of bookings."""
    instep_home.run("user", "ada@example.org")
    refused = instep_home.run("bench", "sync", "--quick", "--json", check=False)
    assert refused.returncode == 2
    assert json.loads(refused.stdout)["error"]["code"] == "IN_USE"


def test_a_figure_is_judged_by_its_bounds_in_the_right_direction() -> None:
    """Few calls and many bookings a second are good."""
    assert Figure("calls", "", 30, "calls", 30, 12).ok
    assert not Figure("calls", "", 31, "calls", 30, 12).ok
    assert Figure("calls", "", 30, "calls", 30, 12).reaches_aim is False
    assert Figure("speed", "", 1000, "/s", 1000, 2500, HIGHER).ok
    assert not Figure("speed", "", 999, "/s", 1000, 2500, HIGHER).ok
    assert Figure("shown", "", 5, "s").ok
    assert Figure("shown", "", 5, "s").reaches_aim is None
    shown = table(documents([Figure("calls", "CRM calls", 1234, "calls", 30)]))
    assert shown[1].split() == ["CRM", "calls", "1,234", "calls", "≤", "30", "NOT", "MET"]
