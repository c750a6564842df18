"""The portal as a process: its one JSON line, what it keeps, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx2

from standins.hubspot.hs import Client, V

STANDIN = [sys.executable, "-m", "instep_standins.hubspot"]


def start(*arguments: str) -> tuple[subprocess.Popen[str], dict[str, str]]:
    process = subprocess.Popen([*STANDIN, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, json.loads(process.stdout.readline())


def test_killed_process_loses_no_answered_write(tmp_path: Path) -> None:
    """Started with given credentials; kill -9 after an answer; the next start has the record; SIGTERM ends with 0."""
    arguments = (
        "--data",
        str(tmp_path / "p.sqlite"),
        "--client-id",
        "me",
        "--client-secret",
        "s3",
        "--token",
        "t0",
    )
    for expected in (0, 20):
        process, told = start(*arguments)
        assert {**told, "base_url": ""} == {
            "base_url": "",
            "client_id": "me",
            "client_secret": "s3",
            "token": "t0",
        }
        try:
            headers = {"Authorization": "Bearer t0"}
            with httpx2.Client(base_url=told["base_url"], headers=headers) as http:
                path = f"/crm/objects/{V}/contacts"
                assert len(http.get(path, params={"limit": 100}).json()["results"]) == expected
                for i in range(20 - expected):
                    body = {"properties": {"email": f"g{i}@guest.example"}}
                    assert http.post(path, json=body).status_code == 201
        finally:
            os.kill(process.pid, signal.SIGKILL if expected == 0 else signal.SIGTERM)
        assert process.stdout
        process.stdout.close()
        assert process.wait(30) == (-signal.SIGKILL if expected == 0 else 0)


def test_taken_port_is_said_plainly(hs: Client) -> None:
    port = str(hs.http.base_url).rsplit(":", 1)[1].strip("/")
    done = subprocess.run(
        [*STANDIN, "--port", port], capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, f"Port {port} cannot be opened" in done.stderr) == (1, True)


def test_the_command_starts_it() -> None:
    """`instep standin hubspot` is the same portal."""
    command = [str(Path(sys.executable).with_name("instep")), "standin", "hubspot", "--token", "t0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        told = json.loads(process.stdout.readline())
        answer = httpx2.get(
            f"{told['base_url']}/account-info/{V}/details", headers={"Authorization": "Bearer t0"}
        )
        assert (told["token"], answer.status_code) == ("t0", 200)
    finally:
        process.terminate()
    process.stdout.close()
    assert process.wait(60) == 0
