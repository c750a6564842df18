"""Existing Leads, Overwrite off and on, a fallback, and a field that the org requires and nobody mapped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from events import HOST, OTHER_HOST, event, write
from standin_org import StandinOrg

from instep_process import InstepHome

OWNER = "nuno.reis@host.example"
REQUIRED = "Budget__c"


def seed(org: StandinOrg) -> None:
    """Three people whom the org knew before us, owned by somebody who hosts none of the meetings."""
    users = {user["Email"]: user["Id"] for user in org.records("User")}
    # An integer field that nobody mapped; required from the start, but for these older Leads.
    org.order("field", {"object": "Lead", "field": REQUIRED, "create": {"type": "double", "length": 0,
              "label": "Budget", "precision": 18, "scale": 0, "nillable": False}})  # fmt: skip
    common = {"OwnerId": users[OWNER], "Status": "Working - Contacted", REQUIRED: 7}
    org.seed("Lead", FirstName="Ada", LastName="Lovelace", Company="Old Ltd", Email="full@guest.example",
             Phone="1111", Title="Countess", **common)  # fmt: skip
    org.seed("Lead", LastName="Nobody", Company="Old Ltd", Email="sparse@guest.example", **common)


def booked() -> list[dict[str, Any]]:
    """One booking of each known person, and one of somebody new who leaves most of the form empty."""
    said = {"phone": "+12125550123", "company": "New Ltd"}
    return [
        event("BKNG-FULL", form={"email": "Full@Guest.example", "name": "Ada King", **said}),
        event("BKNG-SPARSE", form={"email": "sparse@guest.example", "name": "Ada King", **said}),
        event(
            "BKNG-NEW",
            host=OTHER_HOST,
            form={"email": "new@guest.example", "name": "Prince", "company": None},
        ),
    ]


def row(
    source: str | None, field: str, overwrite: bool = False, fallback: str | None = None
) -> dict[str, Any]:
    """One mapping row as the configuration file holds it."""
    return {"source": source, "field": field, "overwrite": overwrite, "fallback": fallback}


def configuration(overwrite: bool) -> dict[str, Any]:
    """Company has a fallback, Title is a fixed text; Overwrite for all rows or for none."""
    rows = [
        row("contact.first_name", "FirstName", overwrite),
        row("contact.last_name", "LastName", overwrite),
        row("contact.company", "Company", overwrite, "Private person"),
        row("contact.email", "Email", overwrite),
        row("contact.phone", "Phone", overwrite),
        row(None, "Title", overwrite, "Guest"),
    ]
    return {"salesforce": {"new_contacts": "Lead", "mapping": {"Lead": rows}}}


def people(org: StandinOrg) -> dict[str, dict[str, Any]]:
    """Every Lead by its address, with what a human would look at."""
    fields = ("FirstName", "LastName", "Company", "Phone", "Title", "Status", "OwnerId", REQUIRED)
    whole = org.whole()
    assert whole["Contact"] == whole["Account"] == whole["Case"] == []
    return {lead["Email"].lower(): {name: lead.get(name) for name in fields} for lead in whole["Lead"]}


def told_changes(home: InstepHome, booking: str, name: str) -> dict[str, dict[str, Any]]:
    """The lines of a booking's receipt about one object, by field."""
    [receipt] = home.json("receipt", booking)["receipts"]
    return {
        change["field"]: change
        for write in receipt["writes"]
        if write["object"] == name
        for change in write["changes"]
    }


def lead(**values: Any) -> dict[str, Any]:
    """A Lead as `people` shows it."""
    fields = ("FirstName", "LastName", "Company", "Phone", "Title", "Status", "OwnerId", REQUIRED)
    return {**dict.fromkeys(fields), "Status": "Working - Contacted", "OwnerId": OWNER, REQUIRED: 7, **values}


NEW = lead(LastName="Prince", Company="Private person", Title="Guest", Status="Open - Not Contacted",
           OwnerId=OTHER_HOST, Budget__c=0)  # fmt: skip


def run(home: InstepHome, org: StandinOrg, folder: Path, overwrite: bool) -> None:
    """Connect, configure, ingest and bring the org in step, all by the command line."""
    seed(org)
    home.run(*org.connect_arguments(), "--install")
    config = folder / "instep.yaml"
    config.write_text(yaml.safe_dump(configuration(overwrite)))
    home.run("config", "apply", str(config))
    home.run("ingest", "oncehub", write(folder / "events.jsonl", booked()))
    done = home.json("sync", "--wait", "--timeout", "300", timeout=90)
    assert (done["waiting"], done["errors"]) == (0, [])
    assert {e["WhoId"].partition("<")[2].lower() for e in org.whole()["Event"]} == {
        "full@guest.example>", "sparse@guest.example>", "new@guest.example>",
    }  # fmt: skip
    assert {e["OwnerId"] for e in org.whole()["Event"]} == {HOST, OTHER_HOST}


def test_with_overwrite_off_only_what_is_empty_is_filled(
    instep_home: InstepHome, org: StandinOrg, tmp_path: Path
) -> None:
    """Existing values and owners stay; the receipt says of each value why it was written or kept."""
    run(instep_home, org, tmp_path, overwrite=False)
    assert people(org) == {
        "full@guest.example": lead(
            FirstName="Ada", LastName="Lovelace", Company="Old Ltd", Phone="1111", Title="Countess"
        ),
        "sparse@guest.example": lead(
            FirstName=None, LastName="Nobody", Company="Old Ltd", Phone="+12125550123", Title="Guest"
        ),
        "new@guest.example": NEW,
    }
    kept = told_changes(instep_home, "BKNG-FULL", "Lead")
    assert {name: line["verdict"] for name, line in kept.items() if name in ("LastName", "Company", "Phone")} == {
        "LastName": "keep", "Company": "keep", "Phone": "keep",
    }  # fmt: skip
    made = told_changes(instep_home, "BKNG-NEW", "Lead")
    assert made["Company"]["rule"].startswith("fallback")
    assert made["Company"]["new"] == "Private person"
    assert "required field" in made[REQUIRED]["rule"]
    assert made[REQUIRED]["new"] == 0
    assert OTHER_HOST in made["OwnerId"]["rule"]
    [receipt] = instep_home.json("receipt", "BKNG-SPARSE")["receipts"]
    assert [c["chosen"] for c in receipt["match"]["candidates"]] == [True]


def test_with_overwrite_on_the_guests_word_wins_and_a_blank_never_erases(
    instep_home: InstepHome, org: StandinOrg, tmp_path: Path
) -> None:
    """Also: the exported configuration, applied again, writes nothing."""
    run(instep_home, org, tmp_path, overwrite=True)
    known = lead(FirstName="Ada", LastName="King", Company="New Ltd", Phone="+12125550123")
    assert people(org) == {
        # a fixed text is a fallback: it fills what is empty and never replaces a value
        "full@guest.example": {**known, "Title": "Countess"},
        "sparse@guest.example": {**known, "Title": "Guest"},
        "new@guest.example": NEW,
    }
    changes = told_changes(instep_home, "BKNG-FULL", "Lead")
    assert (changes["LastName"]["old"], changes["LastName"]["new"]) == ("Lovelace", "King")
    assert changes["Title"]["verdict"] == "keep"

    exported = tmp_path / "exported.yaml"
    instep_home.run("config", "export", str(exported))
    document = yaml.safe_load(exported.read_text())
    assert document["salesforce"]["mapping"]["Lead"] == configuration(True)["salesforce"]["mapping"]["Lead"]
    instep_home.run("config", "apply", str(exported))
    org.order("journal/clear")
    assert instep_home.json("sync", "--wait", "--timeout", "300", timeout=90)["writes"] == 0
    assert org.writes() == []


def test_a_wrong_configuration_is_refused_whole_with_every_fault_named(
    connected: InstepHome, tmp_path: Path
) -> None:
    """One line, each fault with its place, exit code 2, and nothing changed."""
    wrong = configuration(overwrite=False)
    wrong["salesforce"]["mapping"]["Lead"] += [
        row("contact.shoe_size", "Title"),
        row("contact.name", "Nonsense__c"),
    ]
    wrong["salesforce"]["new_contacts"] = "Opportunity"
    wrong["salesforce"]["colour"] = "blue"
    path = tmp_path / "wrong.yaml"
    before = connected.run("config", "export", "-").stdout
    for document in (wrong, {**wrong, "salesforce": {**wrong["salesforce"], "colour": None}}):
        path.write_text(yaml.safe_dump(document))
        done = connected.run("config", "apply", str(path), check=False)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert "colour" in done.stderr
    del wrong["salesforce"]["colour"]
    path.write_text(yaml.safe_dump(wrong))
    said = connected.json("config", "apply", str(path), check=False)["error"]
    assert said["code"] == "CONFIG"
    for fault in ("Opportunity", "shoe_size", "Nonsense__c", "Lead.Title: mapped twice"):
        assert fault in said["message"]
    for text in ("- a\n- b\n", "a: [", "hubspot: {}\n", ""):
        path.write_text(text)
        done = connected.run("config", "apply", str(path), check=False)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), (text, done.stderr)
    assert connected.run("config", "export", "-").stdout == before
