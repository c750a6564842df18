"""What the host's acts on a booking are called, and what each says that it will do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import frozen
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later

from instep.core.acts import Act, allowed
from instep.core.booking import Booking
from instep.notify.mails import GUEST, HOST

_LEAVE = later("Leave it as it is")


@frozen
class Words:
    """An act in words. `will` is what happens here, `crm` what the CRM shows then, `told` who gets a mail.

    `short` stands on the button of the booking's page, `button` on the page of the act; `keep` leads back.
    """

    short: Any
    title: Any
    button: Any
    will: Any
    crm: Any
    done: Any
    told: tuple[str, ...] = ()
    keep: Any = _LEAVE
    danger: bool = False


WORDS: Mapping[Act, Words] = {
    Act.RESCHEDULE: Words(
        short=later("Reschedule"),
        title=later("Reschedule the booking"),
        button=later("Reschedule"),
        will=later(
            "The booking moves to the new time and keeps its id, its host and its link for the guest."
        ),
        crm=later("The same %(meeting)s moves to the new time, and its status becomes Rescheduled."),
        done=later("The booking is rescheduled."),
        told=(HOST, GUEST),
    ),
    Act.ASK_TO_RESCHEDULE: Words(
        short=later("Ask to reschedule"),
        title=later("Ask the guest to reschedule"),
        button=later("Cancel it and ask the guest"),
        will=later(
            "The booking is canceled, its time is free again, and the guest is asked to choose another one. "
            "What they choose is a new booking, linked to this one."
        ),
        crm=later("The status of the %(meeting)s becomes Canceled; the new booking gets one of its own."),
        done=later("The booking is canceled, and the guest is asked for another time."),
        told=(HOST, GUEST),
        keep=later("Keep the booking"),
        danger=True,
    ),
    Act.REASSIGN: Words(
        short=later("Reassign"),
        title=later("Reassign the booking"),
        button=later("Reassign"),
        will=later("Another host takes the meeting at the same time. Status and id stay."),
        crm=later(
            "The owner of the %(meeting)s becomes the new host's user, and its status says “(Reassigned by User)”."
        ),
        done=later("The booking is reassigned."),
        told=(HOST,),
    ),
    Act.NO_SHOW: Words(
        short=later("Mark No-show"),
        title=later("Mark as No-show"),
        button=later("Mark No-show"),
        will=later("It is kept that the guest did not come. You can undo this."),
        crm=later("The status of the %(meeting)s becomes No-show."),
        done=later("The booking is marked as No-show."),
    ),
    Act.UNDO_NO_SHOW: Words(
        short=later("Undo No-show"),
        title=later("Undo the No-show"),
        button=later("Undo No-show"),
        will=later("The booking is again what it was before, or Completed where its end has passed."),
        crm=later("The status of the %(meeting)s follows."),
        done=later("The No-show is undone."),
    ),
    Act.CANCEL: Words(
        short=later("Cancel"),
        title=later("Cancel the booking"),
        button=later("Cancel the booking"),
        will=later("The meeting is off, and its time is free again. This cannot be undone."),
        crm=later("The %(meeting)s stays, and its status becomes Canceled."),
        done=later("The booking is canceled."),
        told=(HOST, GUEST),
        keep=later("Keep the booking"),
        danger=True,
    ),
    Act.APPROVE: Words(
        short=later("Approve"),
        title=later("Approve the request"),
        button=later("Approve"),
        will=later("The meeting is scheduled at the time that was asked for."),
        crm=later("The meeting gets its %(meeting)s, with the status Scheduled."),
        done=later("The request is approved."),
        told=(GUEST,),
    ),
    Act.DECLINE: Words(
        short=later("Decline"),
        title=later("Decline the request"),
        button=later("Decline the request"),
        will=later("There will be no meeting, and the time is free again. This cannot be undone."),
        crm=later("No %(meeting)s is made for a request that was declined."),
        done=later("The request is declined."),
        told=(GUEST,),
        keep=later("Decide later"),
        danger=True,
    ),
}


def slug_of(act: Act) -> str:
    """An act as a part of an address."""
    return act.value.replace("_", "-")


ACT_OF: Mapping[str, Act] = {slug_of(act): act for act in Act}


def buttons(booking: Booking, now: datetime) -> list[dict[str, Any]]:
    """What the host's side may do now: address part, word, and the look of the button. One is primary."""
    found = allowed(booking, now)
    primary = (
        Act.APPROVE
        if Act.APPROVE in found
        else Act.UNDO_NO_SHOW
        if Act.UNDO_NO_SHOW in found
        else Act.RESCHEDULE
    )
    return [
        {
            "slug": slug_of(act),
            "word": WORDS[act].short,
            "look": ""
            if act is primary
            else "quiet danger"
            if act in (Act.CANCEL, Act.DECLINE)
            else "secondary",
        }
        for act in found
    ]


def mails_said(told: tuple[str, ...], is_set_up: bool) -> str:
    """Who gets a mail of an act, in a sentence."""
    if not told:
        return _("Nobody gets a mail.")
    if not is_set_up:
        return _("No mail server is set up (INSTEP_SMTP_URL), so nobody gets a mail: tell them yourself.")
    if told == (GUEST,):
        return _("The guest gets a mail, with your reason.")
    if told == (HOST,):
        return _("The former and the new host get a mail, with your reason. The guest gets none.")
    return _("The guest and the host get a mail, with your reason.")
