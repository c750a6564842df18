"""The page that shows every part of the design system in use. docs/patterns.md says when to use which."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from instep.core.booking import Status

#: (ink, ground) pairs that stand together on pages, as names of tokens
PAIRS = (
    ("ink", "surface"),
    ("ink", "canvas"),
    ("ink", "sunk"),
    ("muted", "surface"),
    ("muted", "canvas"),
    ("muted", "sunk"),
    ("accent", "surface"),
    ("accent", "canvas"),
    ("accent", "sunk"),
    ("accent-strong", "surface"),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("on-bad", "bad"),
    ("bad", "surface"),
    ("bad", "canvas"),
    ("wait", "surface"),
    ("good", "surface"),
    *((ink, f"{ink}-ground") for ink in ("good", "wait", "bad", "blue", "violet", "grey")),
    *(("ink", f"{ground}-ground") for ground in ("good", "wait", "bad", "blue")),
    *(("accent", f"{ground}-ground") for ground in ("good", "wait", "bad", "blue")),
)


class Example(forms.Form):
    """One control of each kind."""

    name = forms.CharField(label=_("Name"), help_text=_("As guests read it."))
    email = forms.EmailField(label=_("E-mail"))
    note = forms.CharField(label=_("Note"), required=False, widget=forms.Textarea(attrs={"rows": 3}))
    length = forms.ChoiceField(label=_("Length"), choices=[("30", _("30 minutes")), ("45", _("45 minutes"))])
    creates = forms.ChoiceField(
        label=_("When New Contacts are Created In Instep"),
        choices=[("Lead", _("Make a Lead")), ("Contact", _("Make a Contact"))],
        widget=forms.RadioSelect,
        help_text=_("Whoever is known already is found by e-mail and stays what they are."),
    )
    published = forms.BooleanField(label=_("Published"), required=False, help_text=_("Guests can book it."))


@require_safe
def design(request: HttpRequest) -> HttpResponse:
    """Every part, with the words that say what it is for."""
    context: dict[str, Any] = {
        "form": Example(initial={"name": "Product demo", "email": "nuno@acme.example", "creates": "Lead"}),
        "wrong": Example(
            {"wrong-email": "nuno@", "wrong-length": "45", "wrong-note": _("Kept as it was typed.")},
            prefix="wrong",
        ),
        "statuses": list(Status),
        "values": [31, 12, 40, 8, 0, None, 22, 35, 44, 27, 19, 51, 38, 42],
        "labels": [f"{day} Mar" for day in range(1, 15)],
        "pairs": [{"ink": ink, "ground": ground} for ink, ground in PAIRS],
        "steps": (
            ("ok", "✓", _("API connection"), _("done")),
            ("ok", "✓", _("Installation"), _("done")),
            ("bad", "!", _("Field validation"), _("1 problem")),
            ("todo", "4", _("Field mapping"), _("to do")),
        ),
    }
    return render(request, "web/design/page.html", context)
