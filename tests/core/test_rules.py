"""The admin's rules against the CRM's schema: what can be saved, and who is who's user."""

from __future__ import annotations

import pytest
from attrs import evolve

from core.org import SCHEMA, user, with_field, without_fields
from instep.core.catalogue import Property
from instep.core.errors import InputError
from instep.core.lookup import CrmUser
from instep.core.mapping import Row
from instep.core.rules import Directory, check, checked, default_config, plain_email, warnings
from instep.crm.salesforce.names import BOOKING_ID, CONTACT_ID
from instep.crm.salesforce.profile import PROFILE

BASE = default_config(PROFILE)


def faults_of(*rows: Row, name: str = "Lead") -> list[str]:
    return check(evolve(BASE, rows={name: rows}), PROFILE, SCHEMA, {})


def test_default_mapping_fits_a_plain_org() -> None:
    """The mapping out of the box is the documented one, and a fresh org takes it."""
    assert check(BASE, PROFILE, SCHEMA, {}) == []
    mapped = {name: [(r.source, r.field) for r in rows] for name, rows in BASE.rows.items()}
    person = [
        ("contact.first_name", "FirstName"),
        ("contact.last_name", "LastName"),
        ("contact.email", "Email"),
        ("contact.phone", "Phone"),
        ("contact.mobile_phone", "MobilePhone"),
    ]
    assert mapped == {
        "Lead": [*person[:2], ("contact.company", "Company"), *person[2:]],
        "Contact": person,
        "Account": [("contact.company", "Name"), ("contact.phone", "Phone")],
        "Case": [
            ("meeting.subject", "Subject"),
            ("meeting.note", "Description"),
            ("contact.name", "SuppliedName"),
            ("contact.email", "SuppliedEmail"),
            ("contact.phone", "SuppliedPhone"),
            ("contact.company", "SuppliedCompany"),
        ],
        "Event": [
            ("meeting.subject", "Subject"),
            ("meeting.location", "Location"),
            ("meeting.summary_long", "Description"),
            ("meeting.status", "Instep_Event_Status__c"),
            ("meeting.reason", "Instep_Cancel_Reschedule_Reason__c"),
            ("meeting.show_as", "ShowAs"),
        ],
    }
    assert not any(row.overwrite for rows in BASE.rows.values() for row in rows)


@pytest.mark.parametrize(
    ("row", "name", "fault"),
    [
        (Row("contact.email", "Emial"), "Lead", "no such field on Lead, or hides it"),
        (Row("contact.emial", "Email"), "Lead", "unknown source “contact.emial”"),
        (Row("contact.name", "Name"), "Lead", "read-only in Salesforce"),
        (Row("", "Name", fallback="x"), "Lead", "read-only in Salesforce"),
        (Row("contact.name", "OwnerId"), "Lead", "Instep fills this field itself"),
        (Row("contact.id", CONTACT_ID), "Lead", "Instep fills this field itself"),
        (Row("meeting.start", "StartDateTime"), "Event", "Instep fills this field itself"),
        (Row("meeting.end", "EndDateTime"), "Event", "Instep fills this field itself"),
        (Row("meeting.id", BOOKING_ID), "Event", "Instep fills this field itself"),
        (Row("contact.name", "WhoId"), "Event", "Instep fills this field itself"),
        (Row("meeting.guests", "Email"), "Lead", "does not fit a field of type email"),
        (Row("meeting.summary_long", "Phone"), "Lead", "does not fit a field of type phone"),
        (Row("meeting.start", "Vip__c"), "Lead", "does not fit a field of type boolean"),
        (Row("contact.email", "ConvertedContactId"), "Lead", "read-only in Salesforce"),
        (Row("contact.company", "Tier__c", fallback="Bronze"), "Lead", "the fallback cannot be written"),
        (Row("", "Title"), "Lead", "needs a source or a fallback"),
    ],
)
def test_a_row_that_would_fail_cannot_be_saved(row: Row, name: str, fault: str) -> None:
    """Each fault is named with the row's place."""
    found = faults_of(row, name=name)
    assert len(found) == 1
    assert found[0].startswith(f"mapping.{name}.{row.field}: ")
    assert fault in found[0]


def test_a_field_takes_one_source() -> None:
    """Two rows of one field are a fault, in whatever case the field is written."""
    found = faults_of(Row("contact.email", "Email"), Row("contact.email", "email"))
    assert found == ["mapping.Lead.email: mapped twice; one field takes one source."]


def test_all_faults_of_a_configuration_are_named_at_once() -> None:
    """Rows, objects and settings together."""
    broken = evolve(
        BASE,
        person_object="Account",
        batches_in_flight=6,
        rows={"Task": (), "Lead": (Row("x", "Email"), Row("contact.email", "Nope"))},
    )
    with pytest.raises(InputError) as caught:
        checked(broken, PROFILE, SCHEMA, {})
    for fault in (
        "new_contacts: “Account” is not possible; choose Lead or Contact.",
        "batches_in_flight: must be from 1 to 5.",
        "mapping.Task: no such object here",
        "unknown source “x”",
        "mapping.Lead.Nope",
    ):
        assert fault in str(caught.value)


def test_a_custom_property_is_a_source() -> None:
    """What a form asks can be mapped like a system field."""
    custom = {
        "contact.custom.team": Property("contact.custom.team", "Contact", "Team", "text", "Custom", True)
    }
    config = evolve(BASE, rows={"Lead": (Row("contact.custom.team", "Title"),)})
    assert checked(config, PROFILE, SCHEMA, custom) is config
    assert check(config, PROFILE, SCHEMA, {}) != []


def test_a_hidden_field_is_a_fault_of_the_mapping() -> None:
    """A field that the connected user cannot see is named with the cause."""
    found = check(BASE, PROFILE, without_fields("Lead", "MobilePhone"), {})
    assert found == [
        "mapping.Lead.MobilePhone: Salesforce has no such field on Lead, or hides it from the connected user."
    ]


def test_required_fields_are_those_without_a_default() -> None:
    """Universally required: can be created, cannot be empty, no default of the CRM's own."""
    described = with_field("Lead", "Budget__c currency cu scale=2")["Lead"]
    assert {f.name for f in described.required()} == {"LastName", "Company", "Budget__c"}
    assert [f.name for f in SCHEMA["Contact"].required()] == ["LastName"]
    assert SCHEMA["Event"].required() == ()


def test_a_host_is_known_by_address_without_case_or_sandbox_suffix() -> None:
    """Sandboxes append .invalid to every user's address."""
    directory = Directory().with_users((user(1, "Dana@Host.example.invalid"),))
    assert directory.user("dana@host.EXAMPLE") == user(1, "Dana@Host.example.invalid")
    assert directory.user("") is None
    assert plain_email(" A@B.example.invalid ") == "a@b.example"


def test_of_users_with_one_address_the_lowest_id_stays() -> None:
    """The choice does not depend on the order in which the CRM names them; inactive users own nothing."""
    users = (
        user(3, "d@host.example"),
        user(2, "d@host.example"),
        CrmUser("0051", "d@host.example", active=False),
    )
    directory = Directory().with_users(users).with_users((user(1, "d@host.example"),))
    assert directory.user("d@host.example") == user(2, "d@host.example")


def test_the_configured_person_comes_first() -> None:
    """The other object is searched last; person accounts belong to the Contacts."""
    assert [p.name for p in PROFILE.person_order("Contact")] == ["Contact", "Account", "Lead"]
    assert [p.name for p in PROFILE.person_order("Lead")] == ["Lead", "Contact", "Account"]


# --- what is there already, and what an admin should know -------------------------------------------

GONE = Row("contact.company", "Acme_Tier__c")
WITH_GONE = evolve(BASE, rows={**BASE.rows, "Lead": (*BASE.rows["Lead"], GONE)})


def test_a_field_that_is_missing_by_now_forbids_no_other_setting() -> None:
    """Its row stood there before; a new row of a missing field, or a changed one, is refused."""
    assert check(evolve(WITH_GONE, always_write=True), PROFILE, SCHEMA, {}, WITH_GONE) == []
    assert len(check(WITH_GONE, PROFILE, SCHEMA, {})) == 1
    assert len(check(WITH_GONE, PROFILE, SCHEMA, {}, BASE)) == 1
    changed = (*BASE.rows["Lead"], evolve(GONE, overwrite=True))
    (fault,) = check(evolve(BASE, rows={"Lead": changed}), PROFILE, SCHEMA, {}, WITH_GONE)
    assert fault.startswith("mapping.Lead.Acme_Tier__c: ")
    # the same row, now of another object, is a new one
    (fault,) = check(evolve(WITH_GONE, rows={"Contact": (GONE,)}), PROFILE, SCHEMA, {}, WITH_GONE)
    assert fault.startswith("mapping.Contact.Acme_Tier__c: ")


def test_an_object_that_is_hidden_by_now_forbids_no_other_setting() -> None:
    """The connected user lost its right to Contacts: Leads can still be configured."""
    hidden = {name: described for name, described in SCHEMA.items() if name != "Contact"}
    assert check(evolve(BASE, always_write=True), PROFILE, hidden, {}, BASE) == []
    assert warnings(BASE, PROFILE, hidden) == [
        "Contact: missing or hidden, so nothing of it is read or written."
    ]
    rows = {**BASE.rows, "Contact": BASE.rows["Contact"][1:]}
    (fault,) = check(evolve(BASE, rows=rows), PROFILE, hidden, {}, BASE)
    assert fault.startswith("mapping.Contact: ")


def test_the_default_mapping_warns_of_nothing() -> None:
    """Nothing is said that needs no decision."""
    assert warnings(BASE, PROFILE, SCHEMA) == []


def test_warnings_name_the_field_and_what_will_happen() -> None:
    """Missing fields, Overwrite where it means nothing, required fields, and people without an address."""
    rows = {
        "Lead": (GONE, Row("contact.last_name", "lastname")),
        "Contact": (Row("contact.last_name", "LastName"),),
        "Event": (Row("meeting.subject", "Subject", overwrite=True),),
    }
    schema = {
        **with_field("Lead", "Region__c picklist(40) cu:North;South"),
        "Event": with_field("Event", "Since2__c date cu")["Event"],
    }
    assert warnings(evolve(BASE, rows=rows), PROFILE, schema) == [
        "Lead.Acme_Tier__c: missing or hidden, so it is left out of what is written.",
        "Lead.Company: required and not mapped: new records get “Unspecified”.",
        "Lead.Region__c: required and not mapped: new records of Lead will be refused.",
        "Lead.Email: not mapped: a new Lead will have no e-mail address.",
        "Event.Subject: Event rows always mirror the booking; Overwrite means nothing.",
        "Event.Since2__c: required and not mapped: new records get the present moment.",
    ]
    contacts = evolve(BASE, rows=rows, person_object="Contact")
    assert "Contact.Email: not mapped: a new Contact will have no e-mail address." in warnings(
        contacts, PROFILE, schema
    )
