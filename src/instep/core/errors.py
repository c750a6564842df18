"""The error tree. The class of an error is the decision what to do about it.

    InstepError
    ├── Retry        try again later, by itself: time-outs, 5xx, locked rows
    ├── Wait         the whole connection pauses, then goes on by itself: quota, rate limits
    ├── Skip         this one part is left out for good, the rest goes on
    ├── NeedsAdmin   a person has to change something: a rule, a right, a token, an input
    └── Bug          our own mistake: reported, kept, never repeated blindly

`scope` says how much the decision covers: one field, one record, the batch, or the connection.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from instep.core.redaction import without_tokens


class Scope(StrEnum):
    """How much of the work an error stops."""

    FIELD = "field"
    RECORD = "record"
    BATCH = "batch"
    CONNECTION = "connection"


class InstepError(Exception):
    """Anything Instep tells a person: the thing, the cause and the cure, in that order.

    `code` is stable and machine-readable (a CRM's errorCode where there is one); `fields` are the
    API names that the CRM blamed; `request_id` is the CRM's own id of the request, if it gave one.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        cure: str = "",
        scope: Scope = Scope.RECORD,
        fields: tuple[str, ...] = (),
        request_id: str = "",
        after: float | None = None,
        outcome_unknown: bool = False,
        matches: tuple[tuple[str, str], ...] = (),
    ) -> None:
        # a CRM's own words are in many of them, and end in logs, receipts and on pages
        message = without_tokens(message)
        super().__init__(message)
        self.message = message
        self.code = code or type(self).__name__
        self.cure = cure
        self.scope = scope
        self.fields = fields
        self.request_id = request_id
        #: seconds that the other side asked us to wait, if it said so
        self.after = after
        #: True when the effect may have happened although no answer came
        self.outcome_unknown = outcome_unknown
        #: (object, record id) of the records that a duplicate refusal named
        self.matches = matches
        #: the answers that had come in when this error stopped the rest (`crm.port.Applied`), or None
        self.partial: Any = None

    def __str__(self) -> str:
        return f"{self.message} {self.cure}".strip()

    @property
    def decision(self) -> str:
        """The name of the class that decides: Retry, Wait, Skip, NeedsAdmin or Bug, whatever the subclass."""
        return next((kind.__name__ for kind in DECISIONS if isinstance(self, kind)), "Bug")


class Retry(InstepError):
    """Passing trouble: the same work is tried again with growing pauses."""


class Wait(InstepError):
    """The connection has to pause, `after` seconds if known; order is kept and nothing is lost."""


class Skip(InstepError):
    """This part cannot be written and need not be: it is left out and shown."""


class NeedsAdmin(InstepError):
    """Only a person can cure this; the message says how."""


class Bug(InstepError):
    """Instep sent something it should not have sent."""


class Fenced(InstepError):
    """Another worker has taken over this connection: stop writing at once."""


class InputError(NeedsAdmin):
    """What a person or another system handed in cannot be used; nothing was changed."""


DECISIONS: tuple[type[InstepError], ...] = (Retry, Wait, Skip, NeedsAdmin, Bug)
