"""The list of contacts: what stands in a row, search, paging, empty states, other accounts."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from instep.bookings.contacts import edit
from instep.store.models import Account, Connection, Contact, SyncItem
from oncehub_events import NOON, form, line

from .test_bookings import event, text_of

Recorded = Callable[..., list[int]]


def names(answer: object) -> list[str]:
    """The contacts in the list, from top to bottom."""
    page = answer.content.decode()  # type: ignore[attr-defined]
    return re.findall(r'id="open-CTC-\w+" dir="auto">([^<]*)</a>', page)


def test_row_tells_who_how_often_when_last_and_where_in_the_crm(
    client: Client, lane: Connection, recorded: Recorded
) -> None:
    recorded(line("EVNT-1"), line("EVNT-2", id="BKNG-2", starting_time="2026-03-09T10:00:00.000Z"))
    SyncItem.objects.update(done=1, due_at=None, in_step_at=NOON)
    words = text_of(client.get("/contacts"))
    row = "Ines Castro ines.castro@guest.example Castro Lda +351912000111 2 Mon 9 Mar 2026, 10:00"
    assert f"{row} Salesforce: ✓ In step" in words
    assert "1 contact " in words


def test_one_booking_with_a_problem_is_the_persons_problem(
    client: Client, lane: Connection, recorded: Recorded
) -> None:
    _one, two = recorded(line("EVNT-1"), line("EVNT-2", id="BKNG-2"))
    SyncItem.objects.update(done=1, due_at=None)
    SyncItem.objects.filter(target_id=two).update(done=0, error_class="NeedsAdmin")
    assert "! Problem" in text_of(client.get("/contacts"))


def test_booking_in_the_trash_neither_counts_nor_waits(
    client: Client, lane: Connection, recorded: Recorded
) -> None:
    recorded(line("EVNT-1"))
    recorded(line("EVNT-2", "canceled", 60, in_trash=True))
    words = text_of(client.get("/contacts"))
    assert "+351912000111 0 — not connected" in words


@pytest.mark.parametrize(
    "search", ["INES", "castro@guest", "lda", "912 000", "+351 912-000", "(91) 200-01", "old@guest.example"]
)
def test_search_finds_a_part_of_what_is_known(
    client: Client, account: Account, recorded: Recorded, search: str
) -> None:
    recorded(
        line("EVNT-1", form_submission=form(email="old@guest.example")),
        line(
            "EVNT-2",
            id="BKNG-2",
            form_submission=form(
                name="Rui", email="r@x.example", phone="1", mobile_phone=None, company="Melo"
            ),
        ),
    )
    ines = Contact.objects.get(email_key="old@guest.example")
    edit(account.id, ines.public_id, {"email": "ines.castro@guest.example"}, NOON)
    assert names(client.get("/contacts", {"search": search})) == ["Ines Castro"]


@pytest.mark.parametrize("search", ["912", "351-9", "nobody", "\0", "100% _"])
def test_search_for_what_nobody_has_says_so(client: Client, recorded: Recorded, search: str) -> None:
    recorded(event(1, "Somebody"))
    found = names(client.get("/contacts", {"search": search}))
    assert found == (["Somebody"] if search == "\0" else [])
    if search != "\0":
        assert "No contact fits" in text_of(client.get("/contacts", {"search": search}))


def test_pages_go_on_without_gap_and_repetition(
    client: Client, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("instep.web.contacts.PAGE_SIZE", 2)
    recorded(*(event(n, f"Guest {n}") for n in range(5)))
    seen: list[str] = []
    query = "?search=guest"
    for _ in range(4):
        answer = client.get(f"/contacts{query}")
        seen += names(answer)
        (*_first, query) = [
            "",
            *re.findall(r'href="([^"]*before=[^"]*)" rel="next"', answer.content.decode()),
        ]
        query = query.replace("&amp;", "&")
        if not query:
            break
    assert sorted(seen) == [f"Guest {n}" for n in range(5)]


def test_empty_list_says_where_contacts_come_from(client: Client) -> None:
    assert "Whoever books becomes a contact here" in text_of(client.get("/contacts"))


def test_number_of_queries_does_not_grow_with_the_list(
    client: Client, lane: Connection, recorded: Recorded, django_assert_max_num_queries: Callable[..., object]
) -> None:
    recorded(*(event(n, f"Guest {n}") for n in range(20)))
    with django_assert_max_num_queries(7):  # type: ignore[attr-defined]
        assert len(names(client.get("/contacts"))) == 20


def test_other_accounts_contacts_are_not_shown(client: Client, recorded: Recorded) -> None:
    recorded(event(1, "Theirs"), account_id=Account.objects.create(name="Other").pk)
    assert names(client.get("/contacts")) == []


def test_strangers_are_sent_to_the_sign_in(stranger: Client) -> None:
    for path in ("/contacts", "/contacts/CTC-1", "/contacts/CTC-1/edit", "/contacts/CTC-1/receipts/1"):
        assert stranger.get(path)["Location"] == f"/signin?next={path}"
