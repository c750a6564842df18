"""The sync log: one row for each attempt, and the problems of the moment grouped by cause with what to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from attrs import evolve, frozen
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from instep.store import log_queries
from instep.store.log_queries import FAILED, STOPPED, WRITTEN, Attempt, AttemptFilter, GroupName
from instep.store.page_queries import lane_states
from instep.store.queries import IGNORED, PROBLEM, WAITING
from instep.web.paging import page_of, place

PAGE_SIZE = 50

RESULT_CHOICES = ((WRITTEN, gettext_lazy("Written")), (FAILED, gettext_lazy("Not written")))
#: the classes of core.errors as people meet them
CLASS_CHOICES = (
    ("NeedsAdmin", gettext_lazy("Needs a person")),
    ("Retry", gettext_lazy("Tried again later")),
    ("Wait", gettext_lazy("Had to wait")),
    (STOPPED, gettext_lazy("Connection stopped")),
    ("Skip", gettext_lazy("Left out")),
    ("Bug", gettext_lazy("Our mistake")),
)
PERIOD_CHOICES = (
    ("hour", gettext_lazy("Last hour"), timedelta(hours=1)),
    ("day", gettext_lazy("Last 24 hours"), timedelta(days=1)),
    ("week", gettext_lazy("Last 7 days"), timedelta(days=7)),
    ("month", gettext_lazy("Last 30 days"), timedelta(days=30)),
)
_TONES = {"NeedsAdmin": "bad", "Bug": "bad", STOPPED: "bad", "Retry": "wait", "Wait": "wait"}


@frozen
class Line:
    """An attempt with its result in words; `tone` is a colour of the badges, `retry` whether it can be tried again."""

    attempt: Attempt
    word: str
    tone: str
    retry: bool


@require_safe
@never_cache
def sync_log(request: HttpRequest) -> HttpResponse:
    """Groups of present problems, then every attempt, the newest first."""
    account_id = request.user.account_id
    wanted = _wanted(request, timezone.now())
    found = log_queries.attempts(account_id, wanted, PAGE_SIZE + 1, place(request))
    page = page_of(request, found, PAGE_SIZE, lambda row: (row.at, row.key))
    # who looks for something finds that, and not what else is wrong
    everything = page.is_first and not evolve(wanted, connection="").any
    groups = log_queries.problem_groups(account_id, connection=wanted.connection) if everything else []
    context: dict[str, Any] = {
        "page": page,
        "lines": lines_of(page.rows),
        "groups": [group for group in groups if not group.ignored],
        "ignored": [group for group in groups if group.ignored],
        "wanted": wanted,
        "period": request.GET.get("period", ""),
        "connections": lane_states(account_id),
        "result_choices": RESULT_CHOICES,
        "class_choices": CLASS_CHOICES,
        "codes": log_queries.error_codes(account_id),
        "period_choices": [(name, word) for name, word, length in PERIOD_CHOICES],
        "query": request.GET.urlencode(),
        "address": request.get_full_path(),
    }
    return render(request, "web/sync_log/page.html", context)


@require_POST
def retry_group(request: HttpRequest) -> HttpResponse:
    """Have the items of one group tried again now."""
    count = log_queries.retry_group(request.user.account_id, _group(request))
    if count:
        said = ngettext(
            "%(n)s change is tried again now; the log shows how it went.",
            "%(n)s changes are tried again now; the log shows how they went.",
            count,
        )
        messages.success(request, f"{said % {'n': count}} {_paused(request)}".strip())
    else:
        messages.info(request, _("Nothing has this problem any more."))
    return _back(request)


@require_POST
def ignore_group(request: HttpRequest) -> HttpResponse:
    """Let the problem of one group stay, or no longer."""
    group = _group(request)
    stop = group.state == IGNORED
    count = log_queries.ignore_group(request.user.account_id, group, ignore=not stop)
    if not count:
        messages.info(request, _("Nothing has this problem any more."))
    elif stop:
        said = ngettext("%(n)s problem counts again.", "%(n)s problems count again.", count)
        messages.success(request, said % {"n": count})
    else:
        said = ngettext(
            "%(n)s problem is ignored until its booking or contact changes.",
            "%(n)s problems are ignored until their bookings or contacts change.",
            count,
        )
        messages.success(request, said % {"n": count})
    return _back(request)


@require_POST
def retry_one(request: HttpRequest, item: int) -> HttpResponse:
    """Have one booking or contact tried again now."""
    if item >= 2**63:
        raise Http404
    if log_queries.retry_item(request.user.account_id, item):
        said = _("It is tried again now; the log shows how it went.")
        messages.success(request, f"{said} {_paused(request)}".strip())
    else:
        messages.info(request, _("There is nothing to try again: it is in step, or no longer written."))
    return _back(request)


def lines_of(attempts: Sequence[Attempt]) -> list[Line]:
    """Attempts in words. Only an item's newest attempt offers to try again: the older ones are history."""
    seen: set[int | None] = set()
    lines = []
    for attempt in attempts:
        newest = attempt.item is not None and attempt.item not in seen
        seen.add(attempt.item)
        lines.append(Line(attempt, *_result(attempt), retry=newest and _can_retry(attempt)))
    return lines


def _can_retry(attempt: Attempt) -> bool:
    """Whether trying again by hand helps: not while the item waits for its whole connection."""
    if attempt.outcome == "done":
        return False
    return attempt.state in (PROBLEM, IGNORED) or (attempt.state == WAITING and attempt.outcome == "Retry")


def _result(attempt: Attempt) -> tuple[str, str]:
    if attempt.outcome == "done":
        return (_("Written"), "good") if attempt.wrote else (_("In step already"), "good")
    word = next((str(word) for name, word in CLASS_CHOICES if name == attempt.outcome), _("Problem"))
    return word, _TONES.get(attempt.outcome, "")


def _wanted(request: HttpRequest, now: datetime) -> AttemptFilter:
    """The filter in the address; words that are no choice narrow nothing."""
    told = request.GET
    length = next((length for name, _word, length in PERIOD_CHOICES if name == told.get("period")), None)
    return AttemptFilter(
        search=told.get("search", "").strip()[:200],
        result=told.get("result", "") if told.get("result") in (WRITTEN, FAILED) else "",
        error=told.get("error", "")[:200],
        connection=told.get("connection", "")[:40],
        since=now - length if length else None,
    )


def _group(request: HttpRequest) -> GroupName:
    told = request.POST
    state = told.get("state", PROBLEM)
    if state not in (PROBLEM, IGNORED):
        raise Http404
    return GroupName(told.get("connection", ""), told.get("code", ""), told.get("shape", ""), state)


def _paused(request: HttpRequest) -> str:
    """A word on lanes that stand still, so that nobody waits for nothing."""
    still = [
        lane for lane in lane_states(request.user.account_id) if lane.state != "connected" or lane.held_until
    ]
    return _("A connection is paused: its changes go on when it does.") if still else ""


def _back(request: HttpRequest) -> HttpResponse:
    """To the log as it was narrowed."""
    query = request.GET.urlencode()
    return redirect(f"{reverse('sync-log')}?{query}" if query else reverse("sync-log"))
