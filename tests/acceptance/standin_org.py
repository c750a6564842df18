"""A Salesforce stand-in as its own process, and the whole of what it holds in a form that can be compared."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2

from instep_process import InstepHome

OBJECTS = ("Account", "Case", "Contact", "Event", "Lead")
#: made by the org itself or at random: they differ between two orgs that say the same
_NOT_COMPARED = frozenset(
    {"Id", "CreatedDate", "LastModifiedDate", "SystemModstamp", "LastActivityDate", "Instep_Contact_Id__c"}
)
_USERS = frozenset({"OwnerId", "CreatedById", "LastModifiedById"})
Record = Mapping[str, Any]


class StandinOrg:
    """The org behind an address: orders to it, its records, and what it counted."""

    def __init__(self, base_url: str, client_id: str, client_secret: str) -> None:
        self.url = base_url
        self.client_id = client_id
        self.client_secret = client_secret

    @classmethod
    def start(cls, home: InstepHome, *options: str) -> StandinOrg:
        """Spawn `instep standin salesforce` on a free port and wait for the line that says where."""
        process = home.spawn("standin", "salesforce", "--port", "0", *options)
        log: Path = process.log  # type: ignore[attr-defined]
        ends = time.monotonic() + 30
        while time.monotonic() < ends:
            for line in log.read_text().splitlines():
                if line.startswith('{"base_url"'):
                    return cls(**json.loads(line))
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        raise AssertionError(f"The stand-in said nothing within 30 s: {log.read_text()}")

    def connect_arguments(self) -> tuple[str, ...]:
        """The command that connects this org."""
        return (
            "connect", "salesforce", "--grant", "client-credentials", "--url", self.url,
            "--client-id", self.client_id, "--client-secret", self.client_secret,
        )  # fmt: skip

    def order(self, what: str, body: Any = None, method: str = "POST") -> Any:
        """Give the org an order at its admin endpoint."""
        answer = httpx2.request(method, f"{self.url}/__fake__/{what}", json=body, timeout=120)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @property
    def calls(self) -> int:
        """API calls that count against the org's daily limit, since the start or the last clearing."""
        return int(self.order("calls", method="GET")["counted"])

    def writes(self) -> list[str]:
        """What was written or tried to be, in order: `create Lead ×3`, …"""
        verbs = ("create", "update", "upsert", "delete")
        told = [part for entry in self.order("journal", method="GET") for part in entry["summary"]]
        return [part for part in told if part.split()[0] in verbs]

    def records(self, name: str) -> list[Record]:
        """Every living record of an object, as stored."""
        return list(self.order(f"records?object={name}", method="GET")[name])

    def seed(self, name: str, **fields: Any) -> Record:
        """A record that was there before us."""
        return dict(self.order("records", {"object": name, "fields": fields}))

    def stamps(self) -> dict[str, Any]:
        """When each record was last touched: equal maps mean that nothing was written in between."""
        return {row["Id"]: row["SystemModstamp"] for name in OBJECTS for row in self.records(name)}

    def whole(self) -> dict[str, list[Record]]:
        """All records of all objects that a sync may write, without ids and stamps, people by their names."""
        stored = {name: self.records(name) for name in OBJECTS}
        names = {user["Id"]: user["Email"] for user in self.records("User")}
        people = {row["Id"]: row for name in ("Lead", "Contact") for row in stored[name]}
        for row in people.values():
            names[row["Id"]] = f"{row.get('Name')} <{row.get('Email', '')}>"
        for row in stored["Account"]:
            names[row["Id"]] = row["Name"]
        return {
            name: sorted((_told(row, names) for row in rows), key=lambda row: json.dumps(row, sort_keys=True))
            for name, rows in stored.items()
        }


def _told(row: Record, names: Mapping[str, str]) -> dict[str, Any]:
    told = {key: value for key, value in row.items() if key not in _NOT_COMPARED}
    for key, value in told.items():
        if key in _USERS or key in ("WhoId", "WhatId", "AccountId"):
            told[key] = names[value]
    return told
