"""R8: record types for each object, by connection and by calendar, with the first status of their process."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from page import Page, account, case, contact, crm, event, lead, open_page

from faults.lives import DAY
from faults.scene import Scene
from instep.core.creation import CASE
from instep.core.errors import InputError
from instep.core.mapping import Row
from instep.engine.lane import load_config

LATER = DAY + timedelta(hours=2)


@pytest.fixture
def page(scene: Scene) -> Page:
    return open_page(scene)


def record_type(scene: Scene, name: str, developer: str, **more: Any) -> str:
    """A record type that an admin has made; its id."""
    said = {"object": name, "name": developer, "label": developer.replace("_", " "), **more}
    return str(scene.fake.order("POST", "record-types", said)["Id"])


def process(scene: Scene, name: str, values: list[str], default: str) -> str:
    """A process with these statuses."""
    said = {"object": name, "name": f"{name} process", "values": values, "default": default}
    return str(scene.fake.order("POST", "processes", said)["Name"])


def test_each_object_gets_the_record_type_of_its_calendar(scene: Scene, page: Page) -> None:
    """The calendar's choice comes before the connection's; other calendars get the connection's."""
    for name in ("Contact", "Account", "Case", "Event"):
        record_type(scene, name, "Partner")
    usual = record_type(scene, "Contact", "Retail")
    scene.configure(person_object="Contact", record_types={"Contact": usual})
    types = {name: "Partner" for name in ("Contact", "Account", "Case", "Event")}
    page.rules(links=CASE, record_types=types)
    made = page.book()
    partner = {"RecordTypeId": "Record type Partner"}
    assert page.whole() == crm(
        Lead=[],
        Contact=[contact(**partner)],
        Account=[account(**partner)],
        Case=[case(made, **partner)],
        Event=[event(made, "Contact", WhatId="Case Product demo", **partner)],
    )
    page.rules(links="", record_types={})
    page.book("Bo Berg", email="bo@guest.example", at=LATER)
    kinds = {row["Email"]: row["RecordTypeId"] for row in page.whole()["Contact"]}
    assert kinds["bo@guest.example"] == "Record type Retail"


def test_the_first_status_of_the_process(scene: Scene, page: Page) -> None:
    """A record type with a process: new records start with the default of that process."""
    statuses = ["Working - Contacted", "Open - Not Contacted"]
    chosen = process(scene, "Lead", statuses, "Working - Contacted")
    record_type(scene, "Lead", "Partner", process=chosen)
    scene.configure(record_types={"Lead": "Partner"})
    made = page.book()
    wanted = lead(RecordTypeId="Record type Partner", Status="Working - Contacted")
    assert page.whole() == crm(Lead=[wanted], Contact=[], Account=[], Case=[], Event=[event(made, "Lead")])


def test_an_existing_record_keeps_its_type(scene: Scene, page: Page) -> None:
    """Record types are for new records."""
    record_type(scene, "Lead", "Partner")
    old = scene.fake.seed("Lead", LastName="Aalto", Email="ada.aalto@guest.example", Company="Aalto Oy")
    scene.configure(record_types={"Lead": "Partner"})
    page.book()
    [row] = page.whole()["Lead"]
    assert "RecordTypeId" not in row
    assert scene.fake.records()["Lead"][0]["Id"] == old


def test_a_list_offers_what_the_record_type_has(scene: Scene, page: Page) -> None:
    """A value that the type's list lacks is left out, and the receipt says so; the rest is written."""
    closed = {"object": "Lead", "field": "LeadSource", "change": {"restricted": True}}
    scene.fake.order("POST", "field", closed)
    record_type(scene, "Lead", "Partner", values={"LeadSource": ["Web", "Other"]})
    config = load_config(scene.lane())
    rows = (
        *config.rows["Lead"],
        Row("", "LeadSource", fallback="Phone Inquiry"),
        Row("", "Rating", fallback="Hot"),
    )
    scene.configure(rows={**config.rows, "Lead": rows}, record_types={"Lead": "Partner"})
    made = page.book()
    assert page.whole()["Lead"] == [lead(RecordTypeId="Record type Partner", Rating="Hot")]
    assert "is not one of its values" in str(page.receipt(made)["writes"])


def test_only_those_that_the_user_may_use(scene: Scene, page: Page) -> None:
    """Refused by name when it is chosen; taken away later, the record is made without it, and the receipt says so."""
    kind = record_type(scene, "Lead", "Partner")
    with pytest.raises(
        InputError, match=r"record_types\.Lead: no record type “Nowhere”; possible are Partner"
    ):
        scene.configure(record_types={"Lead": "Nowhere"})
    scene.configure(record_types={"Lead": kind})
    scene.fake.order("POST", "record-type-access", {"recordType": kind, "available": False})
    made = page.book()
    assert page.whole() == crm(Lead=[lead()], Contact=[], Account=[], Case=[], Event=[event(made, "Lead")])
    assert scene.problems() == []
    scene.configure(record_types={})
    with pytest.raises(InputError, match="the connected user may not use the record type “Partner”"):
        scene.configure(record_types={"Lead": kind})
