"""A sign-in at a CRM that was begun in this browser: what was typed, and the secrets that belong to it.

It is kept in the session, encrypted, for ten minutes, and only for the user who began it. `state` and `verifier`
work once: `take` gives them out and forgets them before anything is done with them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from attrs import asdict, evolve, field, frozen
from django.http import HttpRequest
from django.utils.translation import gettext as _

from instep.core.errors import InputError, InstepError, NeedsAdmin
from instep.store import encryption

_KEY = "connecting"
SECONDS = 600


@frozen
class Pending:
    """What was typed and how far it came. `connection` is the public id of the one to renew, or empty.

    `kept` is `entered` as the vendor prepared it. `secret_typed`: the secret was typed here, not taken from what is
    stored. `moving`: the setup of `connection` goes to another org, and `tokens` wait until somebody has said yes.
    `made` is the public id of what was connected, `error` what went wrong; one of both ends it. `answered` is the
    `state` that was used up by the CRM's answer.
    """

    vendor: str
    entered: Mapping[str, str] = field(repr=False)
    connection: str = ""
    org_id: str = ""
    callback: str = ""
    kept: Mapping[str, Any] = field(factory=dict, repr=False)
    secret_typed: bool = False
    state: str = field(default="", repr=False)
    verifier: str = field(default="", repr=False)
    made: str = ""
    moving: bool = False
    tokens: Mapping[str, str] = field(factory=dict, repr=False)
    error: Mapping[str, str] = field(factory=dict)
    answered: str = field(default="", repr=False)

    @property
    def at_work(self) -> bool:
        """Whether the CRM has answered, and what follows from it is not known yet."""
        return bool(self.answered) and not (self.made or self.tokens or self.error)


def keep(request: HttpRequest, pending: Pending) -> None:
    """Remember a sign-in, from now on for ten minutes; the one before is forgotten."""
    kept = {"user": request.user.id, "at": time.time(), "pending": asdict(pending)}
    request.session[_KEY] = encryption.encrypt(json.dumps(kept)).decode("ascii")


def recall(request: HttpRequest) -> Pending | None:
    """The sign-in that this user began in this browser, or None: never, too long ago, or somebody else's."""
    sealed = request.session.get(_KEY)
    if not sealed:
        return None
    try:
        kept = json.loads(encryption.decrypt(sealed.encode("ascii")))
    except InstepError:
        return None  # the keys were changed: it has to be begun again
    if kept["user"] != request.user.id or not 0 <= time.time() - kept["at"] <= SECONDS:
        forget(request)
        return None
    return Pending(**kept["pending"])


def forget(request: HttpRequest) -> None:
    """Nothing was begun here any more."""
    request.session.pop(_KEY, None)


def take(request: HttpRequest, pending: Pending) -> None:
    """Use up `state` and `verifier`, durably: a second answer with the same state finds nothing."""
    keep(request, used(pending))
    request.session.save()


def failed(request: HttpRequest, pending: Pending, error: InstepError) -> None:
    """Remember why it did not work, beside what was typed."""
    keep(request, evolve(used(pending), error=told(error)))


def used(pending: Pending) -> Pending:
    """The sign-in after its answer: its secrets are used up."""
    return evolve(pending, state="", verifier="", answered=pending.state)


def told(error: InstepError) -> dict[str, str]:
    """An error for the form: what happened, and what to do."""
    if isinstance(error, NeedsAdmin | InputError) and error.cure:
        cure = error.cure
    else:
        # its own cure speaks of lanes, which try again by themselves; nobody does so here
        cure = _("Check the address and the network, then try again.")
    return {"message": error.message, "cure": cure, "code": error.code}
