"""The usual way: four requests for each booking, as connectors do that handle one booking at a time.

    GET query person by e-mail → GET query user by e-mail → POST Lead → POST Event

With a kept-alive connection, one booking after the other, and with several threads.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import httpx2
from attrs import frozen

from instep.bench.house import Org


@frozen
class Usual:
    """What the usual way cost: bookings written, API calls as the org counted them, and seconds."""

    bookings: int
    calls: int
    seconds: float

    @property
    def calls_per_1000(self) -> float:
        """Calls for a thousand bookings."""
        return self.calls / self.bookings * 1000

    @property
    def seconds_per_1000(self) -> float:
        """Seconds for a thousand bookings."""
        return self.seconds / self.bookings * 1000


def write(org: Org, events: Sequence[dict[str, Any]], threads: int) -> Usual:
    """Write these bookings one by one into an org without people, on so many threads with a connection each."""
    org.order("journal/clear")
    token = _sign_in(org)
    local = threading.local()
    clients: list[httpx2.Client] = []

    def one(event: dict[str, Any]) -> None:
        if not hasattr(local, "client"):
            local.client = httpx2.Client(
                base_url=f"{org.url}/services/data/v62.0/",
                headers={"Authorization": f"Bearer {token}"},
                timeout=60,
                trust_env=False,
            )
            clients.append(local.client)
        _write_one(local.client, event["data"])

    began = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, events))
    seconds = time.monotonic() - began
    for client in clients:
        client.close()
    written = org.count("Event")
    if written != len(events) or org.count("Lead") != len(events):
        raise AssertionError(f"the usual way wrote {written} of {len(events)} bookings")
    return Usual(len(events), org.calls, seconds)


def _sign_in(org: Org) -> str:
    form = {
        "grant_type": "client_credentials",
        "client_id": org.client_id,
        "client_secret": org.client_secret,
    }
    answer = httpx2.post(f"{org.url}/services/oauth2/token", data=form, trust_env=False)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def _write_one(client: httpx2.Client, booking: dict[str, Any]) -> None:
    form, host = booking["form_submission"], booking["owner"]
    first, _, last = form["name"].rpartition(" ")
    asked = f"SELECT Id FROM Lead WHERE Email = '{form['email']}' AND IsConverted = false"  # noqa: S608 - SOQL
    found = _query(client, asked)
    asked = f"SELECT Id FROM User WHERE Email = '{host['email']}' AND IsActive = true"  # noqa: S608 - SOQL
    owner = _query(client, asked)[0]["Id"]
    person = {
        "FirstName": first,
        "LastName": last,
        "Company": form["company"],
        "Email": form["email"],
        "MobilePhone": form["mobile_phone"],
        "OwnerId": owner,
    }
    lead = found[0]["Id"] if found else _create(client, "Lead", person)
    activity = {
        "Subject": booking["subject"],
        "Location": booking["virtual_conferencing"]["join_url"],
        "Description": f"Meeting with: {form['name']}, Note from customer: {form['note']}",
        "StartDateTime": booking["starting_time"],
        "DurationInMinutes": booking["duration_minutes"],
        "WhoId": lead,
        "OwnerId": owner,
    }
    _create(client, "Event", activity)


def _query(client: httpx2.Client, soql: str) -> list[dict[str, Any]]:
    answer = client.get("query?" + urlencode({"q": soql}))
    answer.raise_for_status()
    return list(answer.json()["records"])


def _create(client: httpx2.Client, name: str, fields: dict[str, Any]) -> str:
    answer = client.post(f"sobjects/{name}", json=fields)
    answer.raise_for_status()
    return str(answer.json()["id"])
