"""The page of one booking: facts, timeline, its records in the CRM, and writing it again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from instep.bookings.contacts import edit
from instep.store import encryption
from instep.store.models import Account, Booking, Connection, Contact, CrmRecord, SyncItem
from oncehub_events import GRETA, NOON, form, line

from .test_bookings import text_of

Recorded = Callable[..., list[int]]


def test_page_tells_who_when_where_and_what_was_answered(client: Client, recorded: Recorded) -> None:
    (key,) = recorded(line("EVNT-1"))
    words = text_of(client.get(f"/bookings/{key}"))
    assert "Onboarding call Thu 5 Mar 2026 , 13:00–13:45 UTC Scheduled (By customer)" in words
    assert "Guest Ines Castro Company Castro Lda" in words
    assert "Mobile phone +351912000111" in words
    assert "topics Pricing, Security" in words
    assert "Booking id BKNG-7Q2M9XKD41TA from OnceHub" in words


def test_record_that_a_personal_link_was_made_for_is_told(
    client: Client, recorded: Recorded, lane: Connection
) -> None:
    """By its name as last seen, in whichever form the link had its id; another record may be related by then."""
    one, other, plain = recorded(*(line(f"EVNT-{n}", id=f"BKNG-{n}") for n in range(3)))
    CrmRecord.objects.create(
        account=lane.account,
        connection=lane,
        object="Lead",
        crm_id="00Q000000000001EAA",
        snapshot={"FirstName": "Ines", "LastName": "Castro"},
    )
    for key, ids in ((one, {"lead": "00Q000000000001"}), (other, {"contact": "003000000000009"})):
        row = Booking.objects.get(id=key)
        row.state = {**row.state, "record_ids": ids}
        row.save()
    words = text_of(client.get(f"/bookings/{one}"))
    assert re.search("Made for Lead Ines Castro .*The guest.s link named it.", words), words
    assert "Made for Contact 003000000000009" in text_of(client.get(f"/bookings/{other}"))
    assert "Made for" not in text_of(client.get(f"/bookings/{plain}"))
    SyncItem.objects.all().delete()
    assert "Made for Lead 00Q000000000001EAA" in text_of(client.get(f"/bookings/{one}")), (
        "without a connection"
    )


def test_timeline_tells_moves_reasons_and_hosts_newest_first(client: Client, recorded: Recorded) -> None:
    (key,) = recorded(line("EVNT-1"))
    moved = {"starting_time": "2026-03-06T15:00:00.000Z"}
    reason = {
        "cancel_reschedule_information": {
            "reason": "Travel\nclash",
            "actioned_by": "customer",
            "user_id": None,
        }
    }
    recorded(line("EVNT-2", "rescheduled", 60, **moved, **reason))
    recorded(line("EVNT-3", "reassigned", 90, **moved, external_calendar={"id": GRETA}, status="rescheduled"))
    words = text_of(client.get(f"/bookings/{key}"))
    timeline = words[words.index("Timeline") :]
    assert "Mon 2 Mar 2026, 13:00 · was Thu 5 Mar 2026, 13:00 Travel clash" in timeline
    order = [
        f"Rescheduled (Reassigned by user) to {GRETA}",
        "Rescheduled (By customer) Mon",
        "Scheduled (By customer)",
    ]
    places = [timeline.index(entry) for entry in order]
    assert places == sorted(places)


def test_fact_that_came_after_a_newer_one_says_when_it_was_learned(
    client: Client, recorded: Recorded
) -> None:
    (key,) = recorded(line("EVNT-2", "completed", 120))
    recorded(line("EVNT-1", "rescheduled", 60), now=NOON + timedelta(days=1))
    recorded(line("EVNT-3", "no_show", 180), now=NOON + timedelta(days=2))
    words = text_of(client.get(f"/bookings/{key}"))
    assert "Rescheduled (By customer) Mon 2 Mar 2026, 13:00 · we learned of it Tue 3 Mar 2026, 12:00" in words
    assert words.count("we learned of it") == 1


def test_booking_that_another_took_the_place_of_links_it(
    client: Client, account: Account, recorded: Recorded
) -> None:
    (first,) = recorded(line("EVNT-1", "canceled_reschedule_requested"))
    (second,) = recorded(line("EVNT-2", id="BKNG-2", rescheduled_booking_id="BKNG-7Q2M9XKD41TA"))
    assert "In place of Onboarding call" in text_of(client.get(f"/bookings/{second}"))
    page = client.get(f"/bookings/{first}")
    assert "Replaced by Onboarding call" in text_of(page)
    assert f'href="/bookings/{second}"' in page.content.decode()


def test_guest_leads_to_the_contact_and_another_address_is_explained(
    client: Client, account: Account, recorded: Recorded
) -> None:
    (key,) = recorded(line("EVNT-1"))
    ines = Contact.objects.get()
    page = client.get(f"/bookings/{key}")
    assert f'href="/contacts/{ines.public_id}"' in page.content.decode()
    assert "Known under" not in text_of(page)
    edit(account.pk, ines.public_id, {"email": "ines@new.example"}, NOON)
    assert "Known under ines@new.example today." in text_of(client.get(f"/bookings/{key}"))


@pytest.mark.parametrize(("age", "soon"), [(5, True), (60, False)])
def test_page_looks_more_often_while_the_crm_catches_up(
    client: Client, lane: Connection, recorded: Recorded, age: int, soon: bool
) -> None:
    (key,) = recorded(line("EVNT-1"))
    SyncItem.objects.update(marked_at=datetime.now(UTC) - timedelta(seconds=age))
    assert (b'id="catching-up"' in client.get(f"/bookings/{key}").content) is soon
    SyncItem.objects.update(done=1)
    assert b'id="catching-up"' not in client.get(f"/bookings/{key}").content


def test_links_from_outside_are_links_only_to_web_pages(client: Client, recorded: Recorded) -> None:
    (key,) = recorded(
        line(
            "EVNT-1",
            virtual_conferencing={"join_url": "javascript:alert(1)"},
            cancel_reschedule_url="javascript:alert(2)",
        )
    )
    page = client.get(f"/bookings/{key}").content.decode()
    assert "javascript:alert(1)" in page
    assert 'href="javascript' not in page


def test_crm_side_links_the_records_by_name(client: Client, lane: Connection, recorded: Recorded) -> None:
    (key,) = recorded(line("EVNT-1"))
    link = {"person_object": "Lead", "person_id": "00Q000000000001AAA", "activity_id": "00U000000000001AAA"}
    SyncItem.objects.update(done=1, in_step_at=NOON, link=link)
    CrmRecord.objects.create(
        account=lane.account,
        connection=lane,
        object="Lead",
        crm_id=link["person_id"],
        snapshot={"FirstName": "Ines", "LastName": "Castro"},
    )
    kept = {"url": "https://acme.my.salesforce.com", "client_id": "k", "client_secret": "s"}
    tokens = {"access_token": "a", "instance_url": kept["url"], "org_id": lane.org_id}
    lane.credentials, lane.tokens = (
        encryption.encrypt(json.dumps(kept)),
        encryption.encrypt(json.dumps(tokens)),
    )
    lane.save()
    page = client.get(f"/bookings/{key}").content.decode()
    assert "https://acme.my.salesforce.com/lightning/r/Lead/00Q000000000001AAA/view" in page
    assert "Ines Castro <span" in page
    assert "00U000000000001AAA <span" in page


def test_lost_keys_cost_the_links_and_nothing_else(
    client: Client, lane: Connection, recorded: Recorded
) -> None:
    (key,) = recorded(line("EVNT-1"))
    SyncItem.objects.update(done=1, link={"person_object": "Lead", "person_id": "00Q000000000001AAA"})
    lane.tokens = b"sealed with a key that nobody has"
    lane.save()
    answer = client.get(f"/bookings/{key}")
    assert answer.status_code == 200
    assert "00Q000000000001AAA" in text_of(answer)


def test_problem_shows_the_crms_words_and_the_next_try(
    client: Client, lane: Connection, recorded: Recorded
) -> None:
    (key,) = recorded(line("EVNT-1"))
    SyncItem.objects.update(
        error_class="NeedsAdmin",
        error_code="FIELD_CUSTOM_VALIDATION_EXCEPTION",
        error_message="Partner leads need a partner id",
        due_at=NOON + timedelta(hours=6),
    )
    answer = client.get(f"/bookings/{key}")
    words = text_of(answer)
    assert "! Problem next try 2 Mar 2026, 18:00:00" in words
    assert "FIELD_CUSTOM_VALIDATION_EXCEPTION Partner leads need a partner id What to do" in words
    assert f'href="/sync-log?connection={lane.public_id}#problems"' in answer.content.decode()


@pytest.mark.usefixtures("lane")
def test_write_again_marks_the_booking_in_every_lane(client: Client, recorded: Recorded) -> None:
    (key,) = recorded(line("EVNT-1"))
    SyncItem.objects.update(done=1, due_at=None)
    answer = client.post(f"/bookings/{key}/write-again", follow=True)
    assert "The booking is compared with the CRM again" in text_of(answer)
    item = SyncItem.objects.get(kind="booking", target_id=key)
    assert (item.wanted, item.done) == (2, 1)
    assert item.due_at is not None
    assert client.get(f"/bookings/{key}/write-again").status_code == 405


def test_write_again_without_a_crm_says_so(client: Client, recorded: Recorded) -> None:
    (key,) = recorded(line("EVNT-1"))
    assert "No CRM is connected" in text_of(client.post(f"/bookings/{key}/write-again", follow=True))


@pytest.mark.usefixtures("lane")
def test_booking_in_the_trash_is_shown_and_never_written(client: Client, recorded: Recorded) -> None:
    (key,) = recorded(line("EVNT-1"))
    recorded(line("EVNT-2", "canceled", 60, in_trash=True))
    wanted = SyncItem.objects.get(kind="booking").wanted
    assert "trash" in text_of(client.get(f"/bookings/{key}"))
    assert "trash" in text_of(client.post(f"/bookings/{key}/write-again", follow=True))
    assert SyncItem.objects.get(kind="booking").wanted == wanted
    assert "trash" in text_of(client.get(f"/bookings/{key}/plan"))


@pytest.mark.parametrize("key", ["0", "999999", "9223372036854775808", "99999999999999999999999"])
def test_unknown_booking_is_not_found(client: Client, key: str) -> None:
    for path in ("", "/receipts", "/receipts/1", "/plan"):
        assert client.get(f"/bookings/{key}{path}").status_code == 404


def test_right_to_left_and_emoji_are_kept(client: Client, recorded: Recorded) -> None:
    (key,) = recorded(line("EVNT-1", subject="لقاء 👩🏽‍🚀", form_submission=form(name="شركة النور")))
    page = client.get(f"/bookings/{key}").content.decode()
    assert '<h1 dir="auto">لقاء 👩🏽‍🚀</h1>' in page
    assert "شركة النور" in page
