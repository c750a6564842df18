"""What the commands tell an admin: settings that are taken with a warning, items by name, records with links."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import yaml
from cryptography.fernet import Fernet
from events import event, write
from standin_org import StandinOrg

from instep_process import InstepHome

Home = InstepHome


def exported(home: Home) -> dict[str, Any]:
    """The configuration as the file that `config export` writes."""
    document: dict[str, Any] = yaml.safe_load(home.run("config", "export", "-").stdout)
    return document


def apply(home: Home, document: dict[str, Any], **options: Any) -> Any:
    return home.json("config", "apply", "-", stdin=yaml.safe_dump(document), **options)


def ingest(home: Home, folder: Path, *events: Any) -> dict[str, Any]:
    """Bring these events in step; what `sync --json` says."""
    home.run("ingest", "oncehub", write(folder / "events.jsonl", events))
    done: dict[str, Any] = home.json("sync", "--wait", "--timeout", "300", timeout=90)
    return done


def addresses(document: dict[str, Any]) -> dict[str, str]:
    """The address of each record and candidate by its id."""
    match = document["match"] or {"candidates": []}
    return {row["id"]: row["url"] for row in (*document["writes"], *match["candidates"])}


def test_a_hidden_field_forbids_no_other_setting(connected: Home, org: StandinOrg) -> None:
    """Its row stays, with a warning; a new row of a field that is missing is refused as before."""
    document = exported(connected)
    assert apply(connected, document) == {"applied": ["salesforce"], "warnings": []}
    org.order("fls", {"object": "Event", "field": "Location", "read": False, "edit": False})
    lead = document["salesforce"]["mapping"]["Lead"]
    document["salesforce"]["mapping"]["Lead"] = [
        row for row in lead if row["field"] not in ("Company", "Email")
    ]
    document["salesforce"]["mapping"]["Event"][0]["overwrite"] = True
    document["salesforce"]["always_write"] = True
    warned = [
        "Lead.Company: required and not mapped: new records get “Unspecified”.",
        "Lead.Email: not mapped: a new Lead will have no e-mail address.",
        "Event.Subject: Event rows always mirror the booking; Overwrite means nothing.",
        "Event.Location: missing or hidden, so it is left out of what is written.",
    ]
    assert apply(connected, document) == {"applied": ["salesforce"], "warnings": warned}
    told = connected.run("config", "apply", "-", stdin=yaml.safe_dump(document)).stdout.splitlines()
    assert told[0].startswith("Applied to salesforce")
    assert told[1:] == [f"Mind: {warning}" for warning in warned]
    kept = exported(connected)["salesforce"]
    assert kept["always_write"] is True
    assert "Location" in [row["field"] for row in kept["mapping"]["Event"]]
    checks = connected.json("doctor")["checks"]
    assert set(warned) <= {check["message"] for check in checks if check["state"] == "warn"}

    new = {"source": "contact.company", "field": "Acme_Tier__c", "overwrite": False, "fallback": None}
    document["salesforce"]["mapping"]["Lead"].append(new)
    refused = apply(connected, document, check=False)["error"]
    assert "mapping.Lead.Acme_Tier__c: " in refused["message"]
    assert "Location" not in refused["message"]


def test_an_item_that_needs_somebody_is_named_as_people_know_it(
    connected: Home, org: StandinOrg, tmp_path: Path
) -> None:
    """Kind and the booking's own id, in JSON and in text: what `receipt` and `plan` take."""
    rule = {"object": "Lead", "field": "Email", "equals": "bkng-one@guest.example"}
    code = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    org.order("faults", {"kind": "row", "times": None, "match": rule, "errorCode": code, "message": "Never."})
    done = ingest(connected, tmp_path, event("BKNG-ONE"), event("BKNG-TWO"))
    assert done["errors"] == [{"kind": "booking", "id": "BKNG-ONE", "code": code, "message": "Never."}]
    assert f"booking BKNG-ONE: {code}: Never." in connected.run("sync").stdout.splitlines()
    [receipt] = connected.json("receipt", done["errors"][0]["id"])["receipts"]
    assert receipt["error"]["code"] == code


def test_plan_and_receipt_lead_to_the_records(connected: Home, org: StandinOrg, tmp_path: Path) -> None:
    """Every record and candidate has its address, new ones none; lost tokens and keys cost the links only."""
    seeded = org.seed("Lead", FirstName="Ada", LastName="Byron", Company="Old", Email="ada@guest.example")
    older = org.seed("Contact", FirstName="Ada", LastName="Byron", Email="ada@guest.example")
    one = event("BKNG-ONE", form={"email": "ada@guest.example"})
    connected.run("ingest", "oncehub", write(tmp_path / "events.jsonl", [one]))
    planned = addresses(connected.json("plan", "BKNG-ONE"))
    assert set(planned) == {seeded["Id"], older["Id"], ""}
    assert planned.pop("") == "", "what is not there yet has no address"
    assert all(url.startswith("http") and record_id in url for record_id, url in planned.items())
    assert planned[seeded["Id"]] in connected.run("plan", "BKNG-ONE").stdout

    assert connected.json("sync", "--wait", "--timeout", "300", timeout=90)["errors"] == []
    [meeting] = org.records("Event")
    [receipt] = connected.json("receipt", "BKNG-ONE")["receipts"]
    links = addresses(receipt)
    assert set(links) == {seeded["Id"], older["Id"], meeting["Id"]}
    assert all(record_id in url for record_id, url in links.items())
    said = connected.run("receipt", "BKNG-ONE").stdout
    assert links[meeting["Id"]] in said
    assert links[seeded["Id"]] in said

    without_links(connected)
    with psycopg.connect(connected.database_url) as database:
        database.execute("UPDATE connection SET tokens = ''::bytea")
    without_links(connected, still=True)


def without_links(home: Home, still: bool = False) -> None:
    """The receipt is told without links where the keys or, `still`, the tokens are lost."""
    kept = dict(home.env)
    if not still:
        home.env["INSTEP_SECRET_KEYS"] = Fernet.generate_key().decode()
    [receipt] = home.json("receipt", "BKNG-ONE")["receipts"]
    assert set(addresses(receipt).values()) == {""}
    assert "http" not in home.run("receipt", "BKNG-ONE").stdout.replace("https://meet.example.org", "")
    if not still:
        lost = home.json("plan", "BKNG-ONE", check=False)["error"]
        assert "encrypted with a key that this installation no longer has" in lost["message"]
    home.env.clear()
    home.env.update(kept)


def test_a_small_burst_is_one_batch_whatever_may_be_in_flight(
    connected: Home, org: StandinOrg, tmp_path: Path
) -> None:
    """With four batches in flight 25 new bookings cost two calls, and 400 of 90 people double nobody."""
    connected.run("config", "apply", "-", stdin=yaml.safe_dump({"salesforce": {"batches_in_flight": 4}}))
    org.order("journal/clear")
    assert (
        ingest(connected, tmp_path, *(event(f"BKNG-{n:03d}") for n in range(25)))["calls"] == org.calls == 2
    )
    org.order("journal/clear")
    crowd = [event(f"BKNG-X{n:03d}", form={"email": f"p{n % 90}@guest.example"}) for n in range(400)]
    done = ingest(connected, tmp_path, *crowd)
    assert (done["waiting"], done["problems"]) == (0, 0)
    assert done["calls"] == org.calls == 8
    assert len(org.records("Event")) == 425
    assert len(org.records("Lead")) == 25 + 90
