"""Settings: where they come from, what is made once, and what is refused by name."""

from __future__ import annotations

import base64
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.cache import cache

from instep.core.errors import InputError
from instep.ops.database import django_database
from instep.ops.settings import load


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of somebody who set nothing."""
    for name in ("INSTEP_HOME", "INSTEP_EMBEDDED_URL", "DATABASE_URL", "XDG_DATA_HOME", "INSTEP_SECRET_KEYS"):
        monkeypatch.delenv(name, raising=False)


def test_the_home_is_the_option_then_the_variable_then_the_users_data_folder(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "shared"))
    assert load().home == tmp_path / "shared" / "instep"
    monkeypatch.setenv("INSTEP_HOME", str(tmp_path / "variable"))
    assert load().home == tmp_path / "variable"
    assert load(tmp_path / "option").home == tmp_path / "option"


def test_the_keys_are_made_once_and_are_ours_alone(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: load(tmp_path / "home").secret_keys, range(16)))
    assert len(found) == 1, "all that start at once use the key of the first"
    assert stat.S_IMODE((tmp_path / "home" / "keys").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["keys"]


def test_a_rotated_key_keeps_sessions_valid(tmp_path: Path) -> None:
    before = load(tmp_path).django_secrets()
    keys = tmp_path / "keys"
    keys.write_text(Fernet.generate_key().decode() + "\n" + keys.read_text())
    after = load(tmp_path).django_secrets()
    assert after[1:] == before
    assert after[0] not in before


def test_set_up_code_is_this_installations_and_gives_no_other_secret_away(tmp_path: Path) -> None:
    one, other = load(tmp_path / "one"), load(tmp_path / "other")
    code = one.set_up_code()
    assert re.fullmatch(r"([A-Z2-7]{4}-){3}[A-Z2-7]{4}", code)
    assert code == load(tmp_path / "one").set_up_code()
    assert code != other.set_up_code()
    derived = base64.b32decode(code.replace("-", "")).hex()
    assert derived not in one.django_secrets()[0]


def test_keys_from_the_environment_leave_no_file(tmp_path: Path, monkeypatch) -> None:
    keys = (Fernet.generate_key().decode(), Fernet.generate_key().decode())
    monkeypatch.setenv("INSTEP_SECRET_KEYS", ", ".join(keys))
    assert load(tmp_path).secret_keys == keys
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("INSTEP_SECRET_KEYS", "my-secret", "INSTEP_SECRET_KEYS: each key must be 32 bytes"),
        ("INSTEP_WEB_PORT", "70000", "INSTEP_WEB_PORT"),
        ("INSTEP_PUBLIC_URL", "book.example.com", "INSTEP_PUBLIC_URL: must be an address like"),
        ("INSTEP_LOG_FORMAT", "xml", "INSTEP_LOG_FORMAT"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_and_never_repeated(
    variable: str, value: str, said: str, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InputError) as refused:
        load(tmp_path)
    assert said in str(refused.value)
    assert "my-secret" not in str(refused.value)


def test_damaged_keys_are_refused_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("damaged\n")
    with pytest.raises(InputError, match="Put the saved keys back"):
        load(tmp_path)
    assert (tmp_path / "keys").read_text() == "damaged\n"


def test_a_database_url_keeps_every_part_that_libpq_knows() -> None:
    found = django_database(
        "postgresql://us%40er:p%3Aw@db.example:6432/book?sslmode=verify-full&application_name=x"
    )
    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"], found["NAME"]) == (
        "us@er", "p:w", "db.example", "6432", "book",
    )  # fmt: skip
    assert found["OPTIONS"].pop("options").startswith("-c idle_in_transaction_session_timeout=")
    assert found["OPTIONS"] == {"sslmode": "verify-full", "application_name": "x", "connect_timeout": 10}


def test_options_of_a_database_url_win_over_ours() -> None:
    found = django_database("postgresql:///book?options=-c%20idle_in_transaction_session_timeout%3D1min")
    assert found["OPTIONS"]["options"].endswith(" -c idle_in_transaction_session_timeout=1min")


def test_without_a_database_the_cure_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Set DATABASE_URL"):
        _ = load(tmp_path).dsn


def test_many_callers_do_not_make_the_limits_of_signing_in_forget() -> None:
    cache.set("the-tries-of-one", [1.0])
    for number in range(2000):
        cache.set(f"the-tries-of-another-{number}", [1.0])
    try:
        assert cache.get("the-tries-of-one") == [1.0]
    finally:
        cache.clear()


@pytest.mark.parametrize(
    ("variables", "own"),
    [
        ({}, True),
        ({"INSTEP_PUBLIC_URL": "http://127.0.0.1:8000"}, True),
        ({"INSTEP_PUBLIC_URL": "https://book.example.com"}, False),
        ({"INSTEP_WEB_HOST": "0.0.0.0"}, False),
    ],
)
def test_a_crm_on_this_machine_is_for_a_server_that_only_this_machine_reaches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], own: bool
) -> None:
    """Elsewhere no administrator of an account reaches what listens beside Instep, unless the operator says so."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert load(tmp_path).private_hosts == (("localhost",) if own else ())
    monkeypatch.setenv("INSTEP_ALLOW_PRIVATE_URLS", "crm.internal, 10.1.0.0/16")
    assert load(tmp_path).private_hosts[:2] == ("crm.internal", "10.1.0.0/16")
