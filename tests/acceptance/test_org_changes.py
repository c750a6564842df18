"""An org that changes under a connection: what was described before is described anew when a write shows it."""

from __future__ import annotations

import pytest
from page import EMAIL, Page, open_page

from faults.scene import Scene


@pytest.fixture
def page(scene: Scene) -> Page:
    return open_page(scene)


def test_person_accounts_switched_on_after_connecting(scene: Scene, page: Page) -> None:
    """The first write that meets one has the org described anew, and goes through in the same run."""
    scene.configure(person_object="Contact")
    scene.fake.order("POST", "features", {"personAccounts": True})
    who = {"FirstName": "Ada", "LastName": "Aalto", "PersonEmail": EMAIL}
    types = scene.fake.records()["RecordType"]
    kind = next(row["Id"] for row in types if row.get("IsPersonType"))
    scene.fake.seed("Account", **who, RecordTypeId=kind)
    page.ask(mobile_phone="+358401234567")
    scene.drain()
    assert scene.pending() == 0
    [account] = page.whole()["Account"]
    assert (account["PersonEmail"], account["PersonMobilePhone"]) == (EMAIL, "+358401234567")
    [row] = page.whole()["Event"]
    assert row["WhoId"] == f"Contact {EMAIL} Ada Aalto"
    assert scene.problems() == []
    assert scene.rows("SELECT count(*) FROM field_quarantine")[0][0] == 0
