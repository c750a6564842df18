"""Put into a demo what its pages need to show: run in the demo's own environment, `python furnish.py HOME`.

Prints what the addresses of the pages are made of, as one JSON object of texts (`Site.facts`).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from instep.ops.boot import boot

#: who signs in with a second step
GUARDED = "guarded@instep.example"
PATIENCE = 30.0


def main(home: Path, password: str) -> None:
    """Furnish the account of this home and print the facts."""
    with boot(home):
        from instep.bookings.accounts import create_admin, ensure_account

        account = ensure_account()
        secret = _second_step(create_admin(account, GUARDED, password))
        facts = {"secret": secret, **_meetings(account.id), **_person(account.id), **_of_the_demo(account.id)}
        facts["property"] = _property(account.id)
    print(json.dumps(facts))


def _second_step(user: Any) -> str:
    """Turn two-step sign-in on; the secret of the app."""
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    secret = str(generate_totp_secret())
    TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    return secret


def _meetings(account_id: int) -> dict[str, str]:
    """A meeting made here, with a receipt, and a request that the host has not answered."""
    from instep.bookings import calendars, hosting
    from instep.bookings.manage import token_of
    from instep.core.booking_calendar import Rules, WeeklyHours

    now = datetime.now(UTC)
    always = WeeklyHours("Europe/Lisbon", tuple((day, 0, 1440) for day in range(7)))
    host = hosting.create_host(account_id, "Teresa Vaz", "teresa.vaz@host.example", always, now)
    rules = Rules(durations=(30,), min_notice=0, approval=True)
    on_request = calendars.create(account_id, "Talk on request", "on-request", rules, [host], True)
    demo = calendars.by_slug("product-demo")
    assert demo is not None
    made = _book(account_id, demo[1], "Mara Furnished", now)
    asked = _book(account_id, on_request, "Rita Requests", now)
    receipt = _eventually(lambda: _receipt(account_id, made.key, "salesforce"))
    in_hubspot = _eventually(lambda: _receipt(account_id, made.key, "hubspot"))
    return {
        "host": host,
        "calendar": on_request.id,
        "made": str(made.key),
        "asked": str(asked.key),
        "made_receipt": str(receipt),
        "hubspot_receipt": str(in_hubspot),
        "token": token_of(made.id),
    }


def _book(account_id: int, calendar: Any, name: str, now: datetime) -> Any:
    from instep.bookings import commands, slots
    from instep.core.booking import Guest

    duration = calendar.rules.durations[0]
    first, last = now + timedelta(days=2), now + timedelta(days=12)
    start = next(iter(slots.offered(account_id, calendar, duration, first, last, now)))
    address = f"{name.split()[0].lower()}@guest.example"
    wish = commands.Wish(
        calendar=calendar,
        start=start,
        duration=duration,
        guest=Guest(name=name, email=address, company="Furnished Lda"),
        time_zone="Europe/Lisbon",
        answers={},
        utm={},
        key=f"the form of {address}",
        base_url="http://127.0.0.1",
    )
    return commands.book(account_id, wish, now)


def _person(account_id: int) -> dict[str, str]:
    """A contact that was edited, with the receipt of the edit."""
    from instep.bookings import contacts
    from instep.store import page_queries, queries
    from instep.store.models import Contact

    found = Contact.objects.filter(account_id=account_id, email_key="mara@guest.example").get()
    contacts.edit(account_id, found.public_id, {"mobile_phone": "+351912000222"}, datetime.now(UTC))

    def written() -> int | None:
        receipts = page_queries.list_receipts(account_id, found.id, kind=queries.CONTACT)
        return receipts[0].id if receipts else None

    return {"contact": found.public_id, "contact_receipt": str(_eventually(written))}


def _of_the_demo(account_id: int) -> dict[str, str]:
    """An example booking of the demo that came from elsewhere, and the connections."""
    from instep.store.models import Booking, Calendar

    came = Booking.objects.filter(account_id=account_id, source="oncehub", in_trash=False).order_by("id")
    known = next((row.id, receipt) for row in came if (receipt := _receipt(account_id, row.id, "salesforce")))
    return {
        "booking": str(known[0]),
        "known_calendar": Calendar.objects.filter(account_id=account_id, source="oncehub")[0].source_id,
        "receipt": str(known[1]),
        "connection": _connection(account_id, "salesforce"),
        "hubspot": _connection(account_id, "hubspot"),
    }


def _connection(account_id: int, vendor: str) -> str:
    from instep.store.models import Connection

    return str(Connection.objects.get(account_id=account_id, vendor=vendor).public_id)


def _property(account_id: int) -> str:
    """A property that an admin made, and an archived one beside it."""
    from instep.bookings import properties
    from instep.store.property_queries import archive_property

    archive_property(account_id, properties.create(account_id, "Contact", "Fax", "fax", "phone"), True)
    return str(properties.create(account_id, "Contact", "Head count", "head_count", "number"))


def _receipt(account_id: int, key: int, vendor: str) -> int | None:
    from instep.store import page_queries

    receipts = page_queries.list_receipts(account_id, key, _connection(account_id, vendor), limit=1)
    return receipts[0].id if receipts else None


def _eventually(look: Callable[[], int | None]) -> int:
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        found = look()
        if found is not None:
            return found
        time.sleep(0.1)
    raise TimeoutError(f"not there after {PATIENCE} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
