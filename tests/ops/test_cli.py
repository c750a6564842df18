"""The command line as an interface that people script against: help, errors, exit codes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import typer

from instep.cli.main import build
from instep_process import InstepHome


def commands(app: typer.Typer, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The names of all commands, of groups too."""
    found = [(*prefix, command.name or "") for command in app.registered_commands]
    for group in app.registered_groups:
        found += commands(group.typer_instance, (*prefix, group.name or ""))  # type: ignore[arg-type]
    return found


@pytest.fixture
def bare(tmp_path: Path) -> InstepHome:
    """A home without a database, for what must not need one."""
    return InstepHome(tmp_path / "home", None)


@pytest.mark.parametrize("command", commands(build()), ids=" ".join)
def test_every_command_takes_a_home_and_shows_an_example(command: tuple[str, ...], bare: InstepHome) -> None:
    shown = bare.run(*command, "--help").stdout
    assert "--home DIR" in shown
    assert f"instep {' '.join(command)}" in shown.split("Example", 1)[1]
    assert not bare.path.exists(), "asking for help makes nothing"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "No such command 'nonsense'. See `instep --help`."),
        (["backup"], "Missing argument 'FILE'. See `instep backup --help`."),
        (["standin"], "Missing command. See `instep standin --help`."),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_code_2(arguments: list[str], said: str, bare: InstepHome) -> None:
    done = bare.run(*arguments, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"instep: {said}\n")


def test_with_json_an_error_is_json_on_stdout(bare: InstepHome, tmp_path: Path) -> None:
    bare.env["DATABASE_URL"] = "postgresql://instep:s3cr3t@127.0.0.1:1/instep"
    done = bare.run("backup", str(tmp_path / "x"), "--json", check=False)
    assert done.returncode == 2
    assert done.stderr == ""
    assert done.stdout.startswith('{"error": {"code": "PG_DUMP", "message": "pg_dump failed: ')
    assert "s3cr3t" not in done.stdout


def test_a_database_that_does_not_answer_is_one_line_without_the_password(bare: InstepHome) -> None:
    bare.env["DATABASE_URL"] = "postgresql://instep:s3cr3t@127.0.0.1:1/instep"
    done = bare.run("migrate", check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("instep: The database does not answer: ")
    assert done.stderr.endswith("Check DATABASE_URL.\n")
    assert done.stderr.count("\n") == 1
    assert "s3cr3t" not in done.stderr


@pytest.mark.parametrize("order", ["before", "after"])
def test_the_home_may_stand_before_or_after_the_command(order: str, tmp_path: Path, pg_server) -> None:
    home = InstepHome(tmp_path / "unused", pg_server.dsn)
    place = ["--home", str(tmp_path / "chosen")]
    arguments = (
        [*place, "backup", str(tmp_path / "x")]
        if order == "before"
        else ["backup", str(tmp_path / "x"), *place]
    )
    home.run(*arguments)
    assert (tmp_path / "chosen" / "keys").exists()
    assert not (tmp_path / "unused").exists()


def test_the_reader_of_the_output_may_leave(bare: InstepHome) -> None:
    done = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$0" --help | true', str(bare.command)],
        env=bare.env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
