"""One contact: what is known of a person, their bookings, their records in each CRM, and changing it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import frozen
from django import forms
from django.contrib import messages
from django.core.validators import MaxLengthValidator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from instep.bookings.contacts import edit
from instep.core.contact import CUSTOM, Contact
from instep.core.errors import InputError, InstepError
from instep.core.zones import canonical, regions
from instep.engine.lane import record_url_of
from instep.engine.preview import plan_contact
from instep.store import contact_queries, convert, page_queries, queries
from instep.store.contact_queries import ContactHead, CustomProperty
from instep.store.page_queries import BookingFilter, Mark, ReceiptRow
from instep.web.booking import catching_up
from instep.web.document import read_document
from instep.web.links import CrmRecordLink, record_links
from instep.web.receipt import in_several

_BOOKINGS_SHOWN = 20
_LONGEST = 255

#: the default status options of a contact (reference: OnceHub 8.6)
STATUSES = (
    ("Qualified", later("Qualified")),
    ("Marketing qualified", later("Marketing qualified")),
    ("Sales qualified", later("Sales qualified")),
    ("Disqualified", later("Disqualified")),
)

_GROUPS = (
    (later("Person"), ("name", "salutation", "email", "mobile_phone", "phone", "status")),
    (later("Company"), ("company", "job_title")),
    (later("Address"), ("street", "postal_code", "city", "state", "country", "time_zone")),
)


@frozen
class ContactSide:
    """One connection's side of a contact. `receipts` are of the contact's own writes; a booking's are its own.

    `edited` says that the contact was edited and compared with the CRM by itself.
    """

    mark: Mark
    edited: bool
    records: tuple[CrmRecordLink, ...]
    receipts: tuple[ReceiptRow, ...]


class ContactForm(forms.Form):
    """What people may change on a contact. Only what was changed in the form is an edit."""

    name = forms.CharField(
        label=later("Name"), required=False, help_text=later("As the person writes it: first name first.")
    )
    email = forms.CharField(
        label=later("E-mail"),
        required=False,
        widget=forms.EmailInput,
        help_text=later("The address that new bookings are recognised by. The one it replaces still counts."),
    )
    mobile_phone = forms.CharField(
        label=later("Mobile phone"),
        required=False,
        widget=forms.TextInput(attrs={"type": "tel"}),
        help_text=later("With the country's code, like +351 912 000 111."),
    )
    phone = forms.CharField(
        label=later("Phone"), required=False, widget=forms.TextInput(attrs={"type": "tel"})
    )
    company = forms.CharField(label=later("Company"), required=False)
    job_title = forms.CharField(label=later("Job title"), required=False)
    salutation = forms.CharField(label=later("Salutation"), required=False)
    street = forms.CharField(label=later("Street"), required=False, widget=forms.Textarea(attrs={"rows": 2}))
    postal_code = forms.CharField(label=later("Postal code"), required=False)
    city = forms.CharField(label=later("City"), required=False)
    state = forms.CharField(label=later("State or province"), required=False)
    country = forms.CharField(label=later("Country"), required=False)
    time_zone = forms.CharField(
        label=later("Time zone"),
        required=False,
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
        help_text=later("A name like Europe/Lisbon."),
    )
    status = forms.ChoiceField(label=later("Status"), required=False)

    def __init__(self, contact: Contact, properties: list[CustomProperty], *arguments: Any) -> None:
        super().__init__(*arguments, initial=_initial(contact, properties))
        statuses = list(STATUSES)
        if contact.status and contact.status not in dict(STATUSES):
            statuses.append((contact.status, contact.status))
        self.fields["status"].choices = [("", "—"), *statuses]  # type: ignore[attr-defined]
        for one in properties:
            several = one.type == "multi"
            self.fields[CUSTOM + one.identifier] = forms.CharField(
                label=one.label,
                required=False,
                widget=forms.Textarea(attrs={"rows": 3}) if several else forms.TextInput,
                help_text=_("One value on each line.") if several else "",
            )
        self._several = {CUSTOM + one.identifier for one in properties if one.type == "multi"}
        for name, box in self.fields.items():
            # an edit is what differs from what stood in the form: what a booking brings meanwhile stays
            box.show_hidden_initial = True
            box.widget.attrs.setdefault("dir", "auto")
            if isinstance(box, forms.CharField) and name not in self._several:
                box.validators.append(MaxLengthValidator(_LONGEST))
                box.widget.attrs["maxlength"] = _LONGEST

    @property
    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields as they stand together on the page, each group under its title."""
        custom = [name for name in self.fields if name.startswith(CUSTOM)]
        groups = [*_GROUPS, (_("Custom properties"), custom)]
        return [(str(title), [self[name] for name in names]) for title, names in groups if names]

    def clean_time_zone(self) -> str:
        """Today's name of a zone that exists, or none."""
        typed = str(self.cleaned_data["time_zone"])
        if not typed or "time_zone" not in self.changed_data:
            return typed
        zone = canonical(typed)
        if not zone:
            raise forms.ValidationError(
                _("There is no time zone “%(zone)s”. Choose one from the list, like Europe/Lisbon.")
                % {"zone": typed[:60]}
            )
        return zone

    def edits(self) -> dict[str, Any]:
        """What was changed: name of the value → its new one."""
        changed = {name: self.cleaned_data[name] for name in self.changed_data}
        return {
            name: tuple(filter(None, map(str.strip, value.splitlines()))) if name in self._several else value
            for name, value in changed.items()
        }


def _initial(contact: Contact, properties: list[CustomProperty]) -> dict[str, str]:
    known = {name: str(getattr(contact, name)) for name in ContactForm.base_fields}
    for one in properties:
        value = contact.custom.get(one.identifier, "")
        known[CUSTOM + one.identifier] = "\n".join(value) if isinstance(value, tuple) else str(value)
    return known


def head_of(request: HttpRequest, contact_id: str) -> ContactHead:
    """The contact of this address, if it is the reader's account's. Raises `Http404`."""
    head = contact_queries.contact_head(request.user.account_id, contact_id)
    if head is None:
        raise Http404
    return head


def known_of(head: ContactHead) -> Contact:
    """The contact itself."""
    return convert.contact_from(head.id, head.fields, head.updated_at)


@require_safe
def contact(request: HttpRequest, contact_id: str) -> HttpResponse:
    """Everything about one contact."""
    head = head_of(request, contact_id)
    account_id = request.user.account_id
    known = known_of(head)
    marks = contact_queries.marks_of(account_id, [head.key]).get(head.key, ())
    found = page_queries.list_bookings(account_id, BookingFilter(contact=head.key), _BOOKINGS_SHOWN + 1)
    labels = {one.identifier: one.label for one in contact_queries.custom_properties(account_id)}
    edited = contact_queries.lanes_edited(account_id, head.key)
    context = {
        "head": head,
        "contact": known,
        "custom": [(labels.get(name, name), value) for name, value in sorted(known.custom.items())],
        "sides": [_side(account_id, head.key, mark, mark.connection_key in edited) for mark in marks],
        "catching_up": any(catching_up(mark, datetime.now(UTC)) for mark in marks),
        "bookings": found[:_BOOKINGS_SHOWN],
        "more_bookings": len(found) > _BOOKINGS_SHOWN,
        "address": request.get_full_path(),
    }
    return render(request, "web/contact/page.html", context)


def _side(account_id: int, key: int, mark: Mark, edited: bool) -> ContactSide:
    person = (mark.link.get("person_object", ""), mark.link.get("person_id", ""))
    records = record_links(account_id, mark.connection_key, [person])
    receipts = page_queries.list_receipts(account_id, key, mark.connection, 5, kind=queries.CONTACT)
    return ContactSide(mark, edited, records, tuple(receipts))


@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, contact_id: str) -> HttpResponse:
    """The form to change a contact with; what is changed there goes to every CRM."""
    head = head_of(request, contact_id)
    account_id = request.user.account_id
    properties = contact_queries.custom_properties(account_id)
    form = ContactForm(known_of(head), properties, *([request.POST] if request.method == "POST" else []))
    if request.method == "POST" and form.is_valid():
        try:
            return _saved(request, head, form.edits())
        except InputError as error:
            _refuse(form, error)
    context = {
        "head": head,
        "contact": known_of(head),
        "form": form,
        "zones": [name for _region, names in regions() for name in names],
    }
    return render(request, "web/contact/change.html", context, status=422 if form.errors else 200)


def _saved(request: HttpRequest, head: ContactHead, edits: Mapping[str, Any]) -> HttpResponse:
    """Save the edits and go back to the contact."""
    if edits:
        edit(request.user.account_id, head.id, edits, datetime.now(UTC))
        messages.success(request, _("Saved. The CRM is brought in step with it by itself."))
    else:
        messages.info(request, _("Nothing was changed."))
    return redirect("contact", contact_id=head.id)


def _refuse(form: ContactForm, error: InputError) -> None:
    """Put a refusal beside the field that it is about, with a link to the contact that is in the way."""
    said: str | SafeString = str(error)
    if error.matches:
        other = reverse("contact", args=[error.matches[0][1]])
        said = format_html('{} <a href="{}">{}</a>', said, other, _("Show the other contact"))
    form.add_error("email" if error.code in ("EMAIL", "EMAIL_TAKEN") else None, said)


@require_POST
def write_again(request: HttpRequest, contact_id: str) -> HttpResponse:
    """Have the contact compared with every CRM again, and written where it differs."""
    head = head_of(request, contact_id)
    account_id = request.user.account_id
    with transaction.atomic():
        lanes = queries.mark(account_id, queries.CONTACT, {head.key: head.key}, datetime.now(UTC))
        queries.wake(account_id, lanes)
    if lanes:
        messages.success(request, _("The contact is compared with the CRM again; what differs is written."))
    else:
        messages.error(request, _("No CRM is connected: there is nowhere to write to."))
    return redirect("contact", contact_id=head.id)


@require_safe
@never_cache
def plan(request: HttpRequest, contact_id: str) -> HttpResponse:
    """What would be written of the contact now, or why the CRM cannot be asked. Nothing is written."""
    head = head_of(request, contact_id)
    account_id = request.user.account_id
    lanes = page_queries.lane_states(account_id)
    named = request.GET.get("connection")
    chosen = next((lane for lane in lanes if lane.id == named), lanes[0] if lanes else None)
    context: dict[str, Any] = {
        "head": head,
        "contact": known_of(head),
        "connections": lanes,
        "chosen": chosen,
    }
    if chosen is None:
        return render(request, "web/contact/plan.html", context)
    try:
        document = plan_contact(account_id, head.key, chosen.id)
    except InstepError as error:
        return render(request, "web/contact/plan.html", {**context, "error": error}, status=503)
    context["document"] = read_document(document, record_url_of(account_id, chosen.key))
    return render(request, "web/contact/plan.html", context)


@require_safe
def receipt(request: HttpRequest, contact_id: str, receipt_id: int) -> HttpResponse:
    """One receipt of a contact."""
    head = head_of(request, contact_id)
    account_id = request.user.account_id
    found = (
        page_queries.receipt(account_id, head.key, receipt_id, kind=queries.CONTACT)
        if receipt_id < 2**63
        else None
    )
    if found is None:
        raise Http404
    receipts = page_queries.list_receipts(account_id, head.key, kind=queries.CONTACT)
    context = {
        "head": head,
        "contact": known_of(head),
        "receipt": found,
        "receipts": receipts,
        "several": in_several(receipts),
        "document": read_document(found.document, record_url_of(account_id, found.connection_key)),
    }
    return render(request, "web/contact/receipt.html", context)
