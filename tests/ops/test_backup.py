"""Backup and restore through the command line, on the database of a real home."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import psycopg
import pytest

from instep_process import InstepHome


@pytest.fixture
def file(instep_home: InstepHome, tmp_path: Path) -> Path:
    """A backup of a home that holds one row worth keeping."""
    with psycopg.connect(instep_home.database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'grüße 👋' AS value")
    instep_home.run("backup", str(tmp_path / "all.dump"))
    return tmp_path / "all.dump"


def kept(home: InstepHome) -> list[tuple[str, ...]]:
    with psycopg.connect(home.database_url) as connection:
        return connection.execute("SELECT value FROM kept").fetchall()


def test_a_backup_comes_back_whole_over_what_was_there(instep_home: InstepHome, file: Path) -> None:
    with psycopg.connect(instep_home.database_url) as connection:
        connection.execute("UPDATE kept SET value = 'lost'")
        connection.execute("CREATE TABLE later AS SELECT 1 AS value")
    refused = instep_home.run("restore", str(file), check=False)
    assert (refused.returncode, "not empty" in refused.stderr) == (2, True)
    instep_home.run("restore", str(file), "--force")
    assert kept(instep_home) == [("grüße 👋",)]
    with psycopg.connect(instep_home.database_url) as connection:
        assert connection.execute("SELECT to_regclass('later')").fetchone() == (None,)
    # A restored database can be backed up and restored like any other.
    instep_home.run("backup", str(file), "--force")
    instep_home.run("restore", str(file), "--force")
    assert kept(instep_home) == [("grüße 👋",)]


def test_a_backup_goes_into_an_empty_database_without_force(instep_home: InstepHome, file: Path) -> None:
    with psycopg.connect(instep_home.database_url) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    instep_home.run("restore", str(file))
    assert kept(instep_home) == [("grüße 👋",)]


def test_a_broken_backup_changes_nothing(instep_home: InstepHome, file: Path) -> None:
    cut = file.with_name("cut.dump")
    cut.write_bytes(file.read_bytes()[:-20])
    refused = instep_home.run("restore", str(cut), "--force", "--json", check=False)
    assert refused.returncode == 2
    assert '"error"' in refused.stdout
    assert kept(instep_home) == [("grüße 👋",)]
    file.write_text("no backup at all")
    refused = instep_home.run("restore", str(file), "--force", check=False)
    assert (
        refused.stderr.strip() == f"instep: {file} is not a backup. Give a file that `instep backup` wrote."
    )


def test_a_database_in_use_is_not_replaced(instep_home: InstepHome, file: Path) -> None:
    with psycopg.connect(instep_home.database_url):
        refused = instep_home.run("restore", str(file), "--force", check=False)
    assert (refused.returncode, "in use" in refused.stderr) == (2, True)


def test_a_backup_is_ours_alone_and_replaces_no_file_by_accident(instep_home: InstepHome, file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    refused = instep_home.run("backup", str(file), check=False)
    assert (refused.returncode, "exists already" in refused.stderr) == (2, True)
    assert file.read_bytes() == before
    assert {path.name for path in file.parent.iterdir()} == {"all.dump"}, "nothing unfinished is left"


def test_the_embedded_database_moves_to_another_home(tmp_path: Path) -> None:
    """As an admin does it: backup here, restore there, with nothing but the two homes."""
    import tempfile

    from instep_process import remove_state

    homes = [InstepHome(Path(tempfile.mkdtemp(prefix="instep-move-", dir="/tmp")), None) for _ in range(2)]
    try:
        homes[0].run("migrate")
        homes[0].run("backup", str(tmp_path / "move.dump"))
        said = homes[1].run("restore", str(tmp_path / "move.dump")).stdout
        assert f"copy its `keys` file to {homes[1].path / 'keys'}" in said
        refused = homes[1].run("restore", str(tmp_path / "move.dump"), check=False)
        assert "not empty" in refused.stderr
    finally:
        for home in homes:
            remove_state(home.path)
            shutil.rmtree(home.path)
