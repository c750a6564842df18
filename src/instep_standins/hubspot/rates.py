"""Limits: calls of one app in ten rolling seconds, searches of the account in a second, its calls in a day."""

from collections import deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from . import errors, seed, times
from .tokens import Grant

if TYPE_CHECKING:
    from .portal import Portal

INTERVAL = 10.0
_MARKETPLACE_BURST = 110

TEN_SECONDLY_ROLLING, SECONDLY, DAILY = "TEN_SECONDLY_ROLLING", "SECONDLY", "DAILY"
POLICIES = (TEN_SECONDLY_ROLLING, SECONDLY, DAILY)


class Rates:
    """What was called lately. Callers hold the portal's lock."""

    def __init__(self, portal: "Portal") -> None:
        self._portal = portal
        self._calls: dict[int, deque[float]] = {}
        self._searches: deque[float] = deque()

    def burst(self) -> int:
        settings = self._portal.settings
        return min(settings.burst, _MARKETPLACE_BURST) if settings.marketplace else settings.burst

    def count(self, grant: Grant, search: bool) -> None:
        """Count one call. Raises 429 with the policy that it breaks; what is refused is not counted."""
        now, settings = self._portal.seconds(), self._portal.settings
        self._turn_day()
        if not settings.marketplace and settings.dailyUsed >= settings.daily:
            raise self._refuse(DAILY)
        if search:
            _forget(self._searches, now - 1.0)
            if len(self._searches) >= settings.searchPerSecond:
                raise self._refuse(SECONDLY)
            self._searches.append(now)
        else:
            calls = self._calls.setdefault(grant.app_id, deque())
            _forget(calls, now - INTERVAL)
            if len(calls) >= self.burst():
                raise self._refuse(TEN_SECONDLY_ROLLING)
            calls.append(now)
        settings.dailyUsed += 1
        self._portal.touch("settings")

    def _refuse(self, policy: str) -> errors.ApiError:
        refused = errors.rate_limited(policy)
        if self._portal.settings.retryAfter:
            refused.headers["Retry-After"] = {SECONDLY: "1", TEN_SECONDLY_ROLLING: "10"}.get(
                policy, str(int((self._midnight() - self._portal.now()).total_seconds()) + 1)
            )
        return refused

    def _turn_day(self) -> None:
        """The daily counter starts again at midnight of the account's zone."""
        day, settings = (
            self._portal.now().astimezone(ZoneInfo(seed.TIME_ZONE)).strftime("%Y-%m-%d"),
            self._portal.settings,
        )
        if settings.dailyOf not in ("", day):
            settings.dailyUsed = 0
        settings.dailyOf = day

    def _midnight(self) -> datetime:
        local = self._portal.now().astimezone(ZoneInfo(seed.TIME_ZONE)) + timedelta(days=1)
        return local.replace(hour=0, minute=0, second=0, microsecond=0)

    def resets_at(self) -> str:
        return times.told(self._midnight())

    def headers(self, grant: Grant) -> dict[str, str]:
        """What an answer tells; nothing of the day to OAuth apps."""
        calls = self._calls.get(grant.app_id, deque())
        now, settings = self._portal.seconds(), self._portal.settings
        _forget(calls, now - INTERVAL)
        second = sum(1 for at in calls if at > now - 1.0)
        secondly = max(self.burst() // 10, 1)
        told = {
            "X-HubSpot-RateLimit-Max": self.burst(),
            "X-HubSpot-RateLimit-Remaining": max(self.burst() - len(calls), 0),
            "X-HubSpot-RateLimit-Interval-Milliseconds": int(INTERVAL * 1000),
            "X-HubSpot-RateLimit-Secondly": secondly,
            "X-HubSpot-RateLimit-Secondly-Remaining": max(secondly - second, 0),
        }
        if grant.expires is None:
            told["X-HubSpot-RateLimit-Daily"] = settings.daily
            told["X-HubSpot-RateLimit-Daily-Remaining"] = max(settings.daily - settings.dailyUsed, 0)
        return {name: str(value) for name, value in told.items()}


def _forget(calls: deque[float], before: float) -> None:
    while calls and calls[0] <= before:
        calls.popleft()
