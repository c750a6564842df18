"""The demo's CRMs: a stand-in of each, whose records stay in the demo's folder."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

#: CRM -> the file of its keys, the name of its file of records, and what a newcomer sees there
_CRMS = {
    "salesforce": ("standin.json", "the Lead and the Event"),
    "hubspot": ("standin-hubspot.json", "the contact and its meeting"),
}
CRMS = tuple(_CRMS)


@frozen
class Standin:
    """One stand-in: its address, and the keys of the app or token that signs in there."""

    vendor: str
    home: Path
    port: int
    keys: Mapping[str, str]

    @classmethod
    def at(cls, vendor: str, home: Path, port: int) -> Standin:
        """The stand-in of this folder; its keys are made on first use."""
        kept = home / _CRMS[vendor][0]
        if not kept.exists():
            made = {
                "client_id": secrets.token_hex(16),
                "client_secret": secrets.token_hex(24),
                "token": secrets.token_hex(24),
            }
            descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                json.dump(made, file)
        return cls(vendor, home, port, json.loads(kept.read_text()))

    @property
    def url(self) -> str:
        """Where it answers, for programs and for people."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def shows(self) -> str:
        """What appears there when somebody books."""
        return _CRMS[self.vendor][1]

    @property
    def entered(self) -> dict[str, str]:
        """What connects it without a person: a token where the CRM knows such a thing, else the app's secret."""
        names = ("token",) if self.vendor == "hubspot" else ("client_id", "client_secret")
        return {"url": self.url, **{name: self.keys[name] for name in names}}

    def child(self) -> Any:
        """The stand-in as a child of the supervisor."""
        from instep.ops.supervisor import Child, http_ready, instep_command

        data = str(self.home / f"standin-{self.vendor}.sqlite")
        return Child(
            self.vendor,
            instep_command("standin", self.vendor, "--quiet", "--port", str(self.port), "--data", data),
            {f"INSTEP_STANDIN_{name.upper()}": value for name, value in self.keys.items()},
            ready=http_ready(self.port, "/"),
        )


def standins(home: Path, ports: Sequence[int]) -> list[Standin]:
    """All of them, on these ports."""
    return [Standin.at(vendor, home, port) for vendor, port in zip(CRMS, ports, strict=True)]
