"""What to do about one refused record: the smallest thing that lets the rest go on.

A failure belongs to one field, one record, one booking, in that order (`docs/sync-semantics.md`).
"""

from __future__ import annotations

from enum import StrEnum

from attrs import frozen

from instep.core.changes import Action, Change, Verdict, Write
from instep.core.errors import InstepError, NeedsAdmin, Retry, Scope, Skip
from instep.core.mapping import fingerprint


class Reaction(StrEnum):
    """The possible answers to a refusal."""

    LEAVE_OUT = "leave_out"
    """Leave the named fields out of this record and send it again at once."""
    LATER = "later"
    """Try this record again after a pause; its children go on without it."""
    LOOK_AGAIN = "look_again"
    """What we believed of the record is wrong: read before writing again."""
    DOUBLED = "doubled"
    """The CRM says that the record is there already: the one that it names is used."""
    WAIT = "wait"
    """Only a person can cure it; the record waits with the CRM's words."""


@frozen
class Refusal:
    """The reaction to one refusal. `fields` are left out; `everywhere` for any value on any record."""

    reaction: Reaction
    message: str
    fields: tuple[Change, ...] = ()
    everywhere: bool = False


# The codes of refusals, in Salesforce's words; other vendors' adapters say theirs in these.

#: no record has this id
NOT_THERE = "NOT_FOUND"
#: another record has this unique value
TAKEN = "DUPLICATE_VALUE"
#: a required field has no value; said of changes that leave the field alone, too
REQUIRED = "REQUIRED_FIELD_MISSING"
#: a value that the field's list does not have
NO_SUCH_CHOICE = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
#: the field is not there
NO_SUCH_FIELD = "INVALID_FIELD"
#: ours: a field that people are found by is hidden, or cannot be searched
NOT_SEARCHABLE = "NOT_SEARCHABLE"
#: the field takes no value
READ_ONLY_FIELD = "INVALID_FIELD_FOR_INSERT_UPDATE"
#: the connected user lacks a right
NO_RIGHT = "INSUFFICIENT_ACCESS"
#: who should own the record is active no more
OWNER_INACTIVE = "INACTIVE_OWNER_OR_USER"
#: a rule that an admin made refused the value
RULE_BROKEN = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
#: the calls of the day are used up
LIMIT_USED_UP = "REQUEST_LIMIT_EXCEEDED"
#: the record is not what we took it for
_STALE = frozenset(
    {
        "ENTITY_IS_DELETED",
        NOT_THERE,
        "INVALID_CROSS_REFERENCE_KEY",
        "CANNOT_UPDATE_CONVERTED_LEAD",
        TAKEN,
        "DUPLICATE_EXTERNAL_ID",
    }
)
#: a duplicate rule has refused the record
DOUBLED = "DUPLICATES_DETECTED"
#: the field is missing, hidden or read-only: no value would pass on any record
FIELD_CLOSED = frozenset({NO_SUCH_FIELD, READ_ONLY_FIELD})


def react(write: Write, error: InstepError) -> Refusal:
    """Decide about one refused write. Codes are the CRM's; statuses and texts decide nothing."""
    message = error.message
    if isinstance(error, Retry):
        return Refusal(Reaction.LATER, message)
    blamed = _blamed(write, error.fields)
    if blamed and (error.scope is Scope.FIELD or isinstance(error, NeedsAdmin | Skip)):
        return Refusal(Reaction.LEAVE_OUT, message, blamed, error.code in FIELD_CLOSED)
    if error.code == DOUBLED and write.action is not Action.UPDATE:
        return Refusal(Reaction.DOUBLED, message)
    if error.code in _STALE:
        return Refusal(Reaction.LOOK_AGAIN, message)
    optional = tuple(c for c in write.changes if c.verdict is Verdict.WRITE and _spare(c))
    if optional and not error.fields:
        # no field is named, so any may be the cause: once without all that can be spared
        return Refusal(Reaction.LEAVE_OUT, message, optional)
    return Refusal(Reaction.WAIT, message)


def _spare(change: Change) -> bool:
    """Mapped and not needed to know the record again: the address by which a person is found stays."""
    return change.optional and change.source not in ("", "contact.email")


def _blamed(write: Write, names: tuple[str, ...]) -> tuple[Change, ...]:
    """The changes that the CRM named and that may be left out or replaced."""
    wanted = {name.lower() for name in names}
    return tuple(
        change
        for change in write.changes
        if change.verdict is Verdict.WRITE
        and change.field.lower() in wanted
        and (change.optional or (change.source and not change.stand_in))
    )


def quarantined_value(change: Change) -> str:
    """The form in which a refused value is remembered: the same value is not sent again."""
    return fingerprint(change.new)
