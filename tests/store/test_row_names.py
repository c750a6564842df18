"""The names of a prepared statement's columns, which its threads share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define

from instep.store.statements import _rows_as_named


@define
class Column:
    """A column that somebody else asks about while we do: what another thread may do at any moment."""

    known_as: str
    meanwhile: Callable[[], Any]

    @property
    def name(self) -> str:
        self.meanwhile()
        return self.known_as


@define
class Cursor:
    description: list[Column] | None


def test_threads_that_are_first_together_name_the_columns_once() -> None:
    factory: Any = _rows_as_named("SELECT a, b FROM first_together")
    other = Cursor([Column("a", lambda: None), Column("b", lambda: None)])
    theirs: list[Any] = []
    ours = factory(Cursor([Column("a", lambda: theirs.append(factory(other))), Column("b", lambda: None)]))
    assert ours((1, 2)) == theirs[0]((1, 2)) == factory(other)((1, 2)) == {"a": 1, "b": 2}


def test_a_statement_without_an_answer_names_nothing_yet() -> None:
    factory: Any = _rows_as_named("SELECT a FROM nothing_yet")
    factory(Cursor(None))
    assert factory(Cursor([Column("a", lambda: None)]))((1,)) == {"a": 1}
