"""Refuse text files without a final line end, with trailing blanks, or with conflict marks: FILE …"""

from __future__ import annotations

import re
import sys
from pathlib import Path

TRAILING = re.compile(rb"[ \t]+$", re.MULTILINE)
CONFLICT = re.compile(rb"^(<{7}|>{7}) ", re.MULTILINE)


def complaints(path: Path) -> list[str]:
    """What is wrong with one file, in words."""
    content = path.read_bytes()
    found = []
    if content and not content.endswith(b"\n"):
        found.append("its last line does not end")
    if path.suffix != ".md" and TRAILING.search(content):
        found.append("blanks at the end of a line")
    if CONFLICT.search(content):
        found.append("a conflict mark")
    return found


def main(names: list[str]) -> int:
    """Print the complaints; the exit code is 1 when there are any."""
    lines = [f"{name}: {problem}" for name in names for problem in complaints(Path(name))]
    print("\n".join(lines), end="\n" if lines else "")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
