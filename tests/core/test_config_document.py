"""A configuration as a document: what is written is read back the same, and every fault is named at once."""

from __future__ import annotations

from datetime import date

import pytest

from instep.core.config_document import from_document, to_document
from instep.core.creation import CalendarRules, Duplicates, Guests, OwnerRule, Ownership, PersonAccounts
from instep.core.errors import InputError
from instep.core.mapping import Row
from instep.core.rules import SyncConfig, default_config
from instep.crm.salesforce.profile import PROFILE

BASE = default_config(PROFILE)


def test_a_document_is_read_back_as_it_was() -> None:
    """Out and in again changes nothing, for defaults and for everything chosen."""
    rows = {
        **BASE.rows,
        "Lead": (Row("contact.email", "Email", True, None), Row("", "LeadSource", False, "Web")),
    }
    chosen = SyncConfig("Contact", rows, True, 5, "leave", 20)
    ruled = SyncConfig(
        "Lead",
        rows,
        events=False,
        strict=True,
        person_accounts=PersonAccounts.WITHOUT_COMPANY,
        duplicates=Duplicates.SAVE,
        guests=Guests.LIST,
        owners={"Lead": OwnerRule(Ownership.HOST, Ownership.RULES)},
        record_types={"Lead": "012000000000001AAA"},
        calendars={
            "BKC-1": CalendarRules("Case", False, {"Case": "Support"}),
            "BKC-2": CalendarRules("none"),
        },
    )
    for config in (BASE, chosen, ruled):
        assert from_document(to_document(config), BASE) == config


def test_keys_left_out_stay_as_they_are() -> None:
    """A document changes what it names; an object that is named gets exactly the rows listed."""
    config = from_document({"mapping": {"Contact": [{"source": "contact.email", "field": "Email"}]}}, BASE)
    assert config.rows["Contact"] == (Row("contact.email", "Email"),)
    assert config.rows["Lead"] == BASE.rows["Lead"]
    assert config.person_object == "Lead"


def test_a_fallback_may_be_written_as_yaml_reads_it() -> None:
    """A number, a yes or an unquoted date become the text of a fallback; an empty one is none."""
    listed = [
        {"field": f"F{n}", "fallback": v} for n, v in enumerate([3, True, date(2026, 12, 1), " ", None])
    ]
    rows = from_document({"mapping": {"Lead": listed}}, BASE).rows["Lead"]
    assert [row.fallback for row in rows] == ["3", "True", "2026-12-01", None, None]


def test_every_fault_is_named_at_once_with_its_place() -> None:
    """One reading tells the admin all that has to be mended."""
    document = {
        "new_contact": "Lead",
        "always_write": "yes",
        "batches_in_flight": True,
        "deleted_event": "keep",
        "api_reserve_percent": 91,
        "mapping": {
            "Lead": [
                {"source": "contact.email"},
                {"field": "Email", "overwrites": True},
                {"field": "Phone", "overwrite": "on", "fallback": ["1"], "source": 5},
                "Email",
            ],
            "Event": "all",
        },
        "guests": "invite",
        "owners": {"Lead": {"existing": "me", "news": "keep"}, "Case": "host"},
        "calendars": {"BKC-1": {"event": "no", "general_links": 5}, "BKC-2": {"record_types": ["012"]}},
    }
    with pytest.raises(InputError) as caught:
        from_document(document, BASE)
    said = str(caught.value)
    for fault in (
        "new_contact: no such setting",
        "always_write: must be true or false.",
        "batches_in_flight: must be a whole number.",
        "deleted_event: choose recreate or leave.",
        "api_reserve_percent: must be from 0 to 90.",
        "mapping.Lead[1]: needs at least a field.",
        "mapping.Lead[2]: no such key: overwrites.",
        "mapping.Lead[3].overwrite: must be true or false.",
        "mapping.Lead[3].fallback: must be a text, a number or a date.",
        "mapping.Lead[3].source: must be the name of a source field.",
        "mapping.Lead[4]: needs at least a field.",
        "mapping.Event: must be a list of rows.",
        "guests: choose list or relate or records.",
        "owners.Lead.existing: choose keep or booking_owner or assignment_rules.",
        "owners.Lead: no such key: news.",
        "owners.Case: must be a table of existing, new.",
        "calendars.BKC-1.event: must be true, false or left out.",
        "calendars.BKC-1.general_links: must be a text.",
        "calendars.BKC-2.record_types: must be a table.",
    ):
        assert fault in said
    assert caught.value.code == "CONFIG"


@pytest.mark.parametrize("document", [[], "text", None])
def test_a_document_that_is_no_table_is_refused(document: object) -> None:
    """Whatever YAML holds, the answer is a sentence."""
    with pytest.raises(InputError, match="not a table of settings"):
        from_document(document, BASE)  # type: ignore[arg-type]


def test_a_mapping_that_is_no_table_is_refused() -> None:
    """A list instead of objects says what is expected."""
    with pytest.raises(InputError, match="mapping: must be a table of objects"):
        from_document({"mapping": ["Lead"]}, BASE)
