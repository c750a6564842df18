"""The dashboard: is everything in step? How far, how fast, and what needs a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar

from attrs import frozen
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import formats, timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from instep.core.causes import SETUP, of_alert
from instep.engine.problems import Problem, holding
from instep.engine.warnings import known_warnings
from instep.store import dashboard_queries, item_queries, log_queries
from instep.store.alert_queries import OpenAlert, open_alerts
from instep.store.connection_queries import every_connection
from instep.store.credentials import CONNECTED, DISABLED
from instep.store.dashboard_queries import ConnectionCard, Day, RefusedFields
from instep.store.log_queries import ProblemGroup

DAYS = 14
#: what two weeks of logs say need not be asked every three seconds
_KEPT_FOR = 60
#: so many causes are listed; the sync log has all of them
_CAUSES = 5

Value = TypeVar("Value")


@frozen
class Charts:
    """Two weeks in bars, oldest day first. `calls` are API calls by connection key."""

    labels: Sequence[str]
    bookings: Sequence[int]
    seconds: Sequence[float | None]
    calls: dict[int, Sequence[int]]

    @property
    def any(self) -> bool:
        """True when there is a bar to show."""
        return any(self.bookings)


@frozen
class NeedsYou:
    """What only a person can cure."""

    causes: Sequence[ProblemGroup]
    refused: Sequence[RefusedFields]
    set_aside: int
    alerts: Sequence[OpenAlert]
    warned: Sequence[tuple[ConnectionCard, str]]
    #: connections that nothing holds, and that did not answer the last look as they should
    met: Sequence[tuple[ConnectionCard, Problem]] = ()

    @property
    def any(self) -> bool:
        """True when there is something to do."""
        return bool(self.causes or self.others)

    @property
    def others(self) -> int:
        """How many lines there are that are not about changes that were refused: those are counted themselves."""
        lists = (self.refused, self.alerts, self.warned, self.met)
        return sum(len(lines) for lines in lists) + bool(self.set_aside)

    def of(self, card: ConnectionCard) -> int:
        """How many of those others are about one connection."""
        told = [line.connection for line in (*self.refused, *self.alerts)]
        told += [of.id for of, _said in (*self.warned, *self.met)]
        return told.count(card.id)


@frozen
class Headline:
    """What the first line says: changes that are refused or wait, what else needs somebody, lanes that stand still.

    `lost` are the CRMs whose sign-in has to be renewed. Nothing is connected where both `connected` and they are none.
    """

    unwritten: int
    waiting: int
    needing: int
    lost: Sequence[str]
    paused: bool
    connected: int
    disconnected: bool

    @property
    def in_step(self) -> bool:
        """True only when nothing waits, neither for a CRM nor for somebody, and what comes now would be written."""
        waits = self.unwritten or self.waiting or self.needing
        return bool(self.connected and not waits and not self.lost and not self.paused)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The first page after signing in."""
    return redirect("dashboard")


@require_safe
@never_cache
def dashboard(request: HttpRequest) -> HttpResponse:
    """Everything at a glance; the page asks for itself every three seconds."""
    account_id = request.user.account_id
    cards = dashboard_queries.connection_cards(account_id)
    charts = charts_of(account_id)
    connections = every_connection(account_id)
    needs = needs_you(account_id, cards, connections)
    context: dict[str, Any] = {
        "cards": [(card, charts.calls.get(card.key), needs.of(card)) for card in cards],
        "headline": headline_of(cards, connections, needs),
        "speed": dashboard_queries.speed(account_id),
        "charts": charts,
        "needs": needs,
        "first_steps": dashboard_queries.first_steps(account_id),
        "address": request.get_full_path(),
    }
    return render(request, "web/dashboard/page.html", context)


def headline_of(
    cards: Sequence[ConnectionCard], connections: Sequence[Mapping[str, Any]], needs: NeedsYou
) -> Headline:
    """The first line, from what stands below it."""
    return Headline(
        unwritten=sum(card.problems for card in cards),
        waiting=sum(card.waiting for card in cards),
        needing=needs.others,
        lost=list(dict.fromkeys(card.vendor for card in cards if card.state != CONNECTED)),
        paused=any(card.state == CONNECTED and card.stands_still for card in cards),
        connected=len(cards),
        disconnected=any(row["state"] == DISABLED for row in connections),
    )


def needs_you(
    account_id: int, cards: Sequence[ConnectionCard], connections: Sequence[dict[str, Any]]
) -> NeedsYou:
    """Problems by cause, refused values, events that could not be used, and what the configuration will do."""
    groups = [group for group in log_queries.problem_groups(account_id, _CAUSES + 1) if not group.ignored]
    alerts = open_alerts(account_id, SETUP)
    told = tuple(f"{meant[1]}:" for alert in alerts if (meant := of_alert(alert.code)) and meant[1])
    warned = [
        (card, said) for card in cards for said in _warnings(account_id, card) if not said.startswith(told)
    ]
    return NeedsYou(
        groups,
        dashboard_queries.refused_fields(account_id),
        item_queries.count_set_aside(account_id),
        alerts,
        warned,
        _met(account_id, cards, connections),
    )


def _met(
    account_id: int, cards: Sequence[ConnectionCard], connections: Sequence[dict[str, Any]]
) -> list[tuple[ConnectionCard, Problem]]:
    """What the last look at a connection met, where no banner tells of it: nothing has had to be written since."""
    looked = {int(row["id"]): row for row in connections if (row["installed"] or {}).get("error")}
    going = [card for card in cards if card.key in looked and not card.stands_still]
    return [(card, problem) for card in going for problem in holding(account_id, looked[card.key])]


def charts_of(account_id: int) -> Charts:
    """The bars of the last days, in the reader's zone."""
    zone = timezone.get_current_timezone_name()
    today = timezone.localdate()
    shown = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    since = timezone.make_aware(datetime.combine(shown[0], time()))
    days: dict[date, Day] = _kept(
        f"days:{account_id}:{zone}:{today}", lambda: dashboard_queries.days(account_id, zone, since)
    )
    calls: dict[int, dict[date, int]] = _kept(
        f"calls:{account_id}:{zone}:{today}", lambda: dashboard_queries.calls_by_day(account_id, zone, since)
    )
    told = [days.get(day, Day(day)) for day in shown]
    return Charts(
        labels=[formats.date_format(day, "j M") for day in shown],
        bookings=[day.bookings for day in told],
        seconds=[day.median_seconds for day in told],
        calls={key: [by_day.get(day, 0) for day in shown] for key, by_day in calls.items()},
    )


def _warnings(account_id: int, card: ConnectionCard) -> list[str]:
    return _kept(f"warnings:{account_id}:{card.key}", lambda: known_warnings(account_id, card.key))


def _kept(name: str, ask: Callable[[], Value]) -> Value:
    """A value that this process asked for within the last minute."""
    value: Value = cache.get_or_set(f"dashboard:{name}", ask, _KEPT_FOR)
    return value
