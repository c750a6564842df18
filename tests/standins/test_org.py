"""The org itself: what a new one holds, orders that change it, persistence, and speed."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from instep_standins.salesforce import Org, create_app, ids, serve_in_thread
from instep_standins.salesforce.app import LARGEST_BODY
from standins.conftest import Clock
from standins.sf import BASE, Client

LEAD = {"LastName": "A", "Company": "C"}


def test_first_day(sf: Client) -> None:
    """Acme with three hosts whose usernames differ from their emails, and one who left."""
    users = sf.rows("SELECT Email, Username, IsActive FROM User ORDER BY Email")
    active = {user["Email"] for user in users if user["IsActive"]}
    hosts = {f"{name}@host.example" for name in ("greta.lindqvist", "amara.okafor", "nuno.reis")}
    assert active == hosts | {"integration@acme.example"}
    assert [user["IsActive"] for user in users].count(False) == 1
    assert all(user["Email"] != user["Username"] for user in users if user["Email"] in hosts)
    [organization] = sf.rows("SELECT Id, Name, IsSandbox, OrganizationType FROM Organization")
    assert (organization["Name"], organization["IsSandbox"], organization["Id"][:3]) == ("Acme", False, "00D")
    assert [sf.stored(name) for name in ("Lead", "Contact", "Account", "Case", "Event")] == [[]] * 5


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("00QHs0000000001", "00QHs0000000001MAA"),
        ("0015500001abCdE", "0015500001abCdEAAU"),
        ("012000000000000", "012000000000000AAA"),
    ],
)
def test_checksum_of_ids(short: str, long: str) -> None:
    assert ids.normalise(short) == ids.normalise(long) == long
    assert ids.normalise(long[:-1] + ("Z" if long[-1] != "Z" else "Y")) is None


def test_same_calls_make_the_same_ids(sf: Client) -> None:
    first = sf.create("Lead", **LEAD)
    sf.fake("reset")
    assert sf.create("Lead", **LEAD) == first


def test_seeded_records_pass_every_rule(sf: Client) -> None:
    old = "2020-01-01T00:00:00.000+0000"
    made = sf.fake(
        "records",
        {
            "object": "Lead",
            "fields": {"LastName": "Old", "IsConverted": True, "CreatedDate": old, "LastModifiedDate": old},
        },
    )
    record = sf.get("Lead", made["Id"])
    assert (record["Name"], record["IsConverted"], record["CreatedDate"]) == ("Old", True, old)
    assert sf.http.post("/__fake__/records", json={"object": "Lead", "fields": {"Foo": 1}}).status_code == 400


def test_human_edit_stamps_and_deletion_hides(sf: Client, clock: Clock) -> None:
    record_id = sf.create("Lead", **LEAD)
    clock.now += 60
    sf.fake("records", {"object": "Lead", "id": record_id, "fields": {"Title": "Edited"}}, "PATCH")
    record = sf.get("Lead", record_id)
    assert (record["Title"], record["LastModifiedDate"]) == ("Edited", "2026-09-21T14:14:20.000+0000")
    sf.fake("records", {"object": "Lead", "id": record_id}, "DELETE")
    assert sf.stored("Lead") == []


def test_reset_brings_the_first_day_back_and_keeps_sign_ins(sf: Client) -> None:
    sf.install()
    sf.create("Lead", **LEAD)
    sf.fake("faults", {"kind": "status", "status": 503})
    sf.fake("reset", {"keepMetadata": True})
    assert sf.stored("Lead") == []
    names = {f["name"] for f in sf.call("GET", "/sobjects/Event/describe").json()["fields"]}
    assert "Instep_Booking_Id__c" in names
    sf.fake("reset")
    names = {f["name"] for f in sf.call("GET", "/sobjects/Event/describe").json()["fields"]}
    assert "Instep_Booking_Id__c" not in names


def test_unknown_order_and_setting_are_named(sf: Client) -> None:
    assert "explode" in sf.http.post("/__fake__/explode").json()["error"]
    assert "colour" in sf.http.post("/__fake__/settings", json={"colour": 1}).json()["error"]


def test_journal_tells_each_call(sf: Client) -> None:
    sf.fake("journal/clear")
    sf.composite(("a", "GET", "/query?q=SELECT+Id+FROM+Lead", None), ("b", "POST", "/sobjects/Lead", LEAD))
    [entry] = sf.fake("journal", method="GET")
    assert (entry["method"], entry["path"], entry["status"]) == ("POST", BASE + "/composite", 200)
    assert (entry["counted"], entry["summary"]) == (True, ["query Lead", "create Lead"])


def test_clock_offset_moves_the_stamps(sf: Client) -> None:
    sf.fake("settings", {"clock": 3600})
    assert sf.get("Lead", sf.create("Lead", **LEAD))["CreatedDate"] == "2026-09-21T15:13:20.000+0000"


def test_threads_do_not_double_unique_values(sf: Client) -> None:
    sf.install()
    body = {"StartDateTime": "2026-10-05T08:00:00Z", "DurationInMinutes": 30}
    path = "/sobjects/Event/Instep_Booking_Id__c/B-1"
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: sf.call("PATCH", path, body), range(64)))
    assert sorted(answer.status_code for answer in answers) == [200] * 63 + [201]
    assert len(sf.stored("Event")) == 1


def test_reopened_org_is_the_same(tmp_path: Path, clock: Clock) -> None:
    """Records, deployed fields, grants, sessions, refresh tokens, credentials and counters survive."""
    seen = []
    for turn in range(2):
        org = Org(tmp_path / "org.sqlite", clock=clock)
        server = serve_in_thread(org)
        with httpx2.Client(base_url=server.base_url) as http:
            sf = Client(http, org)
            if turn == 0:
                sf.sign_in()
                sf.install()
                sf.call("PATCH", "/sobjects/Lead/Instep_Contact_Id__c/C-1", LEAD)
                deleted = sf.create("Lead", **LEAD)
                sf.call("DELETE", f"/sobjects/Lead/{deleted}")
                authorization = http.headers["Authorization"]
            else:
                http.headers["Authorization"] = authorization
                assert (
                    sf.call("PATCH", "/sobjects/Lead/Instep_Contact_Id__c/c-1", {"Title": "x"}).status_code
                    == 200
                )
            seen.append((org.client_id, org.client_secret, {r["Id"] for r in sf.stored("Lead")}))
        if turn == 1:
            assert sf.org.insert("Lead", LEAD)["Id"] not in {deleted, *seen[0][2]}
        server.stop()
        org.close()
    assert seen[0] == seen[1]


def test_reset_reaches_the_disk(tmp_path: Path) -> None:
    org = Org(tmp_path / "org.sqlite")
    with org.transaction():
        lead = org.insert("Lead", LEAD)
    org.reset()
    org.close()
    again = Org(tmp_path / "org.sqlite")
    assert again.tables.rows("Lead") == {}
    assert len(again.tables.rows("User")) == 5
    assert again.insert("Lead", LEAD)["Id"] == lead["Id"]
    again.close()


def start(*arguments: str) -> tuple[subprocess.Popen[str], dict[str, str]]:
    command = [sys.executable, "-m", "instep_standins.salesforce", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, json.loads(process.stdout.readline())


def test_killed_process_loses_no_answered_write(tmp_path: Path) -> None:
    """Started with given credentials; kill -9 after an answer; the next start has the record; SIGTERM ends with 0."""
    arguments = ("--data", str(tmp_path / "o.sqlite"), "--client-id", "me", "--client-secret", "s3")
    for expected in (0, 20):
        process, told = start(*arguments)
        assert (told["client_id"], told["client_secret"]) == ("me", "s3")
        try:
            with httpx2.Client(base_url=told["base_url"]) as http:
                form = {"grant_type": "client_credentials", "client_id": "me", "client_secret": "s3"}
                token = http.post("/services/oauth2/token", data=form).json()["access_token"]
                http.headers["Authorization"] = f"Bearer {token}"
                assert http.get(BASE + "/query?q=SELECT+COUNT()+FROM+Lead").json()["totalSize"] == expected
                for _ in range(20 - expected):
                    assert http.post(BASE + "/sobjects/Lead", json=LEAD).status_code == 201
        finally:
            os.kill(process.pid, signal.SIGKILL if expected == 0 else signal.SIGTERM)
        process.stdout.close()
        assert process.wait(30) == (-signal.SIGKILL if expected == 0 else 0)


def test_taken_port_is_said_plainly(sf: Client) -> None:
    port = str(sf.http.base_url).rsplit(":", 1)[1].strip("/")
    command = [sys.executable, "-m", "instep_standins.salesforce", "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1
    assert f"Port {port} cannot be opened" in done.stderr


def test_chunked_bodies_and_compressed_answers(sf: Client) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"LastName": "A",'
        yield b' "Company": "C"}'

    answer = sf.http.post(
        BASE + "/sobjects/Lead", content=chunks(), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 201
    assert answer.request.headers["Transfer-Encoding"] == "chunked"
    big = sf.http.get(BASE + "/sobjects/Lead/describe")
    assert big.headers["Content-Encoding"] == "gzip"


def test_compressed_body_and_one_that_only_says_so(sf: Client) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    body = json.dumps(LEAD).encode()
    good = sf.http.post(BASE + "/sobjects/Lead", content=gzip.compress(body), headers=headers)
    bad = sf.http.post(BASE + "/sobjects/Lead", content=b"\x1f\x8b broken", headers=headers)
    assert (good.status_code, bad.status_code) == (201, 400)


def test_no_more_of_a_body_is_read_or_inflated_than_is_accepted(sf: Client) -> None:
    kind = {"Content-Type": "application/json"}
    bomb = gzip.compress(b" " * (LARGEST_BODY * 4))
    inflated = sf.http.post(
        BASE + "/sobjects/Lead", content=bomb, headers=kind | {"Content-Encoding": "gzip"}
    )
    assert inflated.status_code == 413
    assert asked_raw(sf, b"Content-Length: -1\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert asked_raw(sf, b"Transfer-Encoding: chunked\r\n\r\n-1\r\n").startswith(b"HTTP/1.1 400 ")


def asked_raw(sf: Client, rest: bytes, host: bytes = b"localhost") -> bytes:
    """The beginning of the answer to a POST whose head ends in `rest`."""
    port = sf.http.base_url.port
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(b"POST /services/oauth2/token HTTP/1.1\r\nHost: " + host + b"\r\n" + rest)
        return connection.recv(4096)


@pytest.mark.parametrize(
    "host", [b"evil.example", b"127.0.0.1.evil.example", b"localhost:8000.evil.example", b"x@localhost"]
)
def test_a_foreign_name_that_leads_to_the_loopback_is_answered_with_nothing(sf: Client, host: bytes) -> None:
    """DNS rebinding: a page of that name, open in a browser on this machine, could read the org."""
    assert asked_raw(sf, b"Content-Length: 0\r\n\r\n", host).startswith(b"HTTP/1.1 421 ")
    for own in (b"localhost", b"127.0.0.1:80", b"[::1]:8010", b"LOCALHOST:1"):
        assert asked_raw(sf, b"Content-Length: 0\r\n\r\n", own).startswith(b"HTTP/1.1 400 ")


def test_the_file_of_an_org_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        Org(tmp_path / "org.sqlite")
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_dropped_connection_in_process_is_an_os_error(org: Org) -> None:
    """Without a socket there is nothing to reset: the exception is a ConnectionResetError."""
    http = httpx2.Client(transport=httpx2.WSGITransport(app=create_app(org)), base_url="http://org.example")
    sf = Client(http, org)
    sf.sign_in()
    sf.fake("faults", {"kind": "drop_after", "match": {"op": "create"}})
    with pytest.raises(ConnectionResetError):
        sf.create("Lead", **LEAD)
    assert len(sf.stored("Lead")) == 1


def test_two_hundred_rows_take_well_under_a_second(tmp_path: Path) -> None:
    """With 10,000 Events stored, a full upsert collection and a look-up by 200 emails stay quick."""
    org = Org(tmp_path / "org.sqlite")
    with org.transaction():
        for n in range(10_000):
            org.insert("Lead", {"LastName": f"L{n}", "Company": "C", "Email": f"p{n}@mail.example"})
    server = serve_in_thread(org)
    with httpx2.Client(base_url=server.base_url) as http:
        sf = Client(http, org)
        sf.sign_in()
        sf.install()
        field = "Instep_Contact_Id__c"
        rows = [{**LEAD, field: f"C{n}"} for n in range(200)]
        best = min(timed(lambda: sf.collection("PATCH", "Lead", rows, field)) for _ in range(3))
        emails = ",".join(f"'P{n}@mail.example'" for n in range(200))
        query = f"/query?q=SELECT+Id,Email+FROM+Lead+WHERE+Email+IN+({emails})"
        answer = sf.composite(("q", "GET", query, None))["q"]
        assert answer["body"]["totalSize"] == 200
        look_up = min(timed(lambda: sf.composite(("q", "GET", query, None))) for _ in range(3))
    server.stop()
    org.close()
    # Far above what it takes alone, so that a busy machine passes; a scan per row takes seconds.
    assert best < 1.5
    assert look_up < 0.75


def timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started
