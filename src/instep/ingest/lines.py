"""Events from a file, one JSON object per line, without ever holding more than one batch of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from attrs import frozen

#: one batch is one transaction: a small file is seen whole before the CRM is planned
BATCH_LINES = 5_000
BATCH_BYTES = 64 * 1024 * 1024


@frozen
class Batch:
    """Some lines, with the number that each has in the file (from 1). Empty lines are left out."""

    numbers: tuple[int, ...]
    lines: tuple[bytes, ...]


def batches(stream: BinaryIO, longest: int) -> Iterator[Batch]:
    """The lines of a stream in batches; a line of more than `longest` bytes is cut one byte after that."""
    numbers: list[int] = []
    lines: list[bytes] = []
    size = 0
    for number, line in _numbered(stream, longest):
        if not line.strip():
            continue
        numbers.append(number)
        lines.append(line)
        size += len(line)
        if len(lines) >= BATCH_LINES or size >= BATCH_BYTES:
            yield Batch(tuple(numbers), tuple(lines))
            numbers, lines, size = [], [], 0
    if lines:
        yield Batch(tuple(numbers), tuple(lines))


def _numbered(stream: BinaryIO, longest: int) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := stream.readline(longest + 2):
        number += 1
        if line.endswith(b"\n"):
            yield number, line.rstrip(b"\r\n")
            continue
        yield number, line[: longest + 1]
        # the rest of a line that is too long is read past, piece by piece
        while line and not line.endswith(b"\n"):
            line = stream.readline(1 << 20)
