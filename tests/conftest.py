"""What all tests share: one real PostgreSQL for the whole run, Django on it, and real `instep` processes.

Nothing starts before a test asks for it: `tests/core` runs without a database. Workers of pytest-xdist share
one embedded server (in a home of the run's own), each with a database of its own.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from instep.ops.database import django_database
from instep.ops.embedded_pg import SUPERUSER, Server, ensure_running, is_running
from instep.ops.settings import EMBEDDED_URL_VARIABLE
from instep_process import InstepHome, Template, remove_state

RUN_FOLDER = "INSTEP_TEST_RUN_FOLDER"


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the environment that Django's settings are read from; xdist workers inherit it."""
    if not hasattr(config, "workerinput"):
        os.environ[RUN_FOLDER] = tempfile.mkdtemp(prefix="instep-tests-", dir="/tmp")
    os.environ.pop("DATABASE_URL", None)
    os.environ["INSTEP_HOME"] = str(_run_folder() / "home")
    # Replaced by the real address in django_db_modify_db_settings, before the first connection.
    os.environ[EMBEDDED_URL_VARIABLE] = "postgresql://instep@/instep?host=/not-started-yet"
    os.environ["DJANGO_SETTINGS_MODULE"] = "instep.ops.django_settings"
    import django

    django.setup()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what the run left: as root PostgreSQL's files lie outside the run's folder."""
    if hasattr(config, "workerinput") or RUN_FOLDER not in os.environ:
        return
    home = _run_folder() / "home"
    if (home / "postgres.json").exists():
        if is_running(home):
            ensure_running(home).release()
        remove_state(home)
    shutil.rmtree(_run_folder(), ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Write each fault's number on its test's report, where it survives the way back from an xdist worker."""
    for item in items:
        for mark in item.iter_markers("fault"):
            item.user_properties.append(("fault", (mark.args[0], _purpose(item))))


def _purpose(item: pytest.Item) -> str:
    """What the test says must hold: the first line of its docstring, else its name."""
    said = (getattr(getattr(item, "function", None), "__doc__", None) or item.name).strip()
    return said.splitlines()[0]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Where the browser is required (CI), a browser test that skips is a failure: it proved nothing."""
    if report.skipped and "browser" in report.keywords and os.environ.get("INSTEP_REQUIRE_BROWSER"):
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: skipped, but INSTEP_REQUIRE_BROWSER is set. {report.longrepr}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the fault matrix with the results of this run, when it held any of it."""
    from faults.matrix import summary

    results: dict[str, list[tuple[str, str]]] = {}
    for outcome in ("passed", "failed", "error", "skipped", "xfailed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in getattr(report, "user_properties", ()):
                if name == "fault" and (report.when == "call" or outcome != "passed"):
                    results.setdefault(value[0], []).append((outcome, value[1]))
    if results:
        terminalreporter.section("faults")
        for line in summary(results):
            terminalreporter.line(line)


def _run_folder() -> Path:
    return Path(os.environ[RUN_FOLDER])


@pytest.fixture(scope="session")
def pg_server() -> Iterator[Server]:
    """The PostgreSQL of this test run, shared by all xdist workers."""
    with ensure_running(_run_folder() / "home") as server:
        with psycopg.connect(server.url_of("postgres", SUPERUSER), autocommit=True) as connection:
            # Tests kill processes, not machines: nothing that they check needs the disk's own promise.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server


@pytest.fixture(scope="session")
def django_db_modify_db_settings(pg_server: Server, worker_id: str) -> None:
    """Point Django at the run's server; pytest-django then makes the worker's test database there."""
    from django.db import connections

    connections["default"].settings_dict.update(django_database(pg_server.dsn))
    if worker_id != "master":
        connections["default"].settings_dict["TEST"]["NAME"] = f"test_instep_{worker_id}"


@pytest.fixture(scope="session")
def migrated_template(pg_server: Server) -> Template:
    """A database with the whole schema, to be copied in a blink instead of migrating again."""
    return Template(pg_server, _run_folder())


@pytest.fixture
def instep_home(migrated_template: Template) -> Iterator[InstepHome]:
    """A home with a migrated database of its own, for real `instep` processes; they end with the test."""
    home = InstepHome(Path(tempfile.mkdtemp(prefix="instep-home-", dir="/tmp")), migrated_template.copy())
    try:
        yield home
    finally:
        home.stop_all()
        migrated_template.drop(home.database_url)
        shutil.rmtree(home.path, ignore_errors=True)
