"""The faults that a stand-in's page offers, each as the orders of `/__fake__/` that make it."""

from collections.abc import Callable
from typing import Any

import attrs

from .inputs import Input
from .pages import Refused

OFTEN = (("1", "the next one"), ("5", "the next five"), ("", "until cleared"))

#: (method, order, body) of `/__fake__/`
Orders = list[tuple[str, str, dict[str, Any]]]


@attrs.frozen
class Preset:
    """A fault that the page offers; `orders` turns (the stand-in, what was typed) into what makes it."""

    key: str
    title: str
    words: str
    button: str
    inputs: tuple[Input, ...]
    orders: Callable[[Any, dict[str, str]], Orders]


Groups = tuple[tuple[str, tuple[Preset, ...]], ...]


def often(value: str) -> Input:
    return Input("times", "How often", value, OFTEN)


def whole(typed: dict[str, str], name: str, least: int, most: int) -> int:
    """A whole number that was typed. Raises Refused."""
    text = typed.get(name, "").strip()
    if not text.isdecimal() or not least <= int(text[:9]) <= most:
        raise Refused(f"“{text}” was not taken. Type a whole number from {least} to {most}.")
    return int(text)


def one_of(objects: tuple[str, ...], typed: dict[str, str]) -> str:
    """The object that was chosen. Raises Refused."""
    if typed.get("object") not in objects:
        raise Refused("Choose an object from the list.")
    return typed["object"]


def arm(kind: str, name: str, match: dict[str, Any], typed: dict[str, str], **details: Any) -> Orders:
    times = int(typed["times"]) if typed.get("times") in ("1", "5") else None
    return [("POST", "faults", {"kind": kind, "name": name, "match": match, "times": times, **details})]


def the_line(what: str, calls: dict[str, Any], flaky: Preset) -> tuple[Preset, ...]:
    """What can go wrong between an app and the `what`; `calls` are those about records, which most of it is about."""

    def slow(world: Any, typed: dict[str, str]) -> Orders:
        seconds = whole(typed, "seconds", 1, 300)
        return arm("latency", f"Slow: every answer takes {seconds} s longer", {}, typed, ms=seconds * 1000)

    def down(world: Any, typed: dict[str, str]) -> Orders:
        return arm("status", "Down: 503 instead of an answer", {}, typed, status=503)

    def lost(world: Any, typed: dict[str, str]) -> Orders:
        return arm("drop_after", "Lost answer: done, but the connection closes", calls, typed)

    def cut(world: Any, typed: dict[str, str]) -> Orders:
        return arm("drop_before", "Cut off: the connection closes, nothing is done", calls, typed)

    def late(world: Any, typed: dict[str, str]) -> Orders:
        seconds = whole(typed, "seconds", 1, 300)
        name = f"Time-out: no answer, the work is done {seconds} s later"
        return arm("late_commit", name, calls, typed, ms=seconds * 1000, hold=seconds * 1000)

    return (
        Preset("slow", "Slow", "Every answer comes later.", "Make it slow",
               (Input("seconds", "Seconds", "3", number=(1, 300)), often("")), slow),
        Preset("down", "Down", f"The {what} answers 503 to everything, signing in included.", "Take it down",
               (often(""),), down),
        flaky,
        Preset("lost", "Lose the answer", "The call is done, but its answer never arrives.", "Lose the answer",
               (often("1"),), lost),
        Preset("cut", "Cut the connection", "The connection closes before anything is done.", "Cut the connection",
               (often("1"),), cut),
        Preset("late", "Time out", "The call hangs, gets no answer, and is done when nobody waits any more.",
               "Let it time out", (Input("seconds", "Seconds", "60", number=(1, 300)), often("1")), late),
    )  # fmt: skip


def sessions_end(world: Any, typed: dict[str, str]) -> Orders:
    return [("POST", "expire-sessions", {})]
