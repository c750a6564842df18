"""The sync log: every attempt with its result, problems by cause, and what people decide about them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from instep.store import log_queries, queries
from instep.store.models import Account, Alert, Connection, Contact, SyncItem
from oncehub_events import NOON, form, line

from .test_bookings import text_of
from .test_document import change, write

Recorded = Callable[..., list[int]]
RULE = "FIELD_CUSTOM_VALIDATION_EXCEPTION"


def event(number: int, **data: Any) -> bytes:
    guest = form(name=f"Guest {number}", email=f"guest{number}@mail.example", mobile_phone=None)
    return line(f"EVNT-{number}", id=f"BKNG-{number}", form_submission=guest, **data)


def trouble(booking: int, message: str, code: str = RULE, **more: Any) -> None:
    """Leave a booking's item with a problem that waits for a person; it is tried again in six hours."""
    later = timezone.now() + timedelta(hours=6)
    told = {
        "error_class": "NeedsAdmin",
        "error_code": code,
        "error_message": message,
        "due_at": later,
        **more,
    }
    SyncItem.objects.filter(kind="booking", target_id=booking).update(**told)


def failed(message: str, code: str = RULE, cure: str = "") -> dict[str, Any]:
    error = {"class": "NeedsAdmin", "code": code, "message": message, "cure": cure}
    return {"tense": "receipt", "cost": {"calls": 2, "batch_items": 3}, "error": error}


def names(answer: Any) -> list[str]:
    """Whom the rows are about, from top to bottom."""
    return re.findall(r'id="subject-\d+"[^>]*>([^<]*)</a>', answer.content.decode())


def group_form(answer: Any, action: str) -> dict[str, str]:
    """The hidden fields of the first form of a group that leads to this action."""
    page = answer.content.decode()
    start = page.index(f'action="/sync-log/{action}?')
    found = re.findall(
        r'type="hidden" name="(\w+)" value="([^"]*)"', page[start : page.index("</form>", start)]
    )
    return {name: value for name, value in found if name != "csrfmiddlewaretoken"}


def due_now() -> set[int]:
    return set(SyncItem.objects.filter(due_at__lte=timezone.now()).values_list("target_id", flat=True))


# --- attempts ---


def test_row_tells_when_who_result_calls_and_duration(
    client: Client, recorded: Recorded, keep_receipt: Callable[..., int]
) -> None:
    (key,) = recorded(event(1))
    left = write(changes=[change(), change(field="Title", verdict="leave_out")])
    receipt = keep_receipt(key, {"writes": [left], "cost": {"calls": 2, "batch_items": 3}}, at=NOON)
    client.cookies["instep_zone"] = "Asia/Kathmandu"
    answer = client.get("/sync-log")
    words = text_of(answer)
    assert "2 Mar 2026, 17:45:00 , receipt Guest 1 Onboarding call Written 1 field left out" in words
    assert "2 for 3 items 412 ms" in words
    assert f'href="/bookings/{key}/receipts/{receipt}"' in answer.content.decode()
    assert f'href="/bookings/{key}"' in answer.content.decode()


def test_attempt_that_had_nothing_to_write_does_not_claim_to_have_written(
    client: Client, recorded: Recorded, keep_receipt: Callable[..., int]
) -> None:
    (key,) = recorded(event(1))
    keep_receipt(key, {"writes": [write(action="none", changes=[])], "cost": {"calls": 1}})
    assert "In step already" in text_of(client.get("/sync-log"))


def test_contact_has_attempts_of_its_own(client: Client, account: Account, lane: Connection) -> None:
    contact = Contact.objects.create(
        account=account, email="ann@x.example", fields={"name": ["Ann Ode", "1"]}
    )
    queries.rows(
        """INSERT INTO receipt (account_id, connection_id, kind, target_id, outcome, document)
           VALUES (%s, %s, 'contact', %s, 'done', '{}')""",
        [account.id, lane.id, contact.id],
    )
    answer = client.get(f"/sync-log?search={contact.public_id}")
    assert "Ann Ode contact In step already" in text_of(answer)
    assert f'href="/contacts/{contact.public_id}/receipts/' in answer.content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Guest 3", "Guest 2", "Guest 1"]),
        ("result=written", ["Guest 1"]),
        ("result=failed", ["Guest 3", "Guest 2"]),
        ("error=NeedsAdmin", ["Guest 3"]),
        ("error=Retry", ["Guest 2"]),
        (f"error={RULE}", ["Guest 3"]),
        ("error=NOTHING_LIKE_IT", []),
        ("period=hour", ["Guest 3", "Guest 2"]),
        ("period=nonsense&result=nonsense", ["Guest 3", "Guest 2", "Guest 1"]),
        ("search=bkng-2", ["Guest 2"]),
        ("search=GUEST3@mail", ["Guest 3"]),
        ("search=guest+1", ["Guest 1"]),
        ("search=00QHs0000000001MAA", ["Guest 2"]),
        ("search=00QHs0000000002MAA", []),
        ("search=nobody%00atall&error=%00&connection=%00", []),
        ("search=%25", []),
        ("connection=CON-OTHER", []),
    ],
)
def test_filters_and_search(
    client: Client, recorded: Recorded, keep_receipt: Callable[..., int], query: str, found: list[str]
) -> None:
    one, two, three = recorded(event(1), event(2), event(3))
    now = timezone.now()
    keep_receipt(one, {"writes": [write()]}, at=now - timedelta(hours=2))
    keep_receipt(two, failed("The row is locked.", "UNABLE_TO_LOCK_ROW"), "Retry", now - timedelta(minutes=2))
    keep_receipt(three, failed("No."), "NeedsAdmin", now - timedelta(minutes=1))
    SyncItem.objects.filter(target_id=two).update(link={"person_id": "00QHs0000000001MAA"})
    assert names(client.get(f"/sync-log?{query}")) == found


def test_search_by_contact_finds_the_attempts_of_its_bookings(
    client: Client, recorded: Recorded, keep_receipt: Callable[..., int]
) -> None:
    one, two = recorded(event(1), event(2))
    keep_receipt(one, {}), keep_receipt(two, {})
    contact = Contact.objects.get(email="guest2@mail.example")
    assert names(client.get(f"/sync-log?search={contact.public_id}")) == ["Guest 2"]


def test_long_log_goes_on_and_comes_to_an_end(
    client: Client, recorded: Recorded, keep_receipt: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("instep.web.sync_log.PAGE_SIZE", 2)
    keys = recorded(*(event(n) for n in range(5)))
    for key in keys:
        keep_receipt(key, {}, at=NOON)
    seen, query = [], ""
    for _ in range(3):
        answer = client.get(f"/sync-log?{query}")
        seen += names(answer)
        further = re.search(r'href="\?([^"]*)" rel="next"', answer.content.decode())
        query = further[1].replace("&amp;", "&") if further else ""
    assert sorted(seen) == [f"Guest {n}" for n in range(5)]
    assert query == ""


def test_stop_of_a_connection_is_in_the_log_although_no_booking_was_tried(
    client: Client, account: Account, lane: Connection
) -> None:
    Alert.objects.create(
        account=account, connection=lane, code="invalid_grant", message="The token is revoked."
    )
    for query in ("", "error=Stopped", "error=invalid_grant", "result=failed"):
        words = text_of(client.get(f"/sync-log?{query}"))
        assert "The whole connection Connection stopped invalid_grant The token is revoked." in words, query
    for query in ("result=written", "search=ines", "error=Retry"):
        assert "No attempt fits" in text_of(client.get(f"/sync-log?{query}")), query


# --- problems by cause ---


@pytest.fixture
def three_groups(recorded: Recorded, keep_receipt: Callable[..., int]) -> list[int]:
    """Two bookings with one cause, one with another of the same code, one with another code."""
    keys = recorded(*(event(n) for n in range(4)))
    trouble(keys[0], 'Ines "00QHs0000000001MAA" <a@x.example> has 3 errors at BKNG-1: fix the rule.')
    trouble(keys[1], 'Ines "00QHs0000000002MAA" <b@y.example> has 12 errors at BKNG-22: fix the rule.')
    trouble(keys[2], "Another rule says no.")
    trouble(keys[3], "Another rule says no.", "DUPLICATES_DETECTED")
    keep_receipt(keys[1], failed("…", cure="Relax the rule."), "NeedsAdmin")
    return keys


def test_same_problem_collapses_whatever_names_ids_and_numbers_it_tells(
    client: Client, account: Account, three_groups: list[int]
) -> None:
    groups = log_queries.problem_groups(account.id)
    assert [(group.code, group.count) for group in groups] == [
        (RULE, 2), ("DUPLICATES_DETECTED", 1), (RULE, 1)
    ]  # fmt: skip
    words = text_of(client.get("/sync-log"))
    assert f"2× {RULE} since" in words
    assert "What to do: Relax the rule." in words
    assert "Retry these 2" in words


def test_retry_marks_exactly_the_chosen_group(client: Client, three_groups: list[int]) -> None:
    told = group_form(client.get("/sync-log"), "retry")
    answer = client.post("/sync-log/retry?period=week", told, follow=True)
    assert due_now() == set(three_groups[:2])
    assert answer.redirect_chain == [("/sync-log?period=week", 302)], "the log stays as it was narrowed"
    assert "2 changes are tried again now" in text_of(answer)


def test_retry_of_a_group_that_is_gone_says_so(client: Client, three_groups: list[int]) -> None:
    told = group_form(client.get("/sync-log"), "retry")
    SyncItem.objects.all().update(done=1, error_class="", due_at=None)
    assert "Nothing has this problem any more." in text_of(client.post("/sync-log/retry", told, follow=True))
    assert due_now() == set()


def test_ignored_problem_is_counted_nowhere_until_the_booking_changes(
    client: Client, account: Account, three_groups: list[int]
) -> None:
    told = group_form(client.get("/sync-log"), "ignore")
    answer = client.post("/sync-log/ignore", told, follow=True)
    assert "2 problems are ignored until" in text_of(answer)
    assert "Stop ignoring" in text_of(answer)
    assert "2 changes not written" in text_of(client.get("/dashboard")), "of four"
    assert "2 ignored" in text_of(client.get("/dashboard"))
    assert "2 ! Problem" in text_of(client.get("/bookings"))
    assert len(re.findall('id="open-', client.get("/bookings?crm=ignored").content.decode())) == 2
    assert due_now() == set(), "ignoring tries nothing"
    queries.mark(account.id, queries.BOOKING, {three_groups[0]: None}, timezone.now())
    assert "3 changes not written" in text_of(client.get("/dashboard"))


def test_ignoring_can_be_taken_back(client: Client, three_groups: list[int]) -> None:
    told = group_form(client.get("/sync-log"), "ignore")
    client.post("/sync-log/ignore", told)
    SyncItem.objects.exclude(ignored_at=None).get(target_id=three_groups[0])
    answer = client.post("/sync-log/ignore", {**told, "state": "ignored"}, follow=True)
    assert "2 problems count again." in text_of(answer)
    assert not SyncItem.objects.exclude(ignored_at=None).exists()


def test_ignored_group_and_live_one_of_the_same_cause_stay_apart(
    client: Client, three_groups: list[int]
) -> None:
    """What is ignored is not retried with the others, and what comes later is not ignored by itself."""
    SyncItem.objects.filter(target_id=three_groups[0]).update(ignored_at=timezone.now())
    told = group_form(client.get("/sync-log"), "retry")
    client.post("/sync-log/retry", {**told, **_name_of(three_groups[1])})
    assert due_now() == {three_groups[1]}


def _name_of(booking: int) -> dict[str, str]:
    item = SyncItem.objects.get(target_id=booking)
    group = next(
        one for one in log_queries.problem_groups(item.account_id)
        if one.target == booking and not one.ignored
    )  # fmt: skip
    return {"connection": group.connection, "code": group.code, "shape": group.shape, "state": "problem"}


def test_one_row_can_be_tried_again(
    client: Client, three_groups: list[int], keep_receipt: Callable[..., int]
) -> None:
    keep_receipt(three_groups[2], failed("Another rule says no."), "NeedsAdmin")
    item = SyncItem.objects.get(target_id=three_groups[2])
    assert f'action="/sync-log/items/{item.id}/retry?' in client.get("/sync-log").content.decode()
    answer = client.post(f"/sync-log/items/{item.id}/retry", follow=True)
    assert due_now() == {three_groups[2]}
    assert "It is tried again now" in text_of(answer)


def test_item_in_step_has_nothing_to_try_again(client: Client, recorded: Recorded, lane: Connection) -> None:
    (key,) = recorded(event(1))
    SyncItem.objects.filter(target_id=key).update(done=1, due_at=None)
    item = SyncItem.objects.get(target_id=key)
    answer = client.post(f"/sync-log/items/{item.id}/retry", follow=True)
    assert "There is nothing to try again" in text_of(answer)
    assert due_now() == set()


def test_item_that_waits_for_its_connection_is_not_offered_to_be_tried_alone(
    client: Client, recorded: Recorded, lane: Connection, keep_receipt: Callable[..., int]
) -> None:
    (key,) = recorded(event(1))
    keep_receipt(key, failed("The token is revoked.", "invalid_grant"), "NeedsAdmin")
    trouble(key, "The token is revoked.", "invalid_grant", error_class="Held")
    assert 'id="retry-one' not in client.get("/sync-log").content.decode()
    trouble(key, "Too slow.", "TIMEOUT", error_class="Retry")
    assert 'id="retry-one' not in client.get("/sync-log").content.decode(), (
        "the attempt tells of the connection"
    )
    keep_receipt(key, failed("Too slow.", "TIMEOUT"), "Retry")
    assert 'id="retry-one' in client.get("/sync-log").content.decode()


@pytest.mark.parametrize("path", ["/sync-log/retry", "/sync-log/ignore", "/sync-log/items/1/retry"])
def test_reading_an_address_changes_nothing(client: Client, path: str) -> None:
    assert client.get(path).status_code == 405


def test_another_account_sees_and_touches_nothing(
    client: Client, three_groups: list[int], keep_receipt: Callable[..., int]
) -> None:
    from instep.store.models import User

    told = group_form(client.get("/sync-log"), "retry")
    Alert.objects.create(
        account=Account.objects.get(), connection=Connection.objects.get(), code="X", message="y"
    )
    item = SyncItem.objects.get(target_id=three_groups[0])
    other = Account.objects.create(name="Other")
    client.force_login(User.objects.create_user("eve@other.example", "correct horse battery", other))
    assert "Nothing has been tried yet" in text_of(client.get("/sync-log"))
    assert RULE not in client.get("/sync-log").content.decode()
    client.post("/sync-log/retry", told)
    client.post("/sync-log/ignore", told)
    client.post(f"/sync-log/items/{item.id}/retry")
    assert due_now() == set()
    assert not SyncItem.objects.exclude(ignored_at=None).exists()
