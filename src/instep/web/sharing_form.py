"""The form that asks for which records signed links are made, and for how long they work."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later

from instep.core.errors import InputError
from instep.engine.record_links import LONGEST_LIFE, checked_record

MOST_RECORDS = 1000
_LONGEST = 40 * MOST_RECORDS
#: so many wrong lines are named; more tell nothing new
_MOST_NAMED = 3

SKIP_FORM, PREFILL_FORM = "skip", "prefill"
STEPS = (
    (SKIP_FORM, later("Skip the Booking form")),
    (PREFILL_FORM, later("Prepopulate the Booking form")),
)


class SignedForm(forms.Form):
    """Record ids, one on each line; `cleaned_data["records"]` has them in their long form, each once."""

    use_required_attribute = False

    records = forms.CharField(
        label=later("Record ids"),
        max_length=_LONGEST,
        widget=forms.Textarea({"rows": 4, "dir": "ltr", "spellcheck": "false", "autocomplete": "off"}),
        help_text=later("Of Leads, Contacts or Cases, one on each line: 15 or 18 characters."),
        error_messages={"required": later("Enter at least one id.")},
    )
    days = forms.IntegerField(
        label=later("Valid for days"),
        min_value=1,
        max_value=LONGEST_LIFE.days,
        initial=30,
        widget=forms.NumberInput({"inputmode": "numeric"}),
    )
    step = forms.ChoiceField(
        label=later("Booking form step"), choices=STEPS, initial=SKIP_FORM, widget=forms.RadioSelect
    )

    def __init__(self, data: object = None) -> None:
        super().__init__(data, auto_id="signed-%s")

    def clean_records(self) -> tuple[str, ...]:
        """The ids; every line that is none is named, up to a few."""
        lines = list(dict.fromkeys(self.cleaned_data["records"].replace(",", " ").split()))
        if len(lines) > MOST_RECORDS:
            raise ValidationError(_("At most %(n)s ids at once.") % {"n": MOST_RECORDS})
        found, wrong = [], []
        for line in lines:
            try:
                found.append(checked_record(line))
            except InputError as error:
                wrong.append(str(error))
        if wrong:
            raise ValidationError(wrong[:_MOST_NAMED])
        return tuple(dict.fromkeys(found))
