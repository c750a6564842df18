"""Files of events are read in batches, however long their lines are."""

from __future__ import annotations

import io

from instep.ingest import lines
from instep.ingest.lines import Batch, batches


def test_lines_keep_their_numbers_and_empty_ones_are_passed_over() -> None:
    stream = io.BytesIO(b"one\n\r\n  \ntwo\r\nthree")
    assert list(batches(stream, 100)) == [Batch((1, 4, 5), (b"one", b"two", b"three"))]


def test_nothing_has_no_batches() -> None:
    assert list(batches(io.BytesIO(b"\n\n"), 100)) == []


def test_a_line_that_is_too_long_is_cut_just_after_the_limit() -> None:
    stream = io.BytesIO(b"x" * 3_000_000 + b"\n" + b"y" * 10 + b"\n" + b"z" * 11)
    (batch,) = batches(stream, 10)
    assert batch == Batch((1, 2, 3), (b"x" * 11, b"y" * 10, b"z" * 11))


def test_batches_are_cut_by_number_and_by_size(monkeypatch) -> None:
    monkeypatch.setattr(lines, "BATCH_LINES", 2)
    assert [len(b.lines) for b in batches(io.BytesIO(b"a\nb\nc\n"), 100)] == [2, 1]
    monkeypatch.setattr(lines, "BATCH_LINES", 100)
    monkeypatch.setattr(lines, "BATCH_BYTES", 5)
    assert [len(b.lines) for b in batches(io.BytesIO(b"aaa\nbbb\nc\n"), 100)] == [2, 1]
