"""What root believes of the record in a home, and the modes of the folders that it makes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from instep.core.errors import NeedsAdmin
from instep.ops import pg_place
from instep.ops.pg_place import find_place

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has a place outside the home")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of root's with its own system folder; made under the strictest umask."""
    monkeypatch.setattr(pg_place, "SYSTEM_ROOT", tmp_path / "system")
    monkeypatch.setattr(pg_place, "_copied_installation", lambda wheel: wheel)
    before = os.umask(0o077)
    yield tmp_path / "home"
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_strict_umask_keeps_postgresqls_user_out_of_nothing_it_needs(home: Path) -> None:
    place = find_place(home)
    assert (mode(place.state.parent), mode(place.state), mode(home)) == (0o755, 0o711, 0o700)
    assert find_place(home) == place


def test_the_system_folder_that_is_closed_is_named(home: Path) -> None:
    pg_place.SYSTEM_ROOT.mkdir(mode=0o700)
    with pytest.raises(NeedsAdmin, match="is closed to the system user"):
        find_place(home)


def _name_a_folder_elsewhere(home: Path, state: Path) -> None:
    elsewhere = home.parent / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    _write_state(home, elsewhere)


def _name_a_folder_elsewhere_by_dots(home: Path, state: Path) -> None:
    (home.parent / "elsewhere").mkdir(mode=0o700)
    _write_state(home, state / ".." / ".." / "elsewhere")


def _name_the_folder_above(home: Path, state: Path) -> None:
    _write_state(home, pg_place.SYSTEM_ROOT / "..")


def _make_the_state_a_link(home: Path, state: Path) -> None:
    elsewhere = home.parent / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    state.rmdir()
    state.symlink_to(elsewhere)


def _give_the_state_away(home: Path, state: Path) -> None:
    os.chown(state, 65534, 65534)


def _give_the_home_away(home: Path, state: Path) -> None:
    os.chown(home, 65534, 65534)


def _give_the_record_away(home: Path, state: Path) -> None:
    os.chown(home / "postgres.json", 65534, 65534)


def _open_the_home(home: Path, state: Path) -> None:
    os.chmod(home, 0o777)


def _spoil_the_record(home: Path, state: Path) -> None:
    (home / "postgres.json").write_text("[]")


def _write_state(home: Path, state: Path) -> None:
    record = json.loads((home / "postgres.json").read_text())
    (home / "postgres.json").write_text(json.dumps(record | {"state": str(state)}))


@pytest.mark.parametrize(
    "spoil",
    [
        _name_a_folder_elsewhere,
        _name_a_folder_elsewhere_by_dots,
        _name_the_folder_above,
        _make_the_state_a_link,
        _give_the_state_away,
        _give_the_home_away,
        _give_the_record_away,
        _open_the_home,
        _spoil_the_record,
    ],
)
def test_root_follows_no_record_that_others_could_have_written(
    home: Path, spoil: Callable[[Path, Path], None]
) -> None:
    state = find_place(home).state
    spoil(home, state)
    with pytest.raises(NeedsAdmin):
        find_place(home)
    elsewhere = home.parent / "elsewhere"
    assert not elsewhere.exists() or mode(elsewhere) == 0o700, "nothing was changed there"
