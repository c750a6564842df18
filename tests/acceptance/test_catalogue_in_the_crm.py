"""What of the catalogue the CRM shows: the calendar's event title, data of the page, and what only a source tells."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from page import Page, open_page

from faults.scene import Scene
from instep.bookings import calendars
from instep.core.mapping import Row
from instep.engine.lane import load_config
from oncehub_events import line


def map_event(scene: Scene, **sources: str) -> None:
    """Feed fields of Events from these sources."""
    config = load_config(scene.lane())
    kept = tuple(row for row in config.rows["Event"] if row.field not in sources)
    rows = tuple(Row(source, name) for name, source in sources.items())
    scene.configure(rows={**config.rows, "Event": (*kept, *rows)})


def event(scene: Scene) -> dict[str, Any]:
    (found,) = scene.fake.records()["Event"]
    return found


def retitle(page: Page, template: str) -> None:
    page.calendar = evolve(page.calendar, rules=evolve(page.calendar.rules, event_title=template))
    calendars.change(page.scene.account_id, page.calendar)
    page.scene.until_settled()


def test_the_subject_follows_the_calendars_title_template(scene: Scene) -> None:
    """M8: a new template reaches the Events of bookings that are still to come, without touching the booking."""
    page = open_page(scene)
    map_event(scene, Subject="meeting.event_title")
    page.book()
    assert event(scene)["Subject"] == "Product demo"
    retitle(page, "@calendar: @first_name / @company")
    assert event(scene)["Subject"] == "Product demo: Ada / Aalto Oy"
    retitle(page, "@duration minutes with @host")
    assert event(scene)["Subject"] == "30 minutes with Greta"


def test_another_change_of_the_calendar_writes_nothing(scene: Scene) -> None:
    page = open_page(scene)
    page.book()
    before = scene.fake.calls()
    page.calendar = evolve(page.calendar, rules=evolve(page.calendar.rules, next_steps="Bring a pen."))
    calendars.change(scene.account_id, page.calendar)
    scene.until_settled()
    assert scene.fake.calls() == before


def test_data_of_the_page_and_of_the_booking(scene: Scene) -> None:
    page = open_page(scene)
    map_event(scene, Location="meeting.mode", Subject="meeting.page_label")
    page.book()
    assert (event(scene)["Location"], event(scene)["Subject"]) == ("Automatic", "Product demo")


def test_what_a_source_tells_of_type_and_payment(scene: Scene) -> None:
    """Expanded objects of an event feed fields; a later event without them keeps what was said."""
    map_event(scene, Subject="meeting.type_name", Location="meeting.payment_amount")
    told = {
        "event_type": {"id": "ET-1", "name": "Workshop", "category": "Paid"},
        "payment_information": {"amount_charged": 9900, "currency": "EUR", "transaction_id": "ch_test_0001"},
    }
    scene.tell(line("EVNT-1", id="BKNG-1", tracking_id="BKNG-1", **told))
    scene.until_settled()
    assert (event(scene)["Subject"], event(scene)["Location"]) == ("Workshop", "9900")
    scene.tell(line("EVNT-2", kind="completed", minutes=30, id="BKNG-1", tracking_id="BKNG-1"))
    scene.until_settled()
    assert event(scene)["Subject"] == "Workshop"
