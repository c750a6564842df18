"""What can be switched on in an org, and the fields that come with it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from . import currencies, person_accounts, record_types, states
from .config import FEATURES, MULTI_CURRENCY, PERSON_ACCOUNTS, SHARED_ACTIVITIES, STATE_COUNTRY
from .schema import Field, choices_of, feature_fields

if TYPE_CHECKING:
    from .org import Org


def fields(org: "Org", feature: str) -> Iterator[tuple[str, Field]]:
    """(object, field) of all that a feature adds."""
    files = {
        PERSON_ACCOUNTS: (
            ("Account", "PersonAccount"), ("Contact", "PersonContact"), ("RecordType", "PersonRecordType"),
        ),
        SHARED_ACTIVITIES: (("Event", "SharedEvent"), ("EventRelation", "SharedEventRelation")),
    }  # fmt: skip
    for name, file in files.get(feature, ()):
        for field in feature_fields(file):
            yield name, field
    if feature == PERSON_ACCOUNTS:
        for field in list(org.catalogue["Contact"].fields.values()):
            if person_accounts.is_shared(field):
                yield "Account", person_accounts.on_account(field)
    if feature == MULTI_CURRENCY:
        yield from currencies.fields(org)
    if feature == STATE_COUNTRY:
        yield from states.fields(org)


def _loosen(org: "Org", on: bool) -> None:
    """With person accounts neither an Account's Name nor a Lead's Company is universally required."""
    for name, field_name in (("Account", "Name"), ("Lead", "Company")):
        field = org.catalogue[name].fields[field_name]
        org.add_field(name, attrs.evolve(field, nillable=on))


def switch(org: "Org", feature: str, on: bool) -> None:
    """Switch a feature on or off. Raises ValueError that says why it cannot be."""
    if feature not in FEATURES:
        raise ValueError(f"Feature {feature!r} is unknown; known are {', '.join(FEATURES)}.")
    if org.config.has(feature) == on:
        return
    if feature == PERSON_ACCOUNTS and not on:
        person_accounts.check_none(org)
    if on:
        org.config.features.append(feature)
        _show(org, feature)
        if feature == PERSON_ACCOUNTS:
            person_accounts.first_types(org)
        if feature == MULTI_CURRENCY:
            currencies.first(org)
    else:
        gone = list(fields(org, feature))
        org.config.features.remove(feature)
        for name, field in gone:
            org.remove_field(name, field.name)
        if feature == PERSON_ACCOUNTS:
            _loosen(org, False)
    org.touch("config")


def _show(org: "Org", feature: str) -> None:
    for name, field in list(fields(org, feature)):
        org.add_field(name, field)
    if feature == PERSON_ACCOUNTS:
        _loosen(org, True)


def restore(org: "Org") -> None:
    """The fields of features and record types again, after the org was read from disk or has kept its setup."""
    # State codes of person accounts exist only once person accounts do.
    for feature in FEATURES:
        if org.config.has(feature):
            _show(org, feature)
    for path, change in org.config.changes.items():
        name, _, field_name = path.partition(".")
        field = org.catalogue[name].fields.get(field_name)
        if field is not None:
            values = {**change, "choices": choices_of(change["choices"])} if "choices" in change else change
            org.add_field(name, attrs.evolve(field, **values))
    for row in org.tables.rows("RecordType").values():
        record_types.show_field(org, row.get("SobjectType", ""))
