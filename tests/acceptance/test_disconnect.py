"""`instep disconnect` and connecting again: the setup, the links and everything in the CRM stay."""

from __future__ import annotations

from pathlib import Path

import oracle
from events import event, write
from standin_org import StandinOrg

from instep_process import InstepHome


def test_disconnecting_and_connecting_again_goes_on_and_doubles_nothing(
    connected: InstepHome, org: StandinOrg, tmp_path: Path
) -> None:
    home = connected
    first, later = event("BKNG-1"), event("BKNG-2")
    home.run("ingest", "oncehub", write(tmp_path / "first.jsonl", [first]))
    home.run("sync", "--wait", "--timeout", "300", timeout=90)
    done = home.json("disconnect", "salesforce")
    assert (done["revoked"], done["problem"]) == (True, "")
    assert org.client_secret not in str(done)

    again = home.run("disconnect", "salesforce", check=False)
    assert again.returncode == 2
    assert again.stderr.startswith("instep: No salesforce is connected.")
    calls = org.calls
    home.run("ingest", "oncehub", write(tmp_path / "later.jsonl", [later]))
    home.run("sync", "--wait", "--timeout", "300", timeout=60)
    assert org.calls == calls, "nothing is written to an org that is disconnected"

    made = home.json(*org.connect_arguments())
    assert (made["connection"], made["new"], made["bookings_marked"]) == (done["connection"], True, 2)
    home.run("sync", "--wait", "--timeout", "300", timeout=90)
    assert oracle.told(org) == oracle.expected([first, later], days=0)


def test_an_org_that_is_not_connected_is_no_reason_to_disconnect_another(connected: InstepHome) -> None:
    for arguments in (("salesforce", "--org", "00D000000000009"), ("hubspot",), ()):
        assert connected.run("disconnect", *arguments, check=False).returncode == 2
    states = {check["name"]: check["state"] for check in connected.json("doctor", check=False)["checks"]}
    assert [state for name, state in states.items() if name.startswith("salesforce")] == ["ok"]
