"""The form of a booking calendar: all of its rules, who takes its bookings, and what guests are asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later
from django.utils.translation import ngettext

from instep.bookings.hosting import HostRow
from instep.core.booking_calendar import Ask, BookingCalendar, Question, Rules, slug_of
from instep.core.catalogue import unknown_title_words

_ASK = ((Ask.NO, later("Not asked")), (Ask.OPTIONAL, later("Optional")), (Ask.REQUIRED, later("Required")))
_STEPS = (5, 10, 15, 20, 30, 45, 60, 90, 120, 240)
_BUFFERS = (0, 5, 10, 15, 20, 30, 45, 60, 90, 120)
_NOTICES = (0, 15, 30, 60, 120, 240, 480, 720, 1440, 2880, 4320, 10080, 20160)
_PRIORITIES = 5


def minutes_words(minutes: int) -> str:
    """A number of minutes for people: “None”, “45 minutes”, “1 hour 30 minutes”, “2 days”."""
    if not minutes:
        return _("None")
    days, rest = divmod(minutes, 24 * 60)
    hours, left = divmod(rest, 60)
    words = []
    if days:
        words.append(ngettext("%(n)s day", "%(n)s days", days) % {"n": days})
    if hours:
        words.append(ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours})
    if left:
        words.append(ngettext("%(n)s minute", "%(n)s minutes", left) % {"n": left})
    return " ".join(words)


class _Minutes(forms.TypedChoiceField):
    """A number of minutes among the usual ones; one that is set already stays a choice."""

    def __init__(self, usual: Iterable[int], **options: Any) -> None:
        self._usual = frozenset(usual)
        super().__init__(coerce=int, choices=(), **options)
        self.also(0 if 0 in self._usual else min(self._usual))

    def also(self, minutes: int) -> None:
        """Offer these minutes too."""
        self.choices = [(n, minutes_words(n)) for n in sorted(self._usual | {minutes})]


class CalendarForm(forms.Form):
    """All of a calendar but its questions, which are rows of their own."""

    name = forms.CharField(
        label=later("Name"),
        max_length=200,
        help_text=later("Guests read it first, and it is the meeting's subject."),
        error_messages={"required": later("A booking calendar needs a name, like Product demo.")},
    )
    slug = forms.CharField(
        label=later("Address"),
        required=False,
        max_length=64,
        help_text=later("Small letters, digits and hyphens. Left empty, it is made from the name."),
    )
    description = forms.CharField(
        label=later("Description"), required=False, max_length=5000, widget=forms.Textarea(attrs={"rows": 3})
    )
    durations = forms.CharField(
        label=later("Duration in minutes"),
        max_length=100,
        help_text=later(
            "Several with commas between them, like 30, 60: the guest chooses, the first stands first."
        ),
        error_messages={"required": later("A meeting needs a duration, like 30.")},
    )
    virtual_location = forms.CharField(
        label=later("Video link"),
        required=False,
        max_length=1000,
        help_text=later("The same one for all meetings."),
    )
    physical_location = forms.CharField(label=later("Place"), required=False, max_length=1000)

    event_title = forms.CharField(
        label=later("Calendar event title"),
        required=False,
        max_length=250,
        help_text=later(
            "With @-properties, like “@subject with @name, @company”. Possible are @name, @first_name, "
            "@last_name, @company, @email, @subject, @calendar, @host, @duration, @location and @note. "
            "Empty: the calendar's name. The field mapping can write it into the CRM."
        ),
    )
    hosts = forms.MultipleChoiceField(label=later("Hosts"), required=False)

    slot_step = _Minutes(_STEPS, label=later("Offer a start every"))
    min_notice = _Minutes(
        _NOTICES, label=later("Minimum notice"), help_text=later("Nothing sooner than this is offered.")
    )
    window_days = forms.IntegerField(
        label=later("Days ahead"),
        min_value=1,
        max_value=730,
        help_text=later("Nothing later than this is offered."),
        error_messages={"required": later("Say how many days ahead guests may book, like 60.")},
    )
    max_per_day = forms.IntegerField(
        label=later("At most a day"),
        required=False,
        min_value=0,
        max_value=100,
        help_text=later(
            "Bookings of this calendar for each host, in the host's own day. Empty: as many as fit."
        ),
    )
    buffer_before = _Minutes(_BUFFERS, label=later("Kept free before"))
    buffer_after = _Minutes(_BUFFERS, label=later("Kept free after"))

    ask_company = forms.ChoiceField(label=later("Company"), choices=_ASK)
    ask_phone = forms.ChoiceField(label=later("Mobile phone"), choices=_ASK)
    ask_note = forms.ChoiceField(label=later("Note"), choices=_ASK)

    approval = forms.BooleanField(
        label=later("A host has to approve each booking"),
        required=False,
        help_text=later("Until then it is requested, and its time is kept."),
    )
    guest_may_cancel = forms.BooleanField(label=later("Guests may cancel"), required=False)
    guest_may_reschedule = forms.BooleanField(label=later("Guests may reschedule"), required=False)
    guest_changes_until = _Minutes(
        _NOTICES, label=later("At the latest before the start"), help_text=later("“None” is until the start.")
    )
    next_steps = forms.CharField(
        label=later("What happens next"),
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=later("Guests read it once they have booked."),
    )

    def __init__(
        self, data: Mapping[str, Any] | None, hosts: Sequence[HostRow], initial: Mapping[str, Any]
    ) -> None:
        super().__init__(data, initial=initial)
        self._hosts = hosts
        self.fields["hosts"].choices = [(host.key, host.called) for host in hosts]
        for host in hosts:
            self.fields[f"priority_{host.key}"] = forms.TypedChoiceField(
                coerce=int,
                required=False,
                empty_value=1,
                choices=[(n, str(n)) for n in range(1, _PRIORITIES + 1)],
                label=_("Priority of %(host)s") % {"host": host.called},
            )
        for name, box in self.fields.items():
            if isinstance(box, _Minutes) and str(initial.get(name, "")).isdigit():
                box.also(int(initial[name]))
            if isinstance(box, forms.CharField):
                box.widget.attrs["dir"] = "auto"

    def host_rows(self) -> list[tuple[HostRow, bool, forms.BoundField]]:
        """Each host, whether it is chosen, and the field of its priority."""
        chosen = set(self["hosts"].value() or ())
        return [(host, host.key in chosen, self[f"priority_{host.key}"]) for host in self._hosts]

    def clean_durations(self) -> tuple[int, ...]:
        """The minutes that guests choose from."""
        parts = [part for part in re.split(r"[\s,;]+", self.cleaned_data["durations"]) if part]
        if not parts or not all(re.fullmatch(r"[0-9]{1,4}", part) for part in parts):
            raise forms.ValidationError(_("Write minutes with commas between them, like 30, 60."))
        return tuple(map(int, parts))

    def clean_event_title(self) -> str:
        """The title's template; an @-property that nothing fills would stand in every event as it was typed."""
        typed = str(self.cleaned_data["event_title"]).strip()
        unknown = unknown_title_words(typed)
        if unknown:
            raise forms.ValidationError(
                _("There is no @%(word)s. Choose one of the words below.") % {"word": unknown[0]}
            )
        return typed

    def clean(self) -> None:
        """Make the address of the name where none is typed."""
        said = self.cleaned_data
        if not said.get("slug") and said.get("name") and "slug" not in self.errors:
            said["slug"] = slug_of(said["name"])
            if not said["slug"]:
                self.add_error("slug", _("The name gives no address: type one, like product-demo."))

    def rules(self, questions: Sequence[Question]) -> Rules:
        """The rules that were typed, with these questions."""
        said = self.cleaned_data
        names = [a.name for a in Rules.__attrs_attrs__ if a.name in said]
        known = {name: said[name] for name in names}
        known.update({name: Ask(said[name]) for name in ("ask_company", "ask_phone", "ask_note")})
        known["max_per_day"] = said["max_per_day"] or 0
        return Rules(**known, questions=tuple(questions))

    def chosen_hosts(self) -> tuple[tuple[str, ...], dict[str, int]]:
        """The keys of the hosts that were chosen, and the priorities that are not 1."""
        keys = tuple(self.cleaned_data["hosts"])
        given = {key: self.cleaned_data[f"priority_{key}"] for key in keys}
        return keys, {key: priority for key, priority in given.items() if priority != 1}


def initial_of(calendar: BookingCalendar | None, hosts: Sequence[HostRow]) -> dict[str, Any]:
    """What stands in the form at first: a new calendar begins with the usual rules and the only host there is."""
    if calendar is None:
        only = [host.key for host in hosts] if len(hosts) == 1 else []
        return {**_rules_initial(Rules()), "hosts": only}
    return {
        "name": calendar.name,
        "slug": calendar.slug,
        "hosts": list(calendar.hosts),
        **{f"priority_{key}": calendar.priority_of(key) for key in calendar.hosts},
        **_rules_initial(calendar.rules),
    }


def _rules_initial(rules: Rules) -> dict[str, Any]:
    known = {
        a.name: getattr(rules, a.name) for a in Rules.__attrs_attrs__ if a.name in CalendarForm.base_fields
    }
    return {
        **known,
        "durations": ", ".join(map(str, rules.durations)),
        "max_per_day": rules.max_per_day or None,
    }


def typed_values(data: Any, hosts: Sequence[HostRow]) -> dict[str, Any]:
    """What was typed into a form that is shown again without being judged."""
    names = [*CalendarForm.base_fields, *(f"priority_{host.key}" for host in hosts)]
    return {**{name: data.get(name, "") for name in names}, "hosts": data.getlist("hosts")}
