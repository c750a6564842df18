"""Unmodified clients that others wrote: they judge whether the stand-in answers as the real one does."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce, SFType
from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceMoreThanOneRecord

from standins.conftest import START
from standins.sf import Client
from standins.test_rights import KEY, PUBLIC

HERE = Path(__file__).parent
NODE_BIN = Path(sys.executable).parent
NPM_FOLDER = HERE / "npm"
CACHE = HERE.parents[1] / "node_modules" / ".instep-standin-clients"
_INSTALL_SECONDS = 150

LEAD = {"LastName": "Ångström", "Company": "Nordlys", "Email": "a'b@mail.example"}
EVENT = {"StartDateTime": "2026-10-05T08:00:00Z", "EndDateTime": "2026-10-05T08:30:00Z"}
BOOKING = "Instep_Booking_Id__c"


class _OnLoopback(HTTPAdapter):
    """simple-salesforce speaks https to every host; here it is led to the stand-in's plain port."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self._base_url = base_url

    def send(self, request: requests.PreparedRequest, **more: Any) -> requests.Response:
        request.url = re.sub(r"^https://[^/]+", self._base_url, str(request.url))
        return super().send(request, **more)


@pytest.fixture
def simple(sf: Client) -> Salesforce:
    """simple-salesforce, signed in by client credentials."""
    session = requests.Session()
    session.mount("https://", _OnLoopback(str(sf.http.base_url).rstrip("/")))
    return Salesforce(
        consumer_key=sf.org.client_id,
        consumer_secret=sf.org.client_secret,
        instance_url="https://acme.my.salesforce.com",
        session_id=sf.http.headers["Authorization"].removeprefix("Bearer "),
        session=session,
        version="68.0",
    )


def test_simple_salesforce_writes_and_reads(sf: Client, simple: Salesforce) -> None:
    sf.install()
    described = simple.Lead.describe()
    assert described["name"] == "Lead"
    made = simple.Lead.create(LEAD)
    assert simple.Lead.update(made["id"], {"Title": "CTO"}) == 204
    assert simple.Lead.get(made["id"])["Title"] == "CTO"
    found = simple.query("SELECT Id, Name, Owner.Name FROM Lead WHERE Email = 'a\\'b@mail.example'")
    assert (found["totalSize"], found["records"][0]["Owner"]["Name"]) == (1, "Integration User")
    event: SFType = simple.Event
    assert event.upsert(f"{BOOKING}/B-1", EVENT) == 201
    assert event.upsert(f"{BOOKING}/B-1", {"Subject": "x"}) == 200
    assert event.get_by_custom_id(BOOKING, "B-1")["Subject"] == "x"
    assert simple.Lead.delete(made["id"]) == 204
    assert (
        simple.query_all("SELECT Id FROM Lead WHERE IsDeleted = true", include_deleted=True)["totalSize"] == 1
    )
    assert simple.api_usage["api-usage"].total == 15000


def test_simple_salesforce_pages_collections_and_composites(sf: Client, simple: Salesforce) -> None:
    records = [{"attributes": {"type": "Lead"}, **LEAD, "LastName": f"L{n}"} for n in range(200)]
    rows = simple.restful("composite/sobjects", method="POST", json={"records": records})
    assert all(row["success"] for row in rows)
    headers = {"Sforce-Query-Options": "batchSize=200"}
    simple.Lead.create(LEAD)
    assert len(list(simple.query_all_iter("SELECT Id FROM Lead", headers=headers))) == 201
    assert simple.limits()["DailyApiRequests"]["Max"] == 15000


def test_simple_salesforce_understands_refusals(sf: Client, simple: Salesforce) -> None:
    with pytest.raises(SalesforceMalformedRequest) as refused:
        simple.Lead.create({"LastName": "x"})
    assert refused.value.content[0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    for _ in range(2):
        simple.Lead.create(LEAD)
    with pytest.raises(SalesforceMoreThanOneRecord):
        simple.Lead.upsert("Email/a'b@mail.example", {"Title": "x"})


def test_simple_salesforce_signs_in_with_a_key_of_its_own(sf: Client) -> None:
    """JWT bearer as the client builds it: its claims, its signature, login.salesforce.com as the audience."""
    user = "integration@acme.example"
    sf.fake("settings", {"jwtCertificate": PUBLIC, "preAuthorised": [user], "clock": time.time() - START})
    session = requests.Session()
    session.mount("https://", _OnLoopback(str(sf.http.base_url).rstrip("/")))
    key = KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    client = Salesforce(
        username=user, consumer_key=sf.org.client_id, privatekey=key, session=session, version="68.0"
    )
    assert client.query("SELECT Name FROM User WHERE Username = 'integration@acme.example'")["totalSize"] == 1


def test_simple_salesforce_reads_the_setup(sf: Client, simple: Salesforce) -> None:
    made = sf.fake("record-types", {"object": "Lead", "name": "Partner", "values": {"Rating": ["Hot"]}})
    sf.fake(
        "validation-rules",
        {"object": "Lead", "name": "Title", "formula": "ISBLANK(Title)", "message": "A title."},
    )
    types = {one["developerName"]: one for one in simple.Lead.describe()["recordTypeInfos"]}
    assert types["Partner"]["recordTypeId"] == made["Id"]
    values = simple.restful(f"ui-api/object-info/Lead/picklist-values/{made['Id']}/Rating")["values"]
    assert [value["value"] for value in values] == ["Hot"]
    found = simple.toolingexecute(
        "query", params={"q": "SELECT ValidationName FROM ValidationRule WHERE Active = true"}
    )
    assert [row["ValidationName"] for row in found["records"]] == ["Title"]
    with pytest.raises(SalesforceMalformedRequest) as refused:
        simple.Lead.create(LEAD)
    assert refused.value.content == [
        {"message": "A title.", "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "fields": []}
    ]


def test_simple_salesforce_meets_a_duplicate(sf: Client, simple: Salesforce) -> None:
    sf.fake("duplicate-rules", {"object": "Lead"})
    made = simple.Lead.create(LEAD)
    with pytest.raises(SalesforceMalformedRequest) as refused:
        simple.Lead.create(LEAD)
    [error] = refused.value.content
    assert error["errorCode"] == "DUPLICATES_DETECTED"
    assert error["duplicateResut"]["matchResults"][0]["matchRecords"][0]["record"]["Id"] == made["id"]
    saved = simple.Lead.create(LEAD, headers={"Sforce-Duplicate-Rule-Header": "allowSave=true"})
    assert saved["success"]


def _trusting_this_machine() -> dict[str, str]:
    """npm trusts the machine's own certificates too: behind a proxy the ones that Node brings know nobody."""
    own = Path("/etc/ssl/certs/ca-certificates.crt")
    return {**({"NODE_EXTRA_CA_CERTS": str(own)} if own.exists() else {}), **os.environ}


def _npm_folder() -> Path:
    """Where the pinned npm packages are; installs them on first use, one test process at a time."""
    CACHE.mkdir(parents=True, exist_ok=True)
    wanted = (NPM_FOLDER / "package-lock.json").read_text("utf-8")
    done = CACHE / "installed.json"
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_text("utf-8") != wanted:
            for name in ("package.json", "package-lock.json", ".npmrc"):
                (CACHE / name).write_text((NPM_FOLDER / name).read_text("utf-8"), "utf-8")
            run = subprocess.run(
                [NODE_BIN / "npm", "ci"],
                cwd=CACHE,
                env=_trusting_this_machine(),
                capture_output=True,
                text=True,
                timeout=_INSTALL_SECONDS,
                check=False,
            )
            if run.returncode:
                pytest.fail(
                    "jsforce cannot be installed, so no npm client has judged the stand-in. `npm ci` said:\n"
                    f"{run.stderr[-2000:]}\nCheck that this machine reaches its npm registry, then run the test again."
                )
            done.write_text(wanted, "utf-8")
    return CACHE


@pytest.mark.node
def test_jsforce_drives_the_org(sf: Client) -> None:
    """Login by client credentials, describe, query, create, update, upsert, delete, collections, composite, codes."""
    sf.install()
    sf.fake("queues", {"name": "Web leads", "objects": ["Lead"]})
    sf.fake(
        "assignment-rules",
        {"object": "Lead", "entries": [{"when": 'LastName = "Web"', "owner": "Web leads"}]},
    )
    sf.fake("duplicate-rules", {"object": "Contact"})
    sf.fake("features", {"personAccounts": True})
    folder = _npm_folder()
    order = {
        "url": str(sf.http.base_url).rstrip("/"), "clientId": sf.org.client_id, "clientSecret": sf.org.client_secret,
    }  # fmt: skip
    script = (HERE / "jsforce_drive.js").read_text("utf-8")
    run = subprocess.run(
        [NODE_BIN / "node", "-e", script, json.dumps(order)], cwd=folder, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert told == {
        "versions": 9, "organization": sf.org.organization["Id"], "described": True, "global": True, "created": True,
        "retrieved": "Ångström", "updated": True, "title": "CTO", "found": 1, "upserts": [True, False],
        "many": [True, False], "manyCode": "REQUIRED_FIELD_MISSING", "manyUpdated": [True], "fetched": 450,
        "deleted": True, "refused": "REQUIRED_FIELD_MISSING", "malformed": "MALFORMED_QUERY", "limit": 15000,
        "entity": "00Q", "types": ["Business_Account", "PersonAccount", "Master"], "person": True,
        "picklist": ["Prospect", "Customer - Direct"], "owners": ["00G", "005"], "duplicate": "DUPLICATES_DETECTED",
        "saved": True,
    }  # fmt: skip
    assert [event[BOOKING] for event in sf.stored("Event")] == ["B-1"]
