"""The matrix, its tests and its document say the same."""

from __future__ import annotations

from faults.matrix import DOCUMENT, FAULTS, document, proofs, summary


def test_every_test_belongs_to_a_line_of_the_matrix() -> None:
    assert proofs().keys() <= {fault.name for fault in FAULTS}


def test_the_document_is_made_from_the_tests() -> None:
    assert DOCUMENT.read_text() == document(), "run `python -m faults.matrix` in tests/"


def test_a_failure_shows_in_the_table() -> None:
    lines = list(summary({"F3": [("passed", "one thing"), ("failed", "another")], "F9": [("passed", "it")]}))
    assert lines[0].startswith("F3   FAILED   2 tests")
    assert lines[1].strip() == "failed: another"
    assert lines[2].startswith("F9   holds    1 test ")
