"""Custom properties as admins make them: what is refused, and why."""

from __future__ import annotations

from collections.abc import Sequence

from instep.core.booking_calendar import Question, QuestionType, is_identifier
from instep.core.catalogue import TYPES
from instep.core.errors import InputError
from instep.store import property_queries

CONTACT, MEETING = "Contact", "Meeting"
OBJECTS = (CONTACT, MEETING)
#: the source tracking of links has names of its own
_RESERVED = "utm_"
_TYPE_OF = {
    QuestionType.TEXT: "text",
    QuestionType.LONG_TEXT: "textarea",
    QuestionType.SELECT: "picklist",
    QuestionType.CONSENT: "boolean",
}


def create(
    account_id: int, object_name: str, label: str, identifier: str, kind: str, description: str = ""
) -> int:
    """Make a property; its key. Raises `InputError` for what cannot be, and for an identifier that is taken."""
    _check(label, kind)
    if object_name not in OBJECTS:
        raise InputError(f"There is no object {object_name}.", code="OBJECT")
    if not is_identifier(identifier):
        raise InputError(
            f"“{identifier[:60]}” cannot be an identifier.",
            cure="Small letters, digits and _ only, a letter first, up to 40, like team_size.",
            code="IDENTIFIER",
        )
    if identifier.startswith(_RESERVED):
        raise InputError(
            f"Identifiers that begin with {_RESERVED} belong to the source tracking of links.",
            cure="Choose another one.",
            code="IDENTIFIER",
        )
    key = property_queries.add_property(
        account_id, object_name, identifier, label.strip(), kind, description.strip()
    )
    if key is None:
        raise InputError(
            f"{object_name} has a property “{identifier}” already.",
            cure="Choose another identifier, or change that property. It may be archived.",
            code="IDENTIFIER_TAKEN",
        )
    return key


def change(account_id: int, key: int, label: str, kind: str, description: str = "") -> None:
    """Change what a property is called and holds. Raises `InputError` for what cannot be."""
    _check(label, kind)
    property_queries.change_property(account_id, key, label.strip(), kind, description.strip())


def of_questions(account_id: int, questions: Sequence[Question]) -> None:
    """Make the properties that keep the answers to these questions, so that a mapping can use them at once."""
    property_queries.name_properties(
        account_id,
        [
            (name, question.identifier, question.label, _TYPE_OF[question.type])
            for question in questions
            for name in OBJECTS
        ],
    )


def _check(label: str, kind: str) -> None:
    if not label.strip():
        raise InputError("A property needs a name: mappings and forms show it.", code="LABEL")
    if len(label) > 200 or not label.isprintable():
        raise InputError("The name is too long, or has more than one line.", code="LABEL")
    if kind not in TYPES:
        raise InputError(f"There is no type {kind}.", code="TYPE")
