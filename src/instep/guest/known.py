"""Private mode: what the CRM knows of the guest whom a link names. It fills the form and never stands in a page.

Source: private mode and skipping (OnceHub 4.3).
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen
from django.core.signing import BadSignature, TimestampSigner
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy

from instep.core.booking_calendar import Ask, Question, QuestionType, Rules
from instep.core.contact import identity_email, tidy_email

#: form fields of questions begin so: a question may be named `email`
QUESTION = "q_"
_LINE, _ADDRESS, _PHONE, _TEXT = 200, 254, 40, 2000
#: where a refusal would quote what a page keeps to itself
NOT_AS_KNOWN = gettext_lazy(
    "Something that your host has on record does not fit this calendar any more. Please write to your host."
)
_SALT = "instep.guest.known"
#: seconds in which a form that was shown open is taken back as it was typed
_OPEN_FOR = 24 * 3600


@frozen
class Known:
    """What need not be asked: values of the guest by the names of `core.booking.Guest`, and answers by identifier."""

    guest: Mapping[str, str] = field(factory=dict)
    answers: Mapping[str, str] = field(factory=dict)

    def __bool__(self) -> bool:
        """Whether anything is known."""
        return bool(self.guest or self.answers)

    @property
    def fields(self) -> frozenset[str]:
        """The fields of the form that are filled by this."""
        plain = {"phone" if name == "mobile_phone" else name for name in self.guest}
        return frozenset(plain | {QUESTION + identifier for identifier in self.answers})


NOTHING = Known()


def known_of(rules: Rules, values: Mapping[str, str]) -> Known:
    """What of a record's values (by catalogue key) answers this form. What would not be taken is asked as usual."""
    said = {
        "name": " ".join(values.get("contact.name", "").split())[:_LINE],
        "email": tidy_email(values.get("contact.email", "")),
    }
    if not identity_email(said["email"]) or len(said["email"]) > _ADDRESS:
        said["email"] = ""
    if rules.ask_company is not Ask.NO:
        said["company"] = values.get("contact.company", "")[:_LINE]
    if rules.ask_phone is not Ask.NO:
        # as it stands in the CRM: of which country a number without a code is, nobody here knows
        for name in ("phone", "mobile_phone"):
            said[name] = values.get(f"contact.{name}", "")[:_PHONE]
    answers = {question.identifier: _answer(question, values) for question in rules.questions}
    return Known(_filled(said), _filled(answers))


def _filled(said: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in said.items() if value}


def _answer(question: Question, values: Mapping[str, str]) -> str:
    """The answer that the CRM has to a question; consent is the guest's own to give."""
    if question.type is QuestionType.CONSENT:
        return ""
    for source in ("contact", "meeting"):
        found = values.get(f"{source}.custom.{question.identifier}", "")
        if question.type is QuestionType.SELECT and found not in question.options:
            continue
        if found:
            return found[: _TEXT if question.type is QuestionType.LONG_TEXT else _LINE]
    return ""


# --- a form that had to be shown open ---


def open_mark(account_id: int, calendar_id: str, ids: Mapping[str, str]) -> str:
    """Says in a form that it was shown whole, because nothing was known: what is typed into it counts."""
    return TimestampSigner(salt=_SALT).sign(_names(account_id, calendar_id, ids))


def is_open(mark: str, account_id: int, calendar_id: str, ids: Mapping[str, str]) -> bool:
    """Whether a sent form of that calendar was shown whole for these ids."""
    try:
        return TimestampSigner(salt=_SALT).unsign(mark, max_age=_OPEN_FOR) == _names(
            account_id, calendar_id, ids
        )
    except (BadSignature, UnicodeError):
        return False


def _names(account_id: int, calendar_id: str, ids: Mapping[str, str]) -> str:
    said = [str(account_id), calendar_id, *(f"{k}={ids[k]}" for k in sorted(ids))]
    return salted_hmac(_SALT, "|".join(said)).hexdigest()[:20]
