"""Properties: the system's own, custom ones with their types, archived and restored; what mappings see of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from instep.bookings import calendars, properties
from instep.core.booking_calendar import Question, QuestionType, Rules
from instep.core.errors import InputError
from instep.engine.lane import custom_properties
from instep.store.models import Account, Connection, Property
from instep.store.property_queries import list_properties

if TYPE_CHECKING:
    from django.test import Client


def words(client: Client, tab: str = "contact") -> str:
    answer = client.get(reverse("properties", args=[tab]))
    assert answer.status_code == 200
    return answer.content.decode()


def make(client: Client, **typed: str) -> int:
    """Make a property by the form; the status of the answer."""
    form = {
        "object": "Contact",
        "label": "Team size",
        "identifier": "",
        "type": "number",
        "description": "",
        **typed,
    }
    return client.post(reverse("new-property"), form).status_code


def test_the_page_begins_with_what_to_do_next(client: Client) -> None:
    said = words(client)
    assert "No custom properties yet" in said
    assert "New property" in said
    assert "contact.job_title" in said, "the system's own are there"


def test_a_property_is_made_and_can_be_mapped_at_once(client: Client, account: Account) -> None:
    assert make(client) == 302
    (made,) = list_properties(account.id, "Contact")
    assert (made.identifier, made.label, made.type) == ("team_size", "Team size", "number")
    prop = custom_properties(account.id)["contact.custom.team_size"]
    assert (prop.label, prop.type, prop.archived) == ("Team size", "number", False)
    assert "Team size" in words(client)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"label": " "}, "A property needs a name"),
        ({"identifier": "Team Size"}, "cannot be an identifier"),
        ({"identifier": "utm_source"}, "source tracking"),
        ({"type": "lookup"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_is_told_at_its_field(client: Client, typed: dict[str, str], said: str) -> None:
    form = {
        "object": "Contact",
        "label": "X",
        "identifier": "x",
        "type": "text",
        "description": "kept",
        **typed,
    }
    answer = client.post(reverse("new-property"), form)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert "kept" in answer.content.decode()
    assert not Property.objects.exists()


def test_an_identifier_is_unique_for_each_object(client: Client, account: Account) -> None:
    assert make(client) == 302
    assert make(client) == 422
    assert make(client, object="Meeting") == 302
    assert Property.objects.filter(account=account).count() == 2


def test_name_and_type_change_the_identifier_never(client: Client, account: Account) -> None:
    make(client)
    key = Property.objects.get().id
    form = {"label": "Company size", "type": "picklist", "identifier": "other", "description": "of the guest"}
    assert client.post(reverse("property", args=[key]), form).status_code == 302
    (after,) = list_properties(account.id, "Contact")
    assert (after.identifier, after.label, after.type) == ("team_size", "Company size", "picklist")


def test_archived_and_restored(client: Client, account: Account) -> None:
    make(client)
    key = Property.objects.get().id
    Connection.objects.create(
        account=account,
        vendor="salesforce",
        url="https://crm.example",
        org_id="00D1",
        settings={
            "config": {"mapping": {"Lead": [{"source": "contact.custom.team_size", "field": "Size__c"}]}}
        },
    )
    asked = client.get(reverse("property", args=[key])).content.decode()
    assert "1 mapping uses it and goes on" in asked
    said = client.post(
        reverse("archive-property", args=[key]), {"archived": "1"}, follow=True
    ).content.decode()
    assert "1 mapping still uses it" in said
    assert custom_properties(account.id)["contact.custom.team_size"].archived
    client.post(reverse("archive-property", args=[key]), {"archived": "0"})
    assert not custom_properties(account.id)["contact.custom.team_size"].archived


def test_the_questions_of_a_calendar_are_properties_before_the_first_booking(account: Account) -> None:
    """What they are called and hold comes from the question; a property that an admin named keeps its name."""
    properties.create(account.id, "Contact", "Your team", "team", "picklist")
    questions = (
        Question("team", "How large is your team?", QuestionType.SELECT, options=("1", "2")),
        Question("terms", "I agree", QuestionType.CONSENT),
    )
    calendars.create(account.id, "Demo", "demo", Rules(questions=questions), (), False)
    known = custom_properties(account.id)
    assert (known["contact.custom.team"].label, known["contact.custom.team"].type) == (
        "Your team",
        "picklist",
    )
    assert known["meeting.custom.team"].label == "How large is your team?"
    assert known["meeting.custom.terms"].type == "boolean"


def test_a_type_that_was_chosen_survives_what_events_bring(account: Account) -> None:
    """An event's list makes a text several choices; a chosen type stays."""
    from instep.store import recording

    properties.create(account.id, "Contact", "Size", "size", "number")
    for kind in ("text", "multi"):
        recording.save_surroundings(
            account.id, "oncehub", "", [], [("Contact", "size", kind), ("Contact", "topics", kind)]
        )
    known = custom_properties(account.id)
    assert known["contact.custom.size"].type == "number"
    assert known["contact.custom.topics"].type == "multi"


def test_only_ones_own(client: Client) -> None:
    other = Account.objects.create(name="Other")
    key = properties.create(other.id, "Contact", "Size", "size", "text")
    assert client.get(reverse("property", args=[key])).status_code == 404
    assert client.post(reverse("archive-property", args=[key]), {"archived": "1"}).status_code == 404
    assert client.get(reverse("properties", args=["conversation"])).status_code == 404
    with pytest.raises(InputError, match="no object"):
        properties.create(other.id, "Lead", "X", "x", "text")
