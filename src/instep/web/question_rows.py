"""The questions of a calendar's form: rows that are added, moved and removed by plain submit buttons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later

from instep.core.booking_calendar import Question, QuestionType, is_identifier, slug_of

_TYPES = (
    (QuestionType.TEXT, later("One line")),
    (QuestionType.LONG_TEXT, later("Several lines")),
    (QuestionType.SELECT, later("Choice from a list")),
    (QuestionType.CONSENT, later("Consent: a box to tick")),
)
_MOST = 40
_LONGEST_IDENTIFIER = 40
#: how the hidden field is named that says how many rows there are
COUNT = "questions"


class QuestionForm(forms.Form):
    """One question. A row without any text is none."""

    label = forms.CharField(
        label=later("Question"), required=False, max_length=500, widget=forms.TextInput(attrs={"dir": "auto"})
    )
    type = forms.ChoiceField(label=later("Answer"), choices=_TYPES)
    required = forms.BooleanField(label=later("Has to be answered"), required=False)
    options = forms.CharField(
        label=later("Choices"),
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
        help_text=later("For a choice from a list: one on each line."),
    )
    identifier = forms.CharField(
        label=later("Identifier"),
        required=False,
        max_length=_LONGEST_IDENTIFIER,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=later(
            "The property that keeps the answer, for the mapping to the CRM. Empty: made from the question."
        ),
    )

    @property
    def is_blank(self) -> bool:
        """Whether nothing was typed: then the row is no question."""
        return not any(self.cleaned_data.get(name) for name in ("label", "options", "identifier"))

    def clean_identifier(self) -> str:
        """A name that a mapping can use."""
        typed = str(self.cleaned_data["identifier"]).strip()
        if typed and not is_identifier(typed):
            raise forms.ValidationError(
                _("Small letters, digits and _ only, a letter first, like %(like)s.")
                % {"like": _suggested(typed)}
            )
        return typed

    def clean(self) -> None:
        """A question needs its text, and a list its choices."""
        said = self.cleaned_data
        said["options"] = tuple(filter(None, map(str.strip, said.get("options", "").splitlines())))
        if not self.is_blank and not said.get("label"):
            self.add_error("label", _("Type the question, or remove this row."))
        if said.get("type") == QuestionType.SELECT and not self.is_blank and len(said["options"]) < 2:
            self.add_error("options", _("A list needs two choices at least, one on each line."))


@frozen
class QuestionRows:
    """The rows as they stand in the form. `fresh` is the index of one to type into next, -1 for none."""

    forms: tuple[QuestionForm, ...]
    fresh: int = -1

    def are_valid(self) -> bool:
        """Whether all rows can be read; marks those that cannot, and identifiers that stand twice."""
        valid = all([form.is_valid() for form in self.forms])
        seen: set[str] = set()
        for form in self.forms:
            identifier = form.cleaned_data.get("identifier", "")
            if identifier in seen:
                form.add_error("identifier", _("Another question has this identifier."))
                valid = False
            seen |= {identifier} - {""}
        return valid

    def questions(self) -> tuple[Question, ...]:
        """The questions that were typed, each with an identifier of its own."""
        found: list[Question] = []
        taken = {f.cleaned_data["identifier"] for f in self.forms if f.cleaned_data["identifier"]}
        for form in self.forms:
            if form.is_blank:
                continue
            said = form.cleaned_data
            identifier = said["identifier"] or _free(said["label"], taken)
            taken.add(identifier)
            kind = QuestionType(said["type"])
            options = said["options"] if kind is QuestionType.SELECT else ()
            found.append(Question(identifier, said["label"], kind, said["required"], options))
        return tuple(found)


def rows_of(questions: Sequence[Question]) -> QuestionRows:
    """The rows of a form that is opened."""
    return _unjudged([_typed_of(question) for question in questions])


def rows_after(data: Mapping[str, Any], act: str) -> QuestionRows:
    """The rows after an act, one of “add”, “remove-2” and “up-2”, with what was typed."""
    rows = [_typed_at(data, index) for index in range(_count(data))]
    word, _sep, place = act.partition("-")
    index = int(place) if place.isdecimal() and len(place) < 4 else -1
    if word == "add" and len(rows) < _MOST:
        rows.append({})
        return _unjudged(rows, len(rows) - 1)
    if word == "remove" and 0 <= index < len(rows):
        del rows[index]
        return _unjudged(rows, min(index, len(rows) - 1))
    if word == "up" and 0 < index < len(rows):
        rows[index - 1], rows[index] = rows[index], rows[index - 1]
        return _unjudged(rows, index - 1)
    return _unjudged(rows)


def rows_sent(data: Mapping[str, Any]) -> QuestionRows:
    """The rows of a form that is to be saved."""
    return QuestionRows(tuple(QuestionForm(data, prefix=_prefix(index)) for index in range(_count(data))))


def _unjudged(rows: Sequence[Mapping[str, Any]], fresh: int = -1) -> QuestionRows:
    found = tuple(QuestionForm(None, prefix=_prefix(i), initial=row) for i, row in enumerate(rows))
    if 0 <= fresh < len(found):
        found[fresh].fields["label"].widget.attrs["autofocus"] = True
    return QuestionRows(found, fresh)


def _prefix(index: int) -> str:
    return f"q{index}"


def _count(data: Mapping[str, Any]) -> int:
    said = str(data.get(COUNT, ""))
    return min(int(said), _MOST) if said.isdecimal() and len(said) < 4 else 0


def _typed_at(data: Mapping[str, Any], index: int) -> dict[str, Any]:
    return {name: data.get(f"{_prefix(index)}-{name}", "") for name in QuestionForm.base_fields}


def _typed_of(question: Question) -> dict[str, Any]:
    return {
        "label": question.label,
        "type": question.type,
        "required": question.required,
        "options": "\n".join(question.options),
        "identifier": question.identifier,
    }


def _free(label: str, taken: set[str]) -> str:
    """An identifier that the question's text suggests and no other question has."""
    base = _suggested(label)
    tries = (base, *(f"{base}_{n}" for n in range(2, _MOST + 2)))
    return next(name for name in tries if name not in taken)


def _suggested(text: str) -> str:
    base = slug_of(text).replace("-", "_")[: _LONGEST_IDENTIFIER - 6].strip("_")
    return base if base[:1].isalpha() else f"q_{base}".rstrip("_")
