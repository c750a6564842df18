"""What is kept of what we wrote: little of it, and all of it comes back."""

from __future__ import annotations

import json
from typing import Any

from attrs import asdict
from hypothesis import given
from hypothesis import strategies as st

from instep.core.work import Known, Sent, sent_document, sent_of

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(0, 1),
    st.sampled_from([0.0, 1.0, 1.5]),
    st.sampled_from(["", "1", "Ann"]),
)
NAMES = st.sampled_from(["Email", "Phone", "OwnerId"])
SENT = st.builds(
    Sent, VALUES, st.sampled_from(["", "1", "Ann", "None"]), st.booleans(), st.sampled_from(["", "2026"])
)


def kept(document: Any) -> Any:
    return json.loads(json.dumps(document))


def typed(sent: dict[str, Sent]) -> dict[str, Any]:
    """With the types, which Python's own comparison of 1, 1.0 and True leaves out."""
    return {name: (one, type(one.value), type(one.source_value)) for name, one in sent.items()}


@given(st.dictionaries(NAMES, VALUES), st.dictionaries(NAMES, SENT))
def test_all_of_it_comes_back(snapshot: dict[str, Any], sent: dict[str, Sent]) -> None:
    document = kept(sent_document(Known(snapshot, sent)))
    assert typed(sent_of(document, kept(snapshot))) == typed(sent)


@given(st.dictionaries(NAMES, VALUES), st.dictionaries(NAMES, SENT))
def test_what_was_kept_in_full_is_read_too(snapshot: dict[str, Any], sent: dict[str, Sent]) -> None:
    document = kept({name: asdict(one) for name, one in sent.items()})
    assert typed(sent_of(document, kept(snapshot))) == typed(sent)


def test_what_the_snapshot_and_the_source_say_is_not_said_again() -> None:
    known = Known({"Email": "ann@guest.example"}, {"Email": Sent("ann@guest.example", "ann@guest.example")})
    assert sent_document(known) == {"Email": {}}
