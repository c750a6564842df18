"""A thin client of the stand-in for its tests: it hides addresses and headers, and nothing of the answers."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import httpx2

from instep_standins.salesforce import Org

BASE = "/services/data/v68.0"
XMLNS = 'xmlns="http://soap.sforce.com/2006/04/metadata"'

BOOKING_ID = (
    "<fields><fullName>Instep_Booking_Id__c</fullName><externalId>true</externalId><unique>true</unique>"
    "<caseSensitive>false</caseSensitive><label>Booking id</label><length>255</length><required>false</required>"
    "<type>Text</type></fields>"
)
STATUS = (
    "<fields><fullName>Instep_Event_Status__c</fullName><label>Event status</label><type>Picklist</type><valueSet>"
    "<restricted>false</restricted><valueSetDefinition><sorted>false</sorted><value><fullName>Scheduled</fullName>"
    "<default>false</default><label>Scheduled</label></value></valueSetDefinition></valueSet></fields>"
)
CONTACT_ID = BOOKING_ID.replace("Instep_Booking_Id__c", "Instep_Contact_Id__c").replace(
    "Booking id", "Contact id"
)


class Client:
    """Calls as the Run As user of the client credentials."""

    def __init__(self, http: httpx2.Client, org: Org) -> None:
        self.http = http
        self.org = org

    def token(self, **form: str) -> httpx2.Response:
        credentials = {"client_id": self.org.client_id, "client_secret": self.org.client_secret}
        return self.http.post("/services/oauth2/token", data={**credentials, **form})

    def sign_in(self) -> None:
        answer = self.token(grant_type="client_credentials")
        self.http.headers["Authorization"] = "Bearer " + answer.json()["access_token"]

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        return self.http.request(method, BASE + path, json=body, headers=headers)

    def query(self, soql: str, all_rows: bool = False, **headers: str) -> httpx2.Response:
        path = "/queryAll" if all_rows else "/query"
        return self.http.get(BASE + path, params={"q": soql}, headers=headers)

    def rows(self, soql: str, all_rows: bool = False) -> list[dict[str, Any]]:
        answer = self.query(soql, all_rows)
        assert answer.status_code == 200, answer.text
        return answer.json()["records"]

    def create(self, name: str, **fields: Any) -> str:
        answer = self.call("POST", f"/sobjects/{name}", fields)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def get(self, name: str, record_id: str) -> dict[str, Any]:
        return self.call("GET", f"/sobjects/{name}/{record_id}").json()

    def refusal(self, method: str, path: str, body: Any = None) -> tuple[int, str, list[str] | None, str]:
        """(status, errorCode, fields, message) of a call that must be refused."""
        answer = self.call(method, path, body)
        assert answer.status_code >= 400, answer.text
        error = answer.json()[0]
        return answer.status_code, error["errorCode"], error.get("fields"), error["message"]

    def fake(self, order: str, body: Any = None, method: str = "POST") -> Any:
        answer = self.http.request(method, "/__fake__/" + order, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def stored(self, name: str) -> list[dict[str, Any]]:
        return self.fake(f"records?object={name}", method="GET")[name]

    def collection(
        self, method: str, name: str, rows: list[dict[str, Any]], external: str = "", **more: Any
    ) -> Any:
        path = "/composite/sobjects" + (f"/{name}/{external}" if external else "")
        records = [{"attributes": {"type": name}, **row} for row in rows]
        answer = self.call(method, path, {"records": records, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def composite(self, *subs: tuple[str, str, str, Any], **more: Any) -> dict[str, dict[str, Any]]:
        """Sub-requests as (reference id, method, path, body); their answers by reference id."""
        listed = [
            {"referenceId": r, "method": m, "url": BASE + p, **({} if b is None else {"body": b})}
            for r, m, p, b in subs
        ]
        answer = self.call(
            "POST", "/composite", {"collateSubrequests": False, "compositeRequest": listed, **more}
        )
        assert answer.status_code == 200, answer.text
        return {one["referenceId"]: one for one in answer.json()["compositeResponse"]}

    def deploy(self, files: dict[str, str], **options: Any) -> dict[str, Any]:
        """Deploy a package and poll once; the deployResult."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        asked = json.dumps({"deployOptions": {"rollbackOnError": True, "singlePackage": True, **options}})
        form = {
            "json": ("", asked, "application/json"),
            "file": ("deploy.zip", buffer.getvalue(), "application/zip"),
        }
        answer = self.http.post(BASE + "/metadata/deployRequest", files=form)
        assert answer.status_code == 201, answer.text
        url = f"{BASE}/metadata/deployRequest/{answer.json()['id']}?includeDetails=true"
        return self.http.get(url).json()["deployResult"]

    def install(self) -> None:
        """The connector's fields, granted to the connected user."""
        assert self.deploy(package())["success"]
        self.assign()

    def assign(self) -> None:
        permission_set = self.rows("SELECT Id FROM PermissionSet WHERE Name = 'Instep_Connector'")[0]["Id"]
        user = self.rows("SELECT Id FROM User WHERE Username = 'integration@acme.example'")[0]["Id"]
        self.create("PermissionSetAssignment", AssigneeId=user, PermissionSetId=permission_set)


def package(
    fields: dict[str, str] | None = None, grants: tuple[str, ...] | None = None, extra_member: str = ""
) -> dict[str, str]:
    """The files of a metadata package: object → field XML, and one permission set granting `grants`."""
    fields = fields if fields is not None else {"Activity": BOOKING_ID + STATUS, "Lead": CONTACT_ID}
    if grants is None:
        grants = ("Event.Instep_Booking_Id__c", "Event.Instep_Event_Status__c", "Lead.Instep_Contact_Id__c")
    members = "".join(
        f"<members>{name}.{part.partition('</fullName>')[0]}</members>"
        for name, text in fields.items()
        for part in text.split("<fullName>")[1:]
        if part.partition("</fullName>")[0].endswith("__c")
    )
    granted = "".join(
        f"<fieldPermissions><editable>true</editable><field>{name}</field><readable>true</readable></fieldPermissions>"
        for name in grants
    )
    files = {
        "package.xml": f"<Package {XMLNS}><types>{members}{extra_member}<name>CustomField</name></types><types>"
        f"<members>Instep_Connector</members><name>PermissionSet</name></types><version>68.0</version></Package>",
        "permissionsets/Instep_Connector.permissionset": f"<PermissionSet {XMLNS}>{granted}"
        "<label>Instep connector</label></PermissionSet>",
    }
    for name, text in fields.items():
        files[f"objects/{name}.object"] = f"<CustomObject {XMLNS}>{text}</CustomObject>"
    return files
