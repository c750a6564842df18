"""Bookings as their source tells them: a life from scheduled to its end, each step one OnceHub event."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from oncehub_events import envelope, form

GRETA = "greta.lindqvist@host.example"
AMARA = "amara.okafor@host.example"
NUNO = "nuno.reis@host.example"
#: hosts with a user of their own in the stand-in org
HOSTS = (GRETA, AMARA, NUNO)

#: Meetings lie a week ahead of the day the tests run, never in what an org has archived.
DAY = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=7)
TOLD = DAY - timedelta(days=8)

_numbers = itertools.count(1)


def wire(at: datetime) -> str:
    """A moment as OnceHub and Salesforce write it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


class Life:
    """One booking. Each step returns its event's raw bytes and is remembered in `told`, a minute after the last.

    `person` is the guest's form; `host` an address; `start` the meeting's start.
    """

    def __init__(
        self,
        booking_id: str,
        *,
        person: Mapping[str, Any],
        host: str = GRETA,
        start: datetime = DAY,
        minutes: int = 30,
        **data: Any,
    ) -> None:
        self.id = booking_id
        self.person = dict(person)
        self.host = host
        self.start = start
        self.minutes = minutes
        self.data = data
        self.status = "scheduled"
        self.change: dict[str, Any] | None = None
        self.told: list[bytes] = []
        self._minute = next(_numbers) % 500

    def step(self, kind: str, status: str, *, reason: str | None = None, by: str = "user") -> bytes:
        """Tell one transition; `reason` None leaves out the block that cancels and reschedules carry."""
        self.status = status
        if reason is not None:
            self.change = {"reason": reason, "actioned_by": by, "user_id": "USR-1"}
        at = TOLD + timedelta(minutes=self._minute, hours=len(self.told))
        event = envelope(f"EVNT-{self.id}-{next(_numbers)}", kind, at, **self._booking())
        raw = json.dumps(event).encode()
        self.told.append(raw)
        return raw

    def _booking(self) -> dict[str, Any]:
        calendar = {"type": "google", "name": self.host, "id": self.host, "event_id": f"g-{self.id}"}
        return {
            "id": self.id,
            "tracking_id": self.id,
            "status": self.status,
            "creation_time": wire(TOLD),
            "starting_time": wire(self.start),
            "duration_minutes": self.minutes,
            "attendees": [self.host, self.person.get("email") or ""],
            "form_submission": self.person,
            "external_calendar": calendar,
            "cancel_reschedule_information": self.change,
            "virtual_conferencing": {"join_url": f"https://meet.example.org/{self.id.lower()}"},
            **self.data,
        }

    def scheduled(self) -> bytes:
        return self.step("scheduled", "scheduled")

    def rescheduled(self, start: datetime, reason: str = "") -> bytes:
        self.start = start
        return self.step("rescheduled", "rescheduled", reason=reason)

    def canceled(self, reason: str = "") -> bytes:
        return self.step("canceled", "canceled", reason=reason)

    def completed(self) -> bytes:
        return self.step("completed", "completed")

    def no_show(self) -> bytes:
        return self.step("no_show", "no_show")

    def reassigned(self, host: str) -> bytes:
        self.host = host
        return self.step("reassigned", self.status)


def guest(name: str, **changes: Any) -> dict[str, Any]:
    """A guest's form: the address is made of the name."""
    address = f"{'.'.join(name.lower().split())}@guest.example"
    filled = {"name": name, "email": address, "mobile_phone": None, "phone": None, "guests": [], **changes}
    return form(**filled)


_GIVEN = ("Ada", "Bo", "Chen", "Dilek", "Emeka", "Freya", "Gita", "Hugo", "Ines", "Jun")
_FAMILY = ("Aalto", "Berg", "Castro", "Dahl", "Eze", "Fonseca", "Gupta", "Holm", "Ito", "Jansen")


def lives(count: int, prefix: str = "BKNG") -> list[Life]:
    """Bookings of as many different people, half an hour apart, their hosts in turn."""
    return [
        Life(
            f"{prefix}-{n:04d}",
            person=guest(
                f"{_GIVEN[n % 10]} {_FAMILY[n // 10 % 10]}",
                email=f"guest{n:04d}.{prefix.lower()}@guest.example",
                phone=f"+4531{n:06d}",
                company=f"Company {n % 7}",
            ),
            host=HOSTS[n % 3],
            start=DAY + timedelta(minutes=30 * n),
        )
        for n in range(count)
    ]


def scheduled(these: Sequence[Life]) -> list[bytes]:
    """The first event of each."""
    return [life.scheduled() for life in these]
