"""What the host's side does to a booking made here: one small page for each act, a form that asks for a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import frozen
from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from instep.bookings import commands, hosting, slots
from instep.bookings.commands import Taken
from instep.core.acts import USER, Act, allowed
from instep.core.availability import open_spans
from instep.core.booking import Booking
from instep.core.errors import InputError
from instep.core.zones import canonical
from instep.notify import sending
from instep.store.page_queries import lane_states
from instep.web.act_words import ACT_OF, WORDS, mails_said
from instep.web.booking import head_of, shown_booking
from instep.web.booking_times import calendar_of, free_times, host_zone, lengths, moment_at
from instep.web.crm_words import words_of

_LONGEST_REASON = 2000
OTHER = "other"


class ActForm(forms.Form):
    """What every act asks for. `seen` is the booking's last change that the reader knows of."""

    reason = forms.CharField(
        label=later("Reason"),
        required=False,
        max_length=_LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
    )
    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, on: On, *arguments: Any) -> None:
        super().__init__(*arguments, initial={"seen": on.seen})
        self.on = on


class RescheduleForm(ActForm):
    """Another time: one of the free ones (`start`, ISO), or any (`date` and `time` in the host's zone)."""

    start = forms.CharField(required=False)
    date = forms.DateField(
        label=later("Date"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    time = forms.TimeField(
        label=later("Time"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    duration = forms.TypedChoiceField(label=later("Length"), coerce=int)
    field_order = ("start", "date", "time", "duration", "reason", "seen")

    def __init__(self, on: On, *arguments: Any) -> None:
        super().__init__(on, *arguments)
        found = lengths(calendar_of(on.account_id, on.booking), on.booking)
        choices = [(n, ngettext("%(n)s minute", "%(n)s minutes", n) % {"n": n}) for n in found]
        self.fields["duration"].choices = choices  # type: ignore[attr-defined]
        self.fields["duration"].initial = found[0]

    def clean(self) -> dict[str, Any]:
        """Adds `moment`, the new start."""
        data: dict[str, Any] = super().clean() or {}
        chosen, day, clock = data.get("start"), data.get("date"), data.get("time")
        if chosen and chosen != OTHER:
            data["moment"] = _aware(chosen)
            if data["moment"] is None:
                self.add_error("start", _("This is none of the times. Choose one."))
        elif day and clock:
            try:
                data["moment"] = moment_at(day, clock, self.on.zone)
            except (InputError, OverflowError) as error:
                self.add_error("time", str(error))
        elif chosen == OTHER or day or clock:
            for name in ("date", "time"):
                if not data.get(name) and name not in self.errors:
                    self.add_error(name, _("Please fill this in, or choose one of the free times."))
        else:
            self.add_error("start", _("Choose a time, or type another one below."))
        return data


class ReassignForm(ActForm):
    """Another host, by key."""

    host = forms.CharField(error_messages={"required": later("Choose a host.")})
    field_order = ("host", "reason", "seen")


def _aware(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


@frozen
class On:
    """A booking that something is to be done to, as it is now, and the zone of its host."""

    account_id: int
    key: int
    booking: Booking
    zone: str
    now: datetime

    @property
    def seen(self) -> str:
        """What tells this state of the booking from every other."""
        at = self.booking.updated_at
        return at.isoformat() if at else ""


FORMS: Mapping[Act, type[ActForm]] = {Act.RESCHEDULE: RescheduleForm, Act.REASSIGN: ReassignForm}

_SIMPLE: Mapping[Act, Callable[[int, str, str, datetime], None]] = {
    Act.ASK_TO_RESCHEDULE: commands.ask_to_reschedule,
    Act.NO_SHOW: commands.mark_no_show,
    Act.UNDO_NO_SHOW: commands.undo_no_show,
    Act.APPROVE: commands.approve,
    Act.DECLINE: commands.decline,
}


@require_http_methods(["GET", "HEAD", "POST"])
def act(request: HttpRequest, key: int, name: str) -> HttpResponse:
    """One act's page; POST does it, and leads back to the booking."""
    chosen, head = ACT_OF.get(name), head_of(request, key)
    booking = shown_booking(request.user.account_id, head)
    if chosen is None or booking is None:
        raise Http404
    now = datetime.now(UTC)
    if chosen not in allowed(booking, now):
        return _refused(request, key, chosen, booking)
    on = On(request.user.account_id, key, booking, host_zone(request.user.account_id, booking, now), now)
    form_of = FORMS.get(chosen, ActForm)
    if request.method != "POST":
        return _page(request, on, chosen, form_of(on))
    data = request.POST.copy()
    stale = data.get("seen") != on.seen
    data["seen"] = on.seen
    form = form_of(on, data)
    if stale:
        return _page(request, on, chosen, form, status=409, changed=True)
    return (
        _done(request, on, chosen, form) if form.is_valid() else _page(request, on, chosen, form, status=422)
    )


def _done(request: HttpRequest, on: On, chosen: Act, form: ActForm) -> HttpResponse:
    """Do it, or say on the form why it cannot be."""
    try:
        _perform(on, chosen, form.cleaned_data)
    except Taken as error:
        form.add_error("host" if chosen is Act.REASSIGN else "start", str(error))
        return _page(request, on, chosen, form, status=409, nearest=error.nearest)
    except InputError as error:
        if error.code == "NOT_ALLOWED":
            return _refused(request, on.key, chosen, on.booking, str(error))
        field = next((name for name in error.fields if name in form.fields), None)
        form.add_error(field, str(error))
        return _page(request, on, chosen, form, status=422)
    messages.success(request, WORDS[chosen].done)
    return redirect("booking", key=on.key)


def _perform(on: On, chosen: Act, said: Mapping[str, Any]) -> None:
    account_id, booking_id, reason = on.account_id, on.booking.id, said["reason"]
    if chosen is Act.RESCHEDULE:
        commands.reschedule(account_id, booking_id, said["moment"], said["duration"], reason, USER, on.now)
    elif chosen is Act.REASSIGN:
        commands.reassign(account_id, booking_id, said["host"], reason, on.now)
    elif chosen is Act.CANCEL:
        commands.cancel(account_id, booking_id, reason, USER, on.now)
    else:
        _SIMPLE[chosen](account_id, booking_id, reason, on.now)


def _refused(request: HttpRequest, key: int, chosen: Act, booking: Booking, why: str = "") -> HttpResponse:
    """The page of an act that is not possible, now or ever, with the way back."""
    context = {
        "head": head_of(request, key),
        "booking": booking,
        "words": WORDS[chosen],
        "why": why or refusal(booking, chosen, datetime.now(UTC)),
    }
    return render(
        request, "web/booking/act_refused.html", context, status=409 if request.method == "POST" else 200
    )


def _page(
    request: HttpRequest,
    on: On,
    chosen: Act,
    form: ActForm,
    *,
    status: int = 200,
    changed: bool = False,
    nearest: tuple[datetime, ...] = (),
) -> HttpResponse:
    words = WORDS[chosen]
    context: dict[str, Any] = {
        "head": head_of(request, on.key),
        "booking": on.booking,
        "words": words,
        "in_the_crm": _in_the_crm(words.crm, on.account_id),
        "mails": mails_said(words.told, sending.is_set_up()),
        "form": form,
        "changed": changed,
        "host_zone": on.zone,
        "is_reschedule": chosen is Act.RESCHEDULE,
        "is_reassign": chosen is Act.REASSIGN,
    }
    if chosen is Act.RESCHEDULE:
        calendar = calendar_of(on.account_id, on.booking)
        guest_zone = canonical(on.booking.guest_time_zone)
        context |= {
            "times": free_times(
                on.account_id, calendar, on.booking, request.GET.get("from", ""), on.zone, on.now
            ),
            "nearest": nearest,
            "guest_zone": guest_zone if guest_zone != on.zone else "",
        }
    if chosen is Act.REASSIGN:
        context["hosts"] = _hosts(on)
    return render(request, "web/booking/act.html", context, status=status)


def _in_the_crm(said: Any, account_id: int) -> str:
    """What becomes of the meeting in the CRMs that are connected, by their own words for it."""
    called = dict.fromkeys(str(words_of(lane.vendor).meeting) for lane in lane_states(account_id))
    return str(said) % {"meeting": "/".join(called)}


@frozen
class HostChoice:
    """A host who might take the meeting. `works` says whether its time lies within the host's working hours."""

    key: str
    called: str
    email: str
    free: bool
    works: bool
    crm_user: bool


def _hosts(on: On) -> list[HostChoice]:
    """The other hosts, those who are free first."""
    mine = on.booking.host.key if on.booking.host else ""
    others = [host for host in hosting.list_hosts(on.account_id, on.now) if host.key != mine]
    start, end = on.booking.start, on.booking.end
    free = slots.free_hosts(on.account_id, [host.key for host in others], start, end, without=on.booking.id)
    choices = [
        HostChoice(
            host.key,
            host.called,
            host.email if host.name else "",
            host.key in free,
            (start, end) in open_spans(host.hours, start, end),
            host.crm_user,
        )
        for host in others
    ]
    return sorted(choices, key=lambda host: (not host.free, not host.works))


def refusal(booking: Booking, chosen: Act, now: datetime) -> str:
    """Why an act is not possible; for a reader who followed an old link, or whose page is older than the booking."""
    return _("“%(act)s” is not possible for this booking as it is now: %(status)s.") % {
        "act": WORDS[chosen].short,
        "status": booking.status_detail,
    }
