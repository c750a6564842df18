"""What a worker does beside its drains."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from instep.engine import worker


class Held:
    """Something that holds itself, as failed requests hold their own tracebacks."""

    def __init__(self) -> None:
        self.own = self


def test_the_sweep_lets_go_of_what_holds_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker switches Python's own looking for garbage off: nobody else looks."""

    async def first_turn() -> None:
        turn = asyncio.create_task(worker._keep_sweeping())
        await asyncio.sleep(0)
        turn.cancel()

    monkeypatch.setattr(worker, "_once", lambda housekeeping, watching: None)
    was_on = gc.isenabled()
    gc.disable()
    try:
        gone = weakref.ref(Held())
        assert gone() is not None
        asyncio.run(first_turn())
        assert gone() is None
    finally:
        if was_on:
            gc.enable()
