"""What a guest fills in: the fields that the calendar's rules ask for, and what comes out of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import phonenumbers
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from instep.core import cldr
from instep.core.booking import Guest
from instep.core.booking_calendar import Ask, Question, QuestionType, Rules
from instep.core.contact import identity_email, tidy_email
from instep.core.errors import InputError
from instep.guest.known import NOTHING, QUESTION, Known

#: a field that people do not see, and programs fill in
TRAP = "website"
#: more choices than this are a list to open, not one to look at
_MOST_BUTTONS = 5
_LINE, _TEXT = 200, 2000
_REQUIRED = gettext_lazy("Fill in this field.")


class DetailsForm(forms.Form):
    """Name, e-mail, and what the rules ask for. `zone` is the guest's, which tells the country of a phone number.

    What is `known` has no field: nobody sees or changes it here. `known_labels` says what that is.
    """

    def __init__(self, rules: Rules, zone: str, known: Known = NOTHING, **given: Any) -> None:
        super().__init__(auto_id="id_%s", **given)
        self._known = known
        self._region = cldr.territory(zone)
        self._questions = rules.questions
        self.fields["name"] = _line(_("Name"), "name", required=True)
        self.fields["email"] = _email()
        _add(self.fields, "phone", rules.ask_phone, _phone())
        _add(self.fields, "company", rules.ask_company, _line(_("Company"), "organization"))
        for question in rules.questions:
            self.fields[QUESTION + question.identifier] = _answer(question)
        _add(self.fields, "note", rules.ask_note, _long(_("Anything the host should know?")))
        hidden = [name for name in self.fields if name in known.fields]
        self.known_labels = [str(self.fields.pop(name).label) for name in hidden]

    def clean_email(self) -> str:
        """The address, its domain in lower case."""
        email = tidy_email(self.cleaned_data["email"])
        if not identity_email(email):
            raise ValidationError(_EMAIL_HINT)
        return email

    def clean_phone(self) -> str:
        """The number in its international form; without a country code it is one of the guest's own country."""
        typed = self.cleaned_data["phone"]
        if not typed:
            return ""
        try:
            number = phonenumbers.parse(typed, self._region or None)
        except phonenumbers.NumberParseException:
            number = None
        if number is None or not phonenumbers.is_possible_number(number):
            example = _example(self._region)
            raise ValidationError(
                _("This is no complete phone number. Write it with its country code, like %(example)s.")
                % {"example": example}
            )
        return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))

    def blame(self, refused: InputError) -> bool:
        """Show a refusal at the field that it names; False where it names none of these."""
        names = [name for said in refused.fields for name in (said, QUESTION + said) if name in self.fields]
        for name in names[:1]:
            self.add_error(name, str(refused))
        return bool(names)

    def guest(self) -> Guest:
        """The guest, from a form without errors."""
        said = {**self.cleaned_data, **self._known.guest}
        return Guest(
            name=said["name"],
            email=said["email"],
            phone=said.get("phone", ""),
            mobile_phone=said.get("mobile_phone", ""),
            company=said.get("company", ""),
            note=said.get("note", ""),
        )

    def answers(self) -> dict[str, str]:
        """The answers that were given, by identifier, from a form without errors."""
        asked = [q for q in self._questions if q.identifier not in self._known.answers]
        given = {q.identifier: self._answer_to(q) for q in asked}
        return dict(self._known.answers) | {
            identifier: answer for identifier, answer in given.items() if answer
        }

    def _answer_to(self, question: Question) -> str:
        said = self.cleaned_data[QUESTION + question.identifier]
        if question.type is QuestionType.CONSENT:
            # goes into a CRM: not in the guest's language
            return "Yes" if said else ""
        return str(said)

    def summary(self) -> Iterator[tuple[str, str]]:
        """Label and value of all that was said, from a form without errors."""
        for name, field in self.fields.items():
            said = self.cleaned_data.get(name)
            if said:
                yield str(field.label), _("Yes") if said is True else str(said)

    def typed(self) -> Iterator[tuple[str, str]]:
        """Name and value of all that was said, to be carried on in hidden fields."""
        for name in self.fields:
            said = self.cleaned_data.get(name)
            if said:
                yield name, "on" if said is True else str(said)


def prefilled(rules: Rules, prefill: Mapping[str, str]) -> dict[str, str]:
    """What a link filled in, by field; `prefill` has the names that links use (`asked.PREFILL`, identifiers)."""
    said = dict(prefill)
    said["phone"] = said.get("phone") or said.pop("mobile_phone", "")
    own = {QUESTION + q.identifier: said[q.identifier] for q in rules.questions if said.get(q.identifier)}
    return {**{name: value for name, value in said.items() if value}, **own}


_EMAIL_HINT = gettext_lazy("This is no complete e-mail address. Write it like name@example.com.")


def _add(fields: dict[str, forms.Field], name: str, ask: Ask, field: forms.Field) -> None:
    if ask is not Ask.NO:
        field.required = ask is Ask.REQUIRED
        fields[name] = field


def _line(label: str, autocomplete: str, *, required: bool = False) -> forms.Field:
    return forms.CharField(
        label=label,
        max_length=_LINE,
        required=required,
        widget=forms.TextInput({"autocomplete": autocomplete, "dir": "auto"}),
        error_messages={"required": _REQUIRED},
    )


def _email() -> forms.Field:
    return forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput({"autocomplete": "email", "dir": "ltr"}),
        error_messages={"required": _REQUIRED, "invalid": _EMAIL_HINT},
    )


def _phone() -> forms.Field:
    return forms.CharField(
        label=_("Phone"),
        max_length=40,
        widget=forms.TextInput({"type": "tel", "autocomplete": "tel", "dir": "ltr"}),
        error_messages={"required": _REQUIRED},
    )


def _long(label: str) -> forms.Field:
    return forms.CharField(
        label=label,
        max_length=_TEXT,
        widget=forms.Textarea({"rows": 3, "dir": "auto"}),
        error_messages={"required": _REQUIRED},
    )


def _answer(question: Question) -> forms.Field:
    if question.type is QuestionType.CONSENT:
        return forms.BooleanField(
            label=question.label,
            required=question.required,
            error_messages={"required": _("This must be ticked to go on.")},
        )
    if question.type is QuestionType.SELECT:
        return _choice(question)
    field = _long(question.label) if question.type is QuestionType.LONG_TEXT else _line(question.label, "off")
    field.required = question.required
    return field


def _choice(question: Question) -> forms.Field:
    few = len(question.options) <= _MOST_BUTTONS
    choices = [(option, option) for option in question.options]
    if not few or not question.required:
        # with buttons, too: what was chosen by mistake can be taken back
        choices.insert(0, ("", _("No answer") if few else _("Choose…")))
    return forms.ChoiceField(
        label=question.label,
        choices=choices,
        required=question.required,
        widget=forms.RadioSelect() if few else forms.Select({"dir": "auto"}),
        error_messages={"required": _("Choose one."), "invalid_choice": _("Choose one of the answers.")},
    )


def _example(region: str) -> str:
    number = phonenumbers.example_number(region) if region else None
    number = number or phonenumbers.example_number("GB")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL))
