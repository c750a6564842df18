"""The words of the creation rules: the documented choices, and what each of them means for somebody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as later

from instep.core.creation import Duplicates, Guests, Ownership, PersonAccounts
from instep.core.profile import Profile

OVERRIDE, FILL, MIXED = "override", "fill", "mixed"

#: what each choice means for somebody, by name of the field and value
_EXAMPLES: Mapping[tuple[str, str], Any] = {
    ("data", OVERRIDE): later(
        "Ines is in %(crm)s already and books with a new phone number: it replaces the one that is there."
    ),
    ("data", FILL): later(
        "Ines is in %(crm)s already and keeps the phone number that is there; if there is none, the new one is added."
    ),
    ("data", MIXED): later("The rows of the field mapping differ: each keeps what it says."),
    ("existing", Ownership.KEEP): later("Ines stays with whoever owns her record now."),
    ("existing", Ownership.HOST): later("Ines goes to the host whom she has booked."),
    ("existing", Ownership.RULES): later(
        "The active assignment rule in %(crm)s decides, at every booking of hers."
    ),
    ("new", Ownership.HOST): later("A new record belongs to the host who was booked."),
    ("new", Ownership.RULES): later("The active assignment rule in %(crm)s gives the new record its owner."),
    ("new_contacts", "Lead"): later(
        "Ines, who is not in %(crm)s yet, becomes a Lead. If she is a Contact there, the Contact is updated."
    ),
    ("new_contacts", "Contact"): later(
        "Ines, who is not in %(crm)s yet, becomes a Contact of her company's Account. If she is a Lead there, the Lead "
        "is updated."
    ),
    ("person_accounts", PersonAccounts.NEVER): later(
        "Those that are there are found and kept in step; none is made."
    ),
    ("person_accounts", PersonAccounts.WITHOUT_COMPANY): later(
        "Ines names no company and becomes a person account; Rui of Castro Lda becomes a Contact."
    ),
    ("person_accounts", PersonAccounts.ALWAYS): later("Everybody who is new becomes a person account."),
    ("duplicates", Duplicates.MATCH): later(
        "The rule says that Ines is I. Castro: her booking goes to that record."
    ),
    ("duplicates", Duplicates.SAVE): later(
        "She is saved beside it where the rule only warns; where it forbids, its record is used."
    ),
    ("guests", Guests.LIST): later("Their names stand in the description of the %(meeting)s."),
    ("guests", Guests.RELATE): later("%(related)s"),
    ("guests", Guests.RECORDS): later(
        "rui@castro.example is not there yet: he gets a record like the one who booked, named by his address."
    ),
    ("deleted_event", "recreate"): later(
        "Somebody deletes the %(meeting)s by mistake: the booking's next change makes it again."
    ),
    ("deleted_event", "leave"): later("What somebody deleted stays deleted."),
}

DATA_WORDS = (
    (OVERRIDE, later("Override %(crm)s data with Instep data")),
    (FILL, later("Keep %(crm)s data and fill only empty fields")),
)
OWNER_WORDS = {
    Ownership.KEEP: later("Keep %(crm)s owner"),
    Ownership.HOST: later("Booking page Owner (the host)"),
    Ownership.RULES: later("Active assignment rules"),
}

#: the same for what is no person: Ines and her phone number would explain nothing there
_COMPANY_EXAMPLES: Mapping[tuple[str, str], Any] = {
    ("data", OVERRIDE): later(
        "Ines books with a new phone number for Castro Lda, which is there already: its number becomes the new one."
    ),
    ("data", FILL): later(
        "Castro Lda, which is there already, keeps the phone number that it has there; if it had none, it gets it."
    ),
}
_CASE_EXAMPLES: Mapping[tuple[str, str], Any] = {
    ("data", OVERRIDE): later(
        "Ines books by a link of her Case: its subject and description become the booking's."
    ),
    ("data", FILL): later(
        "Ines books by a link of her Case: it keeps its subject; a description that was empty is filled."
    ),
    ("existing", Ownership.KEEP): later("The Case of the link stays with whoever owns it now."),
    ("existing", Ownership.HOST): later("The Case of the link goes to the host who was booked."),
    ("existing", Ownership.RULES): later(
        "The active assignment rule in %(crm)s decides, at every booking by a link of the Case."
    ),
    ("new", Ownership.HOST): _EXAMPLES["new", Ownership.HOST],
    ("new", Ownership.RULES): later(
        "The active assignment rule in %(crm)s gives the new Case its owner or queue."
    ),
}


def examples_of(profile: Profile, name: str) -> Mapping[tuple[str, str], Any]:
    """The examples that fit an object, by name of the choice and value; an empty name is that of no object."""
    if profile.company is not None and name == profile.company.name:
        return {**_EXAMPLES, **_COMPANY_EXAMPLES}
    if profile.case is not None and name == profile.case.name:
        return {**_EXAMPLES, **_CASE_EXAMPLES}
    return _EXAMPLES
