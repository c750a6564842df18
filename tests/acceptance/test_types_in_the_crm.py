"""Every supported type of field, through the whole of the product: written as its row of the table says, and once."""

from __future__ import annotations

from typing import Any

import pytest

from custom_fields import make, map_all
from faults.scene import Scene
from instep.core.mapping import Row
from instep.store import item_queries
from instep_standins.salesforce.schema import Field as SchemaField
from oncehub_events import form, line

LONG = "An answer of many words. " * 20
#: kind of the org's field, more of its definition, what the guest says, what the CRM has then
TYPES: dict[str, tuple[str, dict[str, Any], Any, Any]] = {
    "Amount": ("Currency", {"precision": 18, "scale": 2}, "€ 1,234.505", 1234.51),
    "Day": ("Date", {}, "2026-12-01", "2026-12-01"),
    "Moment": ("DateTime", {}, "2026-12-01T10:00:00+01:00", "2026-12-01T09:00:00.000+0000"),
    "Second_email": ("Email", {}, "rui@guest.example", "rui@guest.example"),
    "Count": ("Number", {"precision": 18, "scale": 0}, "007", 7),
    "Share": ("Percent", {"precision": 5, "scale": 1}, "12.5 %", 12.5),
    "Second_phone": ("Phone", {}, "+351 912 000 111", "+351 912 000 111"),
    "Size": ("Picklist", {"choices": ["Small", "Large"], "restricted": True}, "large", "Large"),
    "Colour": ("Picklist", {"choices": ["Red"]}, "Blue", "Blue"),
    "Short": ("Text", {"length": 20}, LONG, LONG[:20].rstrip()),
    "Area": ("TextArea", {}, "one\ntwo", "one\ntwo"),
    "Story": ("Html", {"length": 32768}, "a < b\nc & d", "a &lt; b<br>c &amp; d"),
    "Essay": ("LongTextArea", {"length": 32768}, LONG, LONG.strip()),
    "Site": ("Url", {}, "https://guest.example/a", "https://guest.example/a"),
    "Vip": ("Checkbox", {}, "yes", True),
    "Topics": ("MultiselectPicklist", {"choices": ["A", "B", "C"], "restricted": True}, ["C", "A"], "C;A"),
}


def asked(**values: Any) -> dict[str, Any]:
    """A form that was answered so."""
    return form(custom_fields=[{"name": name.lower(), "value": value} for name, value in values.items()])


def answers(**values: Any) -> bytes:
    """A booking whose form was answered so."""
    return line("EVNT-1", id="BKNG-1", tracking_id="BKNG-1", form_submission=asked(**values))


def lead(scene: Scene) -> dict[str, Any]:
    (found,) = scene.fake.records()["Lead"]
    return found


def written_once(scene: Scene) -> bool:
    """Whether comparing everything again writes nothing: what the CRM gives back is known again."""
    asked = len(scene.fake.journal())
    item_queries.mark_in_lane(scene.account_id, scene.connection_id)
    scene.rows("DELETE FROM crm_record WHERE account_id = %s RETURNING id", scene.account_id)
    scene.until_settled()
    since = [what for call in scene.fake.journal()[asked:] for what in call["summary"]]
    return bool(since) and all(what.startswith("query ") for what in since)


def test_every_type_is_written_as_its_row_says_and_known_again(scene: Scene) -> None:
    for name, (kind, more, _said, _kept) in TYPES.items():
        make(scene, name, kind, **more)
    map_all(scene, *(Row(f"contact.custom.{name.lower()}", f"{name}__c", True) for name in TYPES))
    scene.tell(answers(**{name: said for name, (_kind, _more, said, _kept) in TYPES.items()}))
    scene.until_settled()
    found = lead(scene)
    assert {name: found[f"{name}__c"] for name in TYPES} == {name: row[3] for name, row in TYPES.items()}
    assert written_once(scene)


def test_a_geolocation_is_two_fields_in_the_crm(scene: Scene) -> None:
    make(scene, "Office", "Location", scale=6)
    map_all(scene, Row("contact.custom.office", "Office__c"))
    scene.tell(answers(office="38.7223, -9.1393"))
    scene.until_settled()
    found = lead(scene)
    assert (found["Office__Latitude__s"], found["Office__Longitude__s"]) == (38.7223, -9.1393)
    assert written_once(scene)


def test_a_geolocation_that_is_there_stays_where_nothing_may_be_overwritten(scene: Scene) -> None:
    make(scene, "Office", "Location", scale=6)
    map_all(scene, Row("contact.custom.office", "Office__c"))
    scene.tell(answers(office="38.7223, -9.1393"))
    scene.until_settled()
    scene.tell(line("EVNT-2", id="BKNG-2", tracking_id="BKNG-2", form_submission=asked(office="1, 2")))
    scene.rows("DELETE FROM crm_record WHERE account_id = %s RETURNING id", scene.account_id)
    scene.until_settled()
    assert lead(scene)["Office__Latitude__s"] == 38.7223


@pytest.mark.parametrize(
    ("state", "kept"), [("ca", "California"), ("California", "California"), ("Lisboa", None)]
)
def test_states_are_written_as_the_orgs_list_knows_them(scene: Scene, state: str, kept: str | None) -> None:
    """A state of another country is left out by itself; the booking is written all the same."""
    scene.fake.order("POST", "features", {"stateCountryPicklists": True})
    map_all(scene, Row("contact.custom.state", "State"), Row("static:us", "Country"))
    scene.tell(answers(state=state))
    scene.until_settled()
    found = lead(scene)
    assert (found.get("State"), found["Country"]) == (kept, "United States")
    assert written_once(scene)


def test_names_are_given_in_parts_where_the_org_has_them(scene: Scene) -> None:
    for name in ("MiddleName", "Suffix"):
        scene.fake.running.org.add_field("Lead", SchemaField(name, "string", 40, name))
        scene.fake.order("POST", "fls", {"object": "Lead", "field": name, "read": True, "edit": True})
    map_all(scene, Row("contact.middle_name", "MiddleName"), Row("contact.suffix", "Suffix"))
    data = form(name="Martin Luther King Jr.", custom_fields=[])
    scene.tell(line("EVNT-1", id="BKNG-1", tracking_id="BKNG-1", form_submission=data))
    scene.until_settled()
    found = lead(scene)
    parts = [found[name] for name in ("FirstName", "MiddleName", "LastName", "Suffix")]
    assert parts == ["Martin", "Luther", "King", "Jr."]


def test_case_02_each_type_has_its_default(scene: Scene) -> None:
    """Acceptance case 2: what nothing fills gets the documented default of its type, and the booking goes through."""
    defaults: dict[str, tuple[str, dict[str, Any], Any]] = {
        "Amount": ("Currency", {"precision": 18, "scale": 2}, 0),
        "Email2": ("Email", {}, "email@example.com"),
        "Count": ("Number", {"precision": 18, "scale": 0}, 0),
        "Share": ("Percent", {"precision": 5, "scale": 1}, 0),
        "Phone2": ("Phone", {}, "1234567890"),
        "Short": ("Text", {"length": 40}, "Unspecified"),
        "Area": ("TextArea", {}, "Unspecified"),
        "Site": ("Url", {}, "http://NA"),
    }
    for name, (kind, more, _default) in defaults.items():
        make(scene, name, kind, required=True, **more)
    make(scene, "Office", "Location", required=True, scale=6)
    make(scene, "Day", "Date", required=True)
    make(scene, "Moment", "DateTime", required=True)
    map_all(scene)
    scene.tell(answers())
    scene.until_settled()
    found = lead(scene)
    assert {name: found[f"{name}__c"] for name in defaults} == {
        name: row[2] for name, row in defaults.items()
    }
    assert (found["Office__Latitude__s"], found["Office__Longitude__s"]) == (0, 0)
    assert found["Day__c"]
    assert str(found["Moment__c"]).startswith(str(found["Day__c"]))
