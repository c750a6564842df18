"""Strict mode (rule E9): a guest is told of a booking once the CRM has it, within ten seconds, or nothing is booked."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from attrs import define, field

from faults.conftest import fake, other_org, scene
from instep.core.booking_calendar import Rules, WeeklyHours

from .pages import Page

if TYPE_CHECKING:
    from pathlib import Path

    from django.http import HttpResponse

    from faults.scene import Scene
    from instep_process import InstepHome

__all__ = ["fake", "other_org", "scene"]

ALWAYS = WeeklyHours("UTC", tuple((day, 0, 1440) for day in range(7)))
ANA = {"name": "Ana Sousa", "email": "ana@guest.example", "note": "Kept as it is"}


@define
class Desk:
    """A published calendar of an account in strict mode, with workers beside it that a test starts and stops."""

    scene: Scene
    calendar: Any
    start: str
    key: str = "the-key-of-this-very-form"
    _stop: threading.Event = field(factory=threading.Event)
    _workers: list[threading.Thread] = field(factory=list)
    #: the queue has one drain of a lane at most: two at once would fence each other for ever
    _turns: defaultdict[int, threading.Lock] = field(factory=lambda: defaultdict(threading.Lock))

    def work(self, count: int = 1) -> None:
        """Start workers."""
        for _ in range(count):
            thread = threading.Thread(target=self._drain, daemon=True)
            thread.start()
            self._workers.append(thread)

    def rest(self) -> None:
        """Stop the workers."""
        self._stop.set()
        for thread in self._workers:
            thread.join(60)

    def _drain(self) -> None:
        from instep.engine.drain import drain
        from instep.store import lane_queries
        from instep.store.statements import close_connection

        try:
            while not self._stop.wait(0.01):
                for lane in lane_queries.lanes_to_wake():
                    with self._turns[lane["id"]]:
                        drain(lane["account_id"], lane["id"], self.scene.policy)
        finally:
            close_connection()

    def book(self, **typed: str) -> HttpResponse:
        from django.test import Client

        form = {"start": self.start, "duration": "30", "key": self.key, **ANA, **typed}
        return Client().post("/b/demo/details", form)

    def bookings(self) -> list[tuple[str, str]]:
        """Status and reason of every booking, in the order they were made."""
        found = self.scene.rows(
            "SELECT status, coalesce(state ->> 'reason', '') FROM booking WHERE account_id = %s ORDER BY id",
            self.scene.account_id,
        )
        return [(status, reason) for status, reason in found]

    def mails(self) -> list[str]:
        """Mails that are due or sent."""
        found = self.scene.rows(
            "SELECT role FROM delivery WHERE account_id = %s AND (due_at <= now() OR sent_at IS NOT NULL)",
            self.scene.account_id,
        )
        return sorted(role for (role,) in found)

    def held_mails(self) -> int:
        return len(self.scene.rows("SELECT 1 FROM delivery WHERE account_id = %s", self.scene.account_id))

    def events(self) -> list[tuple[str, bool]]:
        """Status of every Event in the CRM, the oldest first, and whether it has a person."""
        return [
            (event["Instep_Event_Status__c"], bool(event.get("WhoId")))
            for event in self.scene.fake.records()["Event"]
        ]

    def is_offered(self) -> bool:
        """Whether another guest is offered the time."""
        from django.test import Client

        return (
            f"start={self.start.replace(':', '%3A')}".encode()
            in Client().get(f"/b/demo?date={self.start[:10]}&tz=UTC").content
        )


@pytest.fixture
def desk(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    from django.core.cache import cache

    from instep.bookings import calendars, hosting
    from instep.engine import strict

    cache.clear()
    monkeypatch.setattr(strict, "PATIENCE", 4.0)
    now = datetime.now(UTC)
    host = hosting.create_host(scene.account_id, "Nuno Reis", "nuno@acme.example", ALWAYS, now)
    calendar = calendars.create(scene.account_id, "Demo", "demo", Rules(min_notice=0), [host], True)
    strict.choose(scene.account_id, scene.lane(), True)
    start = (now + timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
    found = Desk(scene, calendar, start.strftime("%Y-%m-%dT%H:%MZ"))
    yield found
    found.rest()
    cache.clear()


def eventually(test: Callable[[], Any], what: str) -> None:
    ends = time.monotonic() + 30
    while not test():
        assert time.monotonic() < ends, what
        time.sleep(0.02)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_booking_is_confirmed_when_it_is_in_the_crm(desk: Desk, workers: int) -> None:
    desk.work(workers)
    answer = desk.book()
    assert answer.status_code == 303, answer.content.decode()
    assert desk.events() == [("Scheduled", True)], "before the guest was told"
    assert [status for status, _ in desk.bookings()] == ["scheduled"]
    assert desk.mails() == ["guest", "host"]


def test_a_slow_crm_is_waited_for(desk: Desk) -> None:
    desk.scene.fake.arm("latency", ms=400, times=None)
    desk.work()
    began = time.monotonic()
    assert desk.book().status_code == 303
    assert time.monotonic() - began > 0.8
    assert desk.events() == [("Scheduled", True)]


def test_a_crm_that_is_too_slow_books_nothing_and_what_it_wrote_late_is_canceled(desk: Desk) -> None:
    """The answer comes after the guest was told no: the CRM ends with what is true."""
    desk.scene.fake.arm("latency", ms=6000, times=1, match={"method": "POST"})
    desk.work()
    began = time.monotonic()
    answer = desk.book()
    assert time.monotonic() - began < 6
    assert answer.status_code == 503
    assert answer["Retry-After"]
    page = Page(answer)
    assert "did not answer in time" in page.text
    assert page.fields["note"] == ANA["note"]
    assert page.fields["name"] == ANA["name"]
    assert [status for status, _ in desk.bookings()] == ["canceled"]
    assert desk.held_mails() == 0, "nobody hears of it"
    assert desk.is_offered()
    eventually(lambda: desk.scene.pending() == 0, "the lane is in step")
    assert [status for status, _ in desk.events()] == ["Canceled"]


def test_a_crm_that_is_down_books_nothing(desk: Desk) -> None:
    desk.scene.patient(backoff=30, backoff_max=30)
    desk.scene.fake.arm("status", status=503, times=None)
    desk.work()
    began = time.monotonic()
    answer = desk.book()
    assert answer.status_code == 503
    assert time.monotonic() - began < 3, "a lane that stands still longer is not waited for"
    assert [status for status, _ in desk.bookings()] == ["canceled"]
    assert desk.held_mails() == 0
    # while it stands still no times are offered, and the page says so
    from django.test import Client

    page = Page(Client().get(f"/b/demo?date={desk.start[:10]}"))
    assert "No bookings can be taken at the moment" in page.text
    again = Page(desk.book())
    assert "No bookings can be taken at the moment" in again.text
    assert again.fields["note"] == ANA["note"]


def test_a_crm_that_refuses_books_nothing_and_its_words_stay_here(desk: Desk) -> None:
    refuse(desk, "Secret house rule 17")
    desk.work()
    answer = desk.book()
    assert answer.status_code == 409
    page = Page(answer)
    assert "did not accept it" in page.text
    assert "house rule" not in answer.content.decode()
    assert page.fields["note"] == ANA["note"]
    assert [status for status, _ in desk.bookings()] == ["canceled"]
    assert desk.bookings()[0][1] == "Not confirmed: the CRM refused it."
    assert desk.is_offered()
    assert any("house rule" in problem["error_message"] for problem in desk.scene.problems()), (
        "the admin sees why"
    )
    assert desk.events() == []


def refuse(desk: Desk, words: str) -> None:
    """Have the CRM refuse every new Event by a rule of its own."""
    desk.scene.fake.arm(
        "row",
        match={"object": "Event"},
        errorCode="FIELD_CUSTOM_VALIDATION_EXCEPTION",
        message=words,
        times=None,
    )


def test_the_same_form_books_once_the_crm_takes_it_again(desk: Desk) -> None:
    refuse(desk, "Not now")
    desk.work()
    assert desk.book().status_code == 409
    desk.scene.fake.disarm()
    answer = desk.book()
    assert answer.status_code == 303
    assert [status for status, _ in desk.bookings()] == ["canceled", "scheduled"]
    desk.scene.hurry()
    eventually(lambda: desk.scene.pending() == 0, "the lane is in step")
    assert sorted(status for status, _ in desk.events()) == ["Canceled", "Scheduled"]
    (person,) = [r for name in ("Lead", "Contact") for r in desk.scene.fake.records()[name]]
    assert person["Email"] == ANA["email"]


def test_a_form_sent_twice_is_one_booking_that_both_wait_for(desk: Desk) -> None:
    desk.scene.fake.arm("latency", ms=300, times=None)
    desk.work(2)
    answers: list[HttpResponse] = []
    threads = [threading.Thread(target=lambda: answers.append(in_thread(desk))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [303] * 3
    assert len({answer["Location"] for answer in answers}) == 1
    assert desk.events() == [("Scheduled", True)]
    assert desk.mails() == ["guest", "host"]


def in_thread(desk: Desk) -> HttpResponse:
    from instep.store.statements import close_connection

    try:
        return desk.book()
    finally:
        close_connection()


def test_nobody_works_so_nothing_is_booked(desk: Desk) -> None:
    """The worker was killed and none took over in time."""
    answer = desk.book()
    assert answer.status_code == 503
    assert [status for status, _ in desk.bookings()] == ["canceled"]
    desk.work()
    eventually(lambda: desk.scene.pending() == 0, "the lane is in step")
    assert [status for status, _ in desk.events()] == ["Canceled"]


@pytest.mark.parametrize("written", [True, False])
def test_what_a_dead_web_process_leaves_is_decided_by_the_workers(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    from instep.engine import strict

    class Killed(BaseException):
        pass

    def die(*given: Any) -> None:
        raise Killed

    monkeypatch.setattr(strict, "_written_in_time", die)
    with pytest.raises(Killed):
        desk.book()
    assert desk.mails() == []
    if written:
        desk.scene.until_settled()
    assert strict.settle_overdue() == 0, "its time is not over"
    monkeypatch.setattr(strict, "_GRACE", -60.0)
    assert strict.settle_overdue() == 1
    assert strict.settle_overdue() == 0
    desk.scene.until_settled()
    if written:
        assert desk.mails() == ["guest", "host"]
        assert [status for status, _ in desk.events()] == ["Scheduled"]
    else:
        assert desk.held_mails() == 0
        assert [status for status, _ in desk.events()] == ["Canceled"]


def test_a_host_who_cancels_meanwhile_has_the_last_word(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who hear that it is canceled do not hear afterwards that it was made."""
    from instep.bookings import commands
    from instep.engine import strict

    def cancel(account_id: int, booked: Any, *rest: Any) -> bool:
        commands.cancel(account_id, booked.id, "Ill", "user", datetime.now(UTC))
        return False

    monkeypatch.setattr(strict, "_written_in_time", cancel)
    answer = desk.book()
    assert answer.status_code == 303
    assert desk.bookings() == [("canceled", "Ill")]
    assert desk.mails() == ["guest", "host"]
    assert desk.held_mails() == 2
    assert strict.settle_overdue() == 0


def test_the_default_accepts_whatever_the_crm_says(desk: Desk) -> None:
    """Case 18: the API limit is used up; strict mode books nothing, the default books and writes later."""
    from instep.engine import strict

    strict.choose(desk.scene.account_id, desk.scene.lane(), False)
    desk.scene.fake.arm("status", status=503, times=None)
    desk.work()
    assert desk.book().status_code == 303
    assert desk.mails() == ["guest", "host"]
    desk.scene.fake.disarm()
    eventually(lambda: desk.events() == [("Scheduled", True)], "written later")


def test_only_the_strict_one_of_two_crms_is_waited_for(desk: Desk, other_org: Scene) -> None:
    other_org.fake.arm("status", status=503, times=None)
    desk.work(2)
    assert desk.book().status_code == 303
    assert desk.events() == [("Scheduled", True)]


def test_rebooking_waits_too_and_may_be_tried_again(desk: Desk) -> None:
    from django.test import Client

    from instep.bookings import commands

    desk.work()
    sent = desk.book()
    (booking_id,) = desk.scene.rows(
        "SELECT source_id FROM booking WHERE account_id = %s", desk.scene.account_id
    )[0]
    commands.ask_to_reschedule(desk.scene.account_id, booking_id, "", datetime.now(UTC))
    refuse(desk, "Not now")
    new = {"start": desk.start.replace(":00Z", ":30Z")}
    address = sent["Location"] + "/time/confirm"
    answer = Client().post(address, new)
    assert answer.status_code == 409
    assert "did not accept it" in Page(answer).text
    desk.scene.fake.disarm()
    answer = Client().post(address, new)
    assert answer.status_code == 303
    assert "Your booking is confirmed" in Page(Client().get(answer["Location"])).text
    assert [status for status, _ in desk.bookings()] == ["canceled", "canceled", "scheduled"]


def test_a_worker_that_is_killed_in_the_middle_is_followed_by_another_while_the_guest_waits(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real processes: the first one dies after its write went out, and the booking is in the CRM once."""
    from instep.engine import strict

    # a busy machine takes over later than in ten seconds
    monkeypatch.setattr(strict, "PATIENCE", 60.0)
    home = workers_home(tmp_path)
    try:
        first = home.spawn("worker")
        desk.scene.fake.arm("latency", ms=1500, times=None)
        answers: list[HttpResponse] = []
        guest = threading.Thread(target=lambda: answers.append(in_thread(desk)))
        guest.start()
        eventually(lambda: desk.scene.count("sent_at IS NOT NULL"), "the write is on its way")
        os.killpg(first.pid, signal.SIGKILL)
        home.spawn("worker")
        guest.join(90)
    finally:
        home.stop_all()
    assert [answer.status_code for answer in answers] == [303]
    assert desk.events() == [("Scheduled", True)]
    assert [status for status, _ in desk.bookings()] == ["scheduled"]
    assert len([r for name in ("Lead", "Contact") for r in desk.scene.fake.records()[name]]) == 1


def workers_home(path: Path) -> InstepHome:
    """A home whose workers share this test's database and keys."""
    from django.conf import settings
    from django.db import connection

    from instep_process import InstepHome

    known = connection.settings_dict
    where = urlencode({"host": known["HOST"], **({"port": known["PORT"]} if known["PORT"] else {})})
    home = InstepHome(path, f"postgresql://{known['USER']}@/{known['NAME']}?{where}")
    home.env["INSTEP_SECRET_KEYS"] = ",".join(settings.INSTEP.secret_keys)
    home.env |= {"INSTEP_ENGINE_BACKOFF": "0.2", "INSTEP_ENGINE_VERIFY_AFTER": "1"}
    return home
