"""What a new portal holds: its owners, no contacts and no meetings."""

from collections.abc import Iterator
from typing import Any

PORTAL_ID = 148_206_511
APP_ID = 9_120_334
PRIVATE_APP_ID = 9_120_335
USER_ID = 71_400_001
TIME_ZONE = "Europe/Copenhagen"
_OWNERS = (
    # (owner id, user id, first name, last name, email, active): the owner's id is never the user's
    (61_230_001, USER_ID, "Ada", "Admin", "admin@acme.example", True),
    (61_230_002, 71_400_002, "Greta", "Lindqvist", "greta.lindqvist@host.example", True),
    (61_230_003, 71_400_003, "Amara", "Okafor", "amara.okafor@host.example", True),
    (61_230_004, 71_400_004, "Nuno", "Reis", "nuno.reis@host.example", True),
    (61_230_005, 71_400_005, "Former", "Colleague", "former.colleague@host.example", False),
)
USER_EMAIL = _OWNERS[0][4]

_TICKET_STAGES = (("1", "New", "OPEN"), ("2", "Waiting on contact", "OPEN"), ("3", "Waiting on us", "OPEN"),
                  ("4", "Closed", "CLOSED"))  # fmt: skip
_DEAL_STAGES = (
    ("appointmentscheduled", "Appointment Scheduled", "0.2"), ("qualifiedtobuy", "Qualified To Buy", "0.4"),
    ("presentationscheduled", "Presentation Scheduled", "0.6"),
    ("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"), ("contractsent", "Contract Sent", "0.9"),
    ("closedwon", "Closed Won", "1.0"), ("closedlost", "Closed Lost", "0.0"),
)  # fmt: skip
_LIFECYCLE = ("subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer",
              "evangelist", "other")  # fmt: skip
# object type → [(pipeline, label, [(stage, label, metadata)])]
PIPELINES = {
    "tickets": [("0", "Support Pipeline", [
        (name, label, {"ticketState": state, "isClosed": str(state == "CLOSED").lower()})
        for name, label, state in _TICKET_STAGES])],
    "deals": [("default", "Sales Pipeline", [
        (name, label, {"probability": chance, "isClosed": str(chance in ("1.0", "0.0")).lower()})
        for name, label, chance in _DEAL_STAGES])],
    "contacts": [("contacts-lifecycle-pipeline", "Lifecycle Stage Pipeline", [
        (name, name.capitalize(), {}) for name in _LIFECYCLE])],
}  # fmt: skip


def owners(stamp: str) -> Iterator[dict[str, Any]]:
    for owner, user, first, last, email, active in _OWNERS:
        yield {
            "id": str(owner), "email": email, "firstName": first, "lastName": last, "type": "PERSON",
            "userId": user if active else None, "userIdIncludingInactive": user, "archived": not active,
            "createdAt": stamp, "updatedAt": stamp, "teams": [],
        }  # fmt: skip
