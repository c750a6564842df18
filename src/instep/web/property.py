"""One custom property: made, changed, archived, restored."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later
from django.views.decorators.http import require_http_methods, require_POST

from instep.bookings import properties
from instep.bookings.properties import OBJECTS
from instep.core.booking_calendar import slug_of
from instep.core.catalogue import TYPES, custom_key
from instep.core.errors import InputError
from instep.store.property_queries import PropertyRow, archive_property, property_by_key
from instep.web.mapping_choices import PROPERTY_TYPES
from instep.web.properties import TABS, uses_of

#: which field a refusal is about, by its code
_FIELD_OF = {"LABEL": "label", "TYPE": "type", "IDENTIFIER": "identifier", "IDENTIFIER_TAKEN": "identifier"}


class PropertyForm(forms.Form):
    """A property. Object and identifier are chosen once."""

    object = forms.ChoiceField(label=later("Object"), choices=[(name, word) for _slug, name, word in TABS])
    label = forms.CharField(
        label=later("Name"),
        max_length=200,
        widget=forms.TextInput(attrs={"dir": "auto"}),
        error_messages={"required": later("A property needs a name: mappings and forms show it.")},
    )
    identifier = forms.CharField(
        label=later("Unique identifier"),
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=later(
            "Links, events and files name the property by it; it never changes. Empty: made from the name."
        ),
    )
    type = forms.ChoiceField(
        label=later("Type"),
        choices=[(kind, PROPERTY_TYPES[kind]) for kind in TYPES],
        help_text=later("It decides which fields of the CRM are offered for it."),
    )
    description = forms.CharField(
        label=later("Description"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"}),
    )

    def __init__(self, data: Any, known: PropertyRow | None, initial: dict[str, Any]) -> None:
        super().__init__(data, initial=initial)
        if known is not None:
            del self.fields["object"], self.fields["identifier"]

    def clean(self) -> None:
        """Make the identifier of the name where none is typed."""
        said = self.cleaned_data
        if "identifier" in self.fields and not said.get("identifier") and said.get("label"):
            made = slug_of(said["label"]).replace("-", "_")[:40].strip("_")
            said["identifier"] = made if made[:1].isalpha() else f"p_{made}".rstrip("_")


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Make a property."""
    return _edit(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, key: int) -> HttpResponse:
    """Change a property."""
    return _edit(request, _known(request, key))


@require_POST
def archive(request: HttpRequest, key: int) -> HttpResponse:
    """Archive a property (`archived` is 1), or restore it."""
    known = _known(request, key)
    archived = request.POST.get("archived") == "1"
    archive_property(request.user.account_id, key, archived)
    if archived:
        said = _(
            "“%(label)s” is archived: it is offered no more. Its values stay, and so do rows that use it."
        )
    else:
        said = _("“%(label)s” is restored.")
    messages.success(request, said % {"label": known.label})
    return _to_list(known.object)


def _known(request: HttpRequest, key: int) -> PropertyRow:
    found = property_by_key(request.user.account_id, key)
    if found is None:
        raise Http404
    return found


def _to_list(object_name: str) -> HttpResponse:
    return redirect("properties", tab=next(slug for slug, name, _word in TABS if name == object_name))


def _edit(request: HttpRequest, known: PropertyRow | None) -> HttpResponse:
    form = PropertyForm(request.POST if request.method == "POST" else None, known, _initial(request, known))
    if request.method == "POST" and form.is_valid():
        object_name = known.object if known else form.cleaned_data["object"]
        try:
            _save(request, known, form)
        except InputError as error:
            form.add_error(_FIELD_OF.get(error.code), f"{error.message} {error.cure}".strip())
        else:
            messages.success(request, _("“%(label)s” is saved.") % form.cleaned_data)
            return _to_list(object_name)
    uses = uses_of(request.user.account_id)[custom_key(known.object, known.identifier)] if known else 0
    context = {"known": known, "form": form, "uses": uses}
    return render(request, "web/property/page.html", context, status=422 if form.errors else 200)


def _initial(request: HttpRequest, known: PropertyRow | None) -> dict[str, Any]:
    if known is not None:
        return {"label": known.label, "type": known.type, "description": known.description}
    asked = request.GET.get("object", "")
    return {"object": asked if asked in OBJECTS else OBJECTS[0], "type": TYPES[0]}


def _save(request: HttpRequest, known: PropertyRow | None, form: PropertyForm) -> None:
    said, account_id = form.cleaned_data, request.user.account_id
    if known is None:
        properties.create(
            account_id, said["object"], said["label"], said["identifier"], said["type"], said["description"]
        )
    else:
        properties.change(account_id, known.key, said["label"], said["type"], said["description"])
