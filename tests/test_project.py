"""The project's own promises: what its documents and files say is true."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def name_of(requirement: str) -> str:
    return re.split(r"[\[<>=; ]", requirement, maxsplit=1)[0]


def test_every_dependency_has_its_line() -> None:
    wanted = {
        name_of(requirement)
        for requirement in (*PYPROJECT["project"]["dependencies"], *PYPROJECT["dependency-groups"]["dev"])
    }
    nodeps = ROOT / "requirements-nodeps.lock"
    if nodeps.exists():
        wanted |= set(re.findall(r"^([\w-]+)==", nodeps.read_text(), re.MULTILINE))
    document = (ROOT / "docs" / "decisions" / "dependencies.md").read_text()
    cells = re.findall(r"^\| ([\w ,-]+?) \|", document, re.MULTILINE)
    explained = {name for cell in cells for name in cell.split(", ")} - {"package"}
    assert explained == wanted


def test_lock_files_name_no_host_and_hash_every_file() -> None:
    for file in ROOT.glob("requirements*.lock"):
        text = file.read_text()
        assert "://" not in text, f"{file.name} names a host"
        assert "--index" not in text, f"{file.name} names an index"
        for block in re.split(r"\n(?=\S)", text.strip()):
            if not block.startswith("#"):
                assert "--hash=sha256:" in block, f"{file.name}: {block.splitlines()[0]}"


def test_the_lock_holds_every_dependency() -> None:
    for file, requirements in {
        "requirements.lock": PYPROJECT["project"]["dependencies"],
        "requirements-dev.lock": PYPROJECT["dependency-groups"]["dev"],
    }.items():
        locked = set(re.findall(r"^([\w.-]+)==", (ROOT / file).read_text(), re.MULTILINE))
        assert {name_of(requirement) for requirement in requirements} - locked == set()


def test_every_setting_is_in_the_operating_manual() -> None:
    from instep.ops.settings import Settings

    manual = (ROOT / "docs" / "operating.md").read_text()
    inside = {"embedded_url"}  # handed from process to process, not for people
    for field in set(Settings.model_fields) - inside:
        variable = "DATABASE_URL" if field == "database_url" else f"INSTEP_{field.upper()}"
        assert f"`{variable}`" in manual, variable


def test_nobody_below_the_pages_asks_which_crm_it_is() -> None:
    """A CRM is data of its profile: no vendor's name is compared, and no vendor's adapter is imported for it."""
    asked = re.compile(r"""["']hubspot["']|crm\.hubspot|vendor\s*[!=]=""")
    for room in ("core", "engine", "bookings", "store"):
        for file in (ROOT / "src" / "instep" / room).rglob("*.py"):
            assert not asked.search(file.read_text()), f"{file.name} asks for a vendor"
