"""State and country picklists: the code fields, and addresses that name only places that exist."""

import functools
from collections.abc import Iterator
from importlib import resources
from typing import TYPE_CHECKING

from . import errors
from .call import Caller
from .config import STATE_COUNTRY
from .errors import RowError
from .schema import Choice, Field, SObject
from .tables import Record

if TYPE_CHECKING:
    from .org import Org

_SEEN = "even though it may appear correct"
_NO_COUNTRY = (
    f"There's a problem with this country, {_SEEN}. Please select a country/territory from the list of valid "
    "countries."
)
_NO_STATE = (
    f"There's a problem with this state, {_SEEN}. Please select a state from the list of valid states."
)
_COUNTRY_FIRST = "A country/territory must be specified before specifying a state value for field: "

Countries = dict[str, tuple[str, dict[str, str]]]


@functools.cache
def countries() -> Countries:
    """Country code → (name, state code → name)."""
    file = resources.files(__package__) / "catalogue" / "features" / "countries.txt"
    found: Countries = {}
    for line in file.read_text("utf-8").splitlines():
        head, _, tail = line.partition(": ")
        code, _, name = head.partition(" = ")
        pairs = (part.partition(" = ") for part in tail.split("; ") if part)
        found[code] = (name, {state: label for state, _, label in pairs})
    return found


def _stems(obj: SObject) -> list[str]:
    """`Mailing` of MailingAddress, the empty text of Address."""
    return [f.name.removesuffix("Address") for f in obj.fields.values() if f.type == "address"]


def fields(org: "Org") -> Iterator[tuple[str, Field]]:
    """StateCode and CountryCode of every address, the first depending on the second."""
    country_choices = tuple(Choice(code, name) for code, (name, _) in countries().items())
    # The letters of a state's code may stand for one of another country too: each is a value of its own.
    state_choices = tuple(
        Choice(code, name, valid_for=(country,))
        for country, (_, states) in countries().items()
        for code, name in states.items()
    )
    for name in ("Lead", "Contact", "Account"):
        obj = org.catalogue[name]
        for stem in _stems(obj):
            label = (
                obj.fields[f"{stem}State"].label.partition(" State")[0].removesuffix("State/Province").strip()
            )
            common = {"length": 10, "restricted": True, "compound": f"{stem}Address"}
            country = f"{stem}CountryCode"
            yield (
                name,
                Field(
                    country,
                    "picklist",
                    label=f"{label} Country Code".strip(),
                    choices=country_choices,
                    **common,
                ),
            )
            yield name, Field(
                f"{stem}StateCode", "picklist", label=f"{label} State/Province Code".strip(), choices=state_choices,
                controller=country, **common,
            )  # fmt: skip


def _code_of(names: dict[str, str], text: str) -> str | None:
    wanted = text.lower()
    return next((code for code, name in names.items() if wanted in (code.lower(), name.lower())), None)


def apply(caller: Caller, obj: SObject, record: Record, changed: Record) -> None:
    """Check the addresses that a request touches; names and codes follow each other."""
    if not caller.org.config.has(STATE_COUNTRY):
        return
    for stem in _stems(caller.org.catalogue[obj.name]):
        parts = {f"{stem}{part}" for part in ("State", "StateCode", "Country", "CountryCode")}
        if parts & changed.keys():
            _place(obj, stem, record, changed)


def _place(obj: SObject, stem: str, record: Record, changed: Record) -> None:
    state, state_code, country, country_code = (
        f"{stem}{part}" for part in ("State", "StateCode", "Country", "CountryCode")
    )
    code = _chosen(
        record, changed, country, country_code, {c: n for c, (n, _) in countries().items()}, _NO_COUNTRY
    )
    record[country], record[country_code] = (countries()[code][0], code) if code else (None, None)
    if not _named(record, changed, state, state_code)[1]:
        record[state] = record[state_code] = None
        return
    if code is None:
        label = obj.fields[state].label if state in obj.fields else state
        raise RowError(errors.FIELD_INTEGRITY_EXCEPTION, _COUNTRY_FIRST + label, [state])
    if {country, country_code} & changed.keys() and not {state, state_code} & changed.keys():
        # The country alone moved: a state that it does not have is refused, as one that is sent would be.
        changed = {**changed, state: record.get(state)}
    states = countries()[code][1]
    found = _chosen(record, changed, state, state_code, states, _NO_STATE)
    record[state], record[state_code] = (states[found], found) if found else (None, None)


def _named(record: Record, changed: Record, name: str, code_name: str) -> tuple[str, str]:
    """(the field that decides, its text): the code where both are sent."""
    field = code_name if changed.get(code_name) or name not in changed else name
    return field, str(changed.get(field, record.get(field)) or "")


def _chosen(
    record: Record, changed: Record, name: str, code_name: str, names: dict[str, str], refusal: str
) -> str | None:
    """The code that the request or the record stands for."""
    field, text = _named(record, changed, name, code_name)
    if not text:
        return None
    found = _code_of(names, text)
    if found is None:
        raise RowError(errors.FIELD_INTEGRITY_EXCEPTION, refusal, [field])
    return found
