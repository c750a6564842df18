"""A connection that stands still is told by one mail, whatever its causes and however long; so is its end."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail as outbox

from instep.engine import mailing
from instep.store import lane_queries
from instep.store.models import Account, Alert, Connection, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(settings: Any) -> Account:
    settings.INSTEP = settings.INSTEP.model_copy(update={"public_url": "https://book.acme.example"})
    account = Account.objects.create(name="Acme")
    for name, role in (("owner", "owner"), ("ines", "admin"), ("rui", "member")):
        User.objects.create_user(f"{name}@acme.example", None, account, role)
    return account


@pytest.fixture
def lane(account: Account) -> Connection:
    return Connection.objects.create(
        account=account, vendor="salesforce", name="Acme org", url="https://x.example", org_id="00D1"
    )


def stop(lane: Connection, code: str = "unreachable", state: str = "connected") -> None:
    if lane_queries.hold(lane.account_id, lane.id, 5, code, f"{code}: no answer.", state):
        lane_queries.raise_alert(lane.account_id, lane.id, code, f"{code}: no answer.")


def go_on(lane: Connection) -> None:
    lane_queries.release(lane.account_id, lane.id)
    lane_queries.clear_alerts(lane.account_id, lane.id)


def pass_time(seconds: int) -> None:
    """Let all that has happened have happened so many seconds earlier."""
    from instep.store.statements import run

    for column in ("raised_at", "cleared_at"):
        run(f"UPDATE alert SET {column} = {column} - make_interval(secs => %s)", [seconds])


def told() -> list[str]:
    """Whom mails went to and what they are about, since the last look."""
    while mailing.tell_stops():
        pass
    said = [f"{mail.to[0].partition('@')[0]}: {mail.subject}" for mail in outbox.outbox]
    outbox.outbox.clear()
    return sorted(said)


STOPPED = [
    "ines: Acme org: nothing is written at the moment",
    "owner: Acme org: nothing is written at the moment",
]
OVER = ["ines: Acme org: works again", "owner: Acme org: works again"]


def test_a_stop_that_needs_a_person_is_told_at_once_and_once(lane: Connection) -> None:
    stop(lane, "reconnect", "reconnect")
    mailing.tell_stops()
    text = outbox.outbox[0].body
    assert "reconnect: no answer." in text
    assert f"https://book.acme.example/integrations/{lane.public_id}" in text
    assert "Guests book as always" in text
    assert told() == STOPPED
    pass_time(3600)
    assert told() == []


def test_a_stop_that_passes_is_not_told(lane: Connection) -> None:
    stop(lane)
    assert told() == []
    pass_time(500)
    assert told() == []
    go_on(lane)
    pass_time(500)
    assert told() == []


def test_a_long_stop_is_one_mail_whatever_its_causes_and_one_all_clear(lane: Connection) -> None:
    stop(lane, "unreachable")
    pass_time(700)
    assert told() == STOPPED
    for code in ("http_503", "timeout", "unreachable", "API_RESERVE"):
        stop(lane, code)
        pass_time(700)
        assert told() == [], code
    go_on(lane)
    assert told() == [], "it may come and go"
    stop(lane, "http_503")
    pass_time(700)
    assert told() == [], "the same stop"
    go_on(lane)
    pass_time(61)
    assert told() == OVER
    assert told() == []
    # the next one is another
    stop(lane, "unreachable")
    pass_time(700)
    assert told() == STOPPED


def test_each_connection_is_told_of_by_itself(account: Account, lane: Connection) -> None:
    other = Connection.objects.create(
        account=account, vendor="salesforce", name="Second org", url="https://y.example", org_id="00D2"
    )
    stop(lane)
    stop(other)
    pass_time(700)
    assert len(told()) == 4
    go_on(other)
    pass_time(61)
    assert told() == [line.replace("Acme", "Second") for line in OVER]


def test_a_person_who_disconnects_gets_no_all_clear(lane: Connection) -> None:
    stop(lane, "reconnect", "reconnect")
    assert told() == STOPPED
    Connection.objects.filter(id=lane.id).update(state="disabled")
    go_on(lane)
    pass_time(61)
    assert told() == []


def test_what_is_wrong_with_the_setup_is_no_stop(lane: Connection) -> None:
    Alert.objects.create(account=lane.account, connection=lane, code="setup:rights:Lead", message="x")
    pass_time(700)
    assert told() == []


def test_strict_mode_says_that_nothing_can_be_booked(lane: Connection) -> None:
    Connection.objects.filter(id=lane.id).update(settings={"config": {"strict": True}})
    stop(lane, "reconnect", "reconnect")
    mailing.tell_stops()
    assert "offer no times" in outbox.outbox[0].body
