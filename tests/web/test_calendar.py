"""One booking calendar: made, edited, published and deleted on its page, without a script."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from instep.bookings.calendars import calendar, create, list_calendars
from instep.bookings.hosting import create_host
from instep.core.booking_calendar import Ask, BookingCalendar, Question, QuestionType, Rules, WeeklyHours
from instep.store.models import Account, Booking, Calendar
from oncehub_events import NOON

from .test_bookings import text_of

OFFICE = WeeklyHours("Europe/Lisbon", tuple((d, 540, 1020) for d in range(5)))
RULES = Rules(
    description="All about it",
    durations=(45, 30),
    slot_step=15,
    buffer_before=10,
    buffer_after=25,
    min_notice=90,
    window_days=30,
    max_per_day=3,
    virtual_location="https://meet.example/x",
    physical_location="Rua A",
    approval=True,
    guest_may_cancel=False,
    guest_may_reschedule=True,
    guest_changes_until=60,
    ask_company=Ask.REQUIRED,
    ask_phone=Ask.NO,
    ask_note=Ask.OPTIONAL,
    questions=(
        Question("team", "Team size", QuestionType.SELECT, True, ("1-10", "11-50")),
        Question("why", "Why <now>?", QuestionType.LONG_TEXT),
    ),
    next_steps="We call you",
)


@pytest.fixture
def host(account: Account) -> str:
    return create_host(account.id, "Nuno Reis", "nuno@host.example", OFFICE, NOON)


def fields_of(page: str) -> dict[str, Any]:
    """What a browser would send of the page's form if nothing were typed."""
    form = page[page.index('class="calendar-form"') :]
    form = form[: form.index("</form>")]
    sent: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name = re.search(r'name="([^"]*)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        box = 'type="checkbox"' in tag
        if name and (not box or " checked" in tag):
            sent.setdefault(name[1], []).append(_plain(value[1]) if value else "on" if box else "")
    for name, inner in re.findall(r'<select name="([^"]*)".*?>(.*?)</select>', form, re.DOTALL):
        chosen = (
            re.findall(r'<option value="([^"]*)" selected', inner)
            or re.findall(r'value="([^"]*)"', inner)[:1]
        )
        sent[name] = chosen
    for name, inner in re.findall(r'<textarea name="([^"]*)"[^>]*>(.*?)</textarea>', form, re.DOTALL):
        sent[name] = [_plain(inner.removeprefix("\n"))]
    sent.pop("csrfmiddlewaretoken")
    return sent


def _plain(text: str) -> str:
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#x27;", "'"), ("&amp;", "&")):
        text = text.replace(entity, letter)
    return text


def stored(account: Account, made: BookingCalendar) -> BookingCalendar:
    found = calendar(account.id, made.id)
    assert found is not None
    return found


def test_saving_what_the_form_shows_changes_nothing(client: Client, account: Account, host: str) -> None:
    """Every rule, question, host and priority is in the form, also values that are no usual choice."""
    other = create_host(account.id, "Ana", "ana@host.example", OFFICE, NOON)
    made = create(account.id, "Demo", "demo", RULES, [host, other], True, {other: 2})
    sent = fields_of(client.get(f"/calendars/{made.id}").content.decode())
    answer = client.post(f"/calendars/{made.id}", sent)
    assert answer.status_code == 302
    assert stored(account, made) == made


def test_a_new_calendar_is_made_of_its_name_and_the_only_host(
    client: Client, account: Account, host: str
) -> None:
    sent = fields_of(client.get("/calendars/new").content.decode())
    answer = client.post("/calendars/new", {**sent, "name": "Product démo"}, follow=True)
    assert "Publish it when it is ready" in text_of(answer)
    (made,) = list_calendars(account.id)
    assert (made.name, made.slug, made.published, made.hosts) == (
        "Product démo",
        "product-demo",
        False,
        (host,),
    )
    assert made.rules == Rules()


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"name": ""}, "id_name", "needs a name"),
        ({"name": "営業", "slug": ""}, "id_slug", "type one, like product-demo"),
        ({"slug": "Not a slug"}, "id_slug", "cannot be part of a web address"),
        ({"slug": "taken"}, "id_slug", "belongs to another booking calendar"),
        ({"durations": ""}, "id_durations", "needs a duration"),
        ({"window_days": ""}, "id_window_days", "how many days ahead"),
        ({"durations": "half an hour"}, "id_durations", "Write minutes with commas"),
        ({"durations": "30, 30"}, "id_durations", "listed twice"),
        ({"durations": "3"}, "id_durations", "between 5 minutes and 12 hours"),
        ({"durations": "99999"}, "id_durations", "Write minutes with commas"),
        ({"window_days": "0"}, "id_window_days", "greater than or equal to 1"),
        ({"window_days": "soon"}, "id_window_days", "whole number"),
        ({"max_per_day": "101"}, "id_max_per_day", "less than or equal to 100"),
        ({"slot_step": "7"}, "id_slot_step", "valid choice"),
        ({"ask_note": "perhaps"}, "id_ask_note", "valid choice"),
        ({"hosts": "HST-NOBODY"}, "id_hosts", "valid choice"),
        ({"description": "a\0b"}, "id_description", "Null characters"),
        (
            {"questions": "1", "q0-type": "select", "q0-label": "Size", "q0-options": "one"},
            "id_q0-options",
            "two choices at least",
        ),
        ({"questions": "1", "q0-type": "text", "q0-identifier": "size"}, "id_q0-label", "Type the question"),
        (
            {"questions": "1", "q0-type": "text", "q0-label": "Size", "q0-identifier": "Team size"},
            "id_q0-identifier",
            "a letter first, like team_size",
        ),
    ],
)
def test_what_cannot_be_is_told_at_its_field_and_nothing_typed_is_lost(
    client: Client, account: Account, host: str, change: dict[str, str], field: str, said: str
) -> None:
    create(account.id, "Taken", "taken", Rules(), [], False)
    sent = fields_of(client.get("/calendars/new").content.decode())
    typed = {**sent, "name": "Demo", "next_steps": "We “call” <you>", **change}
    answer = client.post("/calendars/new", typed)
    assert answer.status_code == 422
    page = answer.content.decode()
    marked = re.search(rf'id="{field}_error"[^>]*>(.*?)</div>', page, re.DOTALL)
    assert marked
    assert said in marked[1]
    assert "We “call” &lt;you&gt;" in page
    assert [c.name for c in list_calendars(account.id)] == ["Taken"]


def test_an_identifier_that_stands_twice_is_told_at_the_second(
    client: Client, account: Account, host: str
) -> None:
    sent = fields_of(client.get("/calendars/new").content.decode())
    rows = {"questions": "2"}
    for n in range(2):
        rows |= {f"q{n}-label": f"Size {n}", f"q{n}-type": "text", f"q{n}-identifier": "size"}
    answer = client.post("/calendars/new", {**sent, "name": "Demo", **rows})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'id="id_q0-identifier_error"' not in page
    assert "Another question has this identifier." in page
    assert list_calendars(account.id) == ()


def test_questions_are_added_moved_and_removed_without_saving(
    client: Client, account: Account, host: str
) -> None:
    made = create(account.id, "Demo", "demo", RULES, [host], False)
    place = f"/calendars/{made.id}"

    def act(sent: dict[str, Any], word: str) -> tuple[str, dict[str, Any]]:
        answer = client.post(place, {**sent, "act": word})
        assert answer.status_code == 200
        assert "They count once you save" in text_of(answer)
        page = answer.content.decode()
        return page, fields_of(page)

    sent = {**fields_of(client.get(place).content.decode()), "name": "Typed", "durations": "nonsense"}
    page, sent = act(sent, "add")
    assert (sent["questions"], sent["name"], sent["durations"]) == (["3"], ["Typed"], ["nonsense"])
    assert re.search(r'name="q2-label"[^>]*autofocus', page)
    sent["q2-label"] = "New"
    _, sent = act(sent, "up-2")
    assert [sent[f"q{n}-label"] for n in range(3)] == [["Team size"], ["New"], ["Why <now>?"]]
    _, sent = act(sent, "remove-0")
    assert sent["questions"] == ["2"]
    for nonsense in ("up-0", "remove-9", "remove-x", "jump", "up-99999"):
        _, sent = act(sent, nonsense)
    assert stored(account, made) == made
    client.post(place, {**sent, "name": "Demo", "durations": "45, 30"})
    assert [q.label for q in stored(account, made).rules.questions] == ["New", "Why <now>?"]


def test_identifiers_are_made_of_the_question_and_differ(client: Client, account: Account, host: str) -> None:
    sent = fields_of(client.get("/calendars/new").content.decode())
    rows = {"questions": "5"}
    for n, label in enumerate(("Team size", "Team size", "7 habits?", "営業", "")):
        rows |= {f"q{n}-label": label, f"q{n}-type": "text"}
    client.post("/calendars/new", {**sent, "name": "Demo", **rows})
    (made,) = list_calendars(account.id)
    assert [q.identifier for q in made.rules.questions] == ["team_size", "team_size_2", "q_7_habits", "q"]


def test_it_is_published_and_unpublished_by_a_post(client: Client, account: Account, host: str) -> None:
    made = create(account.id, "Demo", "demo", RULES, [host], False)
    place = f"/calendars/{made.id}/publish"
    assert client.get(place).status_code == 405
    assert "is published" in text_of(client.post(place, {"published": "1"}, follow=True))
    assert stored(account, made).published
    assert "no longer published" in text_of(client.post(place, {"published": "0"}, follow=True))
    assert stored(account, made) == made


def test_it_is_deleted_only_while_nobody_booked_it(client: Client, account: Account, host: str) -> None:
    made = create(account.id, "Demo", "demo", RULES, [host], False)
    booked = create(account.id, "Booked", "booked", RULES, [host], False)
    Booking.objects.create(
        account=account, source="instep", source_id="BKNG-1", status="scheduled", start_at=NOON, end_at=NOON,
        calendar=Calendar.objects.get(source_id=booked.id), state={},
    )  # fmt: skip
    assert "/delete" not in client.get(f"/calendars/{booked.id}").content.decode()
    assert "/delete" in client.get(f"/calendars/{made.id}").content.decode()
    assert client.get(f"/calendars/{made.id}/delete").status_code == 405
    assert "is deleted" in text_of(client.post(f"/calendars/{made.id}/delete", follow=True))
    assert "has bookings" in text_of(client.post(f"/calendars/{booked.id}/delete", follow=True))
    assert [c.name for c in list_calendars(account.id)] == ["Booked"]


def test_without_hosts_the_form_leads_to_them(client: Client, account: Account) -> None:
    assert 'href="/hosts/new"' in client.get("/calendars/new").content.decode()
    made = create(account.id, "Demo", "demo", Rules(), [], True)
    words = text_of(client.get(f"/calendars/{made.id}"))
    assert "Nobody can book it: it has no host. Make a host first" in words


def test_another_accounts_calendar_does_not_exist(client: Client) -> None:
    other = Account.objects.create(name="Other")
    made = create(other.id, "Theirs", "theirs", Rules(), [], False)
    for path in ("", "/publish", "/delete"):
        assert client.post(f"/calendars/{made.id}{path}", {"published": "1"}).status_code == 404
    assert client.get(f"/calendars/{made.id}").status_code == 404
    assert stored(other, made) == made
