"""The database into one file and back, with PostgreSQL's own tools. The secret keys are kept apart.

Works on the embedded PostgreSQL and on DATABASE_URL alike. The tools are those of the embedded PostgreSQL 18;
they read any server up to that version.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from instep.core.errors import InputError
from instep.ops.pg_place import wheel_installation

#: What every file of `pg_dump --format=custom` begins with.
CUSTOM_FORMAT = b"PGDMP"

#: Empties the database in the same transaction that fills it, so that a bad file changes nothing.
_EMPTY = """
DROP SCHEMA public CASCADE;
CREATE SCHEMA public;
ALTER SCHEMA public OWNER TO pg_database_owner;
GRANT USAGE ON SCHEMA public TO PUBLIC;
"""

_OTHER_SESSIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""

_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"


def write_backup(dsn: str, file: Path, *, overwrite: bool = False) -> int:
    """Write all data to `file` (readable by us alone) while everything goes on; returns its size in bytes.

    The file appears under its name only when it is complete. Raises `InputError`.
    """
    if file.exists() and not overwrite:
        raise InputError(
            f"{file} exists already.", cure="Choose another name, or give --force.", code="EXISTS"
        )
    if not file.parent.is_dir():
        raise InputError(f"The folder {file.parent} does not exist.", cure="Make it first.", code="NO_FOLDER")
    descriptor, unfinished = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    os.close(descriptor)
    try:
        with _service(dsn) as environment:
            # Never to its standard output: there it appends a second table of contents, and pg_restore then
            # takes a file that was cut off for a whole one.
            _run(
                "pg_dump", ["--format=custom", "--no-owner", "--no-acl", f"--file={unfinished}"], environment
            )
        os.replace(unfinished, file)
    except BaseException:
        os.unlink(unfinished)
        raise
    return file.stat().st_size


def read_backup(dsn: str, file: Path, *, overwrite: bool = False) -> None:
    """Replace the database's content with that of `file`, as a whole or not at all.

    Refuses a database that holds tables (unless `overwrite`) or that somebody else uses. Raises `InputError`.
    """
    _refuse_no_backup(file)
    with psycopg.connect(dsn, autocommit=True) as connection:
        if _count(connection, _TABLES) and not overwrite:
            raise InputError(
                "The database is not empty.",
                cure="Restore into a new home, or give --force to replace everything in it.",
                code="NOT_EMPTY",
            )
        if _count(connection, _OTHER_SESSIONS):
            raise InputError(
                "The database is in use.",
                cure="Stop serve, web and worker on every machine, then restore again.",
                code="IN_USE",
            )
    # Files, not a pipe: psql would take a pipe that ends too early for the end of the data, and commit.
    with _service(dsn) as environment, tempfile.TemporaryDirectory(prefix="instep-restore-") as folder:
        first, then = Path(folder, "empty.sql"), Path(folder, "backup.sql")
        first.write_text(_EMPTY)
        _run("pg_restore", ["--no-owner", "--no-acl", f"--file={then}", str(file)], environment)
        how = [
            "--no-psqlrc",
            "--quiet",
            "--single-transaction",
            "--set=ON_ERROR_STOP=1",
            "--output=/dev/null",
        ]
        _run("psql", [*how, f"--file={first}", f"--file={then}"], environment)


def _refuse_no_backup(file: Path) -> None:
    try:
        with file.open("rb") as opened:
            begin = opened.read(len(CUSTOM_FORMAT))
    except OSError as error:
        raise InputError(
            f"{file} cannot be read: {error.strerror}.", cure="Check the name.", code="NO_FILE"
        ) from None
    if begin != CUSTOM_FORMAT:
        raise InputError(
            f"{file} is not a backup.", cure="Give a file that `instep backup` wrote.", code="NO_BACKUP"
        )


def _count(connection: psycopg.Connection[tuple[int]], question: str) -> int:
    row = connection.execute(question).fetchone()  # type: ignore[arg-type]
    return row[0] if row else 0


@contextmanager
def _service(dsn: str) -> Iterator[dict[str, str]]:
    """The environment that leads PostgreSQL's tools to the database.

    A password on a command line could be read by every user of the machine, in a file of our own it cannot.
    """
    with tempfile.NamedTemporaryFile("w", prefix="instep-", suffix=".conf") as file:
        lines = [f"{key}={value}" for key, value in conninfo_to_dict(dsn).items()]
        file.write("\n".join(["[instep]", *lines]) + "\n")
        file.flush()
        yield {"PATH": "/usr/bin:/bin", "PGSERVICEFILE": file.name, "PGSERVICE": "instep"}


def _run(program: str, arguments: Sequence[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        [str(wheel_installation() / "bin" / program), *arguments],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        said = " ".join(done.stderr.split())
        raise InputError(f"{program} failed: {said}", cure="Nothing was changed.", code=program.upper())
