"""Problems of one connection: a card for each known cause that is there, with its cure and a button."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import frozen
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from instep.core.causes import Cause
from instep.core.crm_schema import Schema
from instep.core.errors import InputError
from instep.core.required_advice import advice
from instep.crm.vendors import vendor_of
from instep.engine import connection as looking
from instep.engine.lane import record_url_of
from instep.engine.problems import Problem, problems_of, send_again
from instep.engine.schemas import schemas_of
from instep.store.credentials import DISABLED
from instep.web.connection import row_of
from instep.web.connection_state import state_of
from instep.web.crm_words import words_of
from instep.web.mapping_tabs import tab_slug
from instep.web.problem_words import MAPPING, Words
from instep.web.problem_words import WORDS as SALESFORCE
from instep.web.problem_words_hubspot import WORDS as HUBSPOT
from instep.web.setup_names import named

#: the page looks again so often while somebody has it open and something is wrong
_AGAIN = timedelta(seconds=30)
#: each CRM's words
_WORDS = {"salesforce": SALESFORCE, "hubspot": HUBSPOT}


@frozen
class Card:
    """One problem as it is shown; `mapping` is where its field is mapped, or empty."""

    problem: Problem
    words: Words
    steps: list[str]
    mapping: str
    #: what helps with required fields, in the words of receipts and of the sync log
    advice: str = ""
    #: (scope, what goes on without it) of what the token lacks
    missing: tuple[tuple[str, Any], ...] = ()
    #: (object, id, address in the CRM or empty) of records that it is about
    records: tuple[tuple[str, str, str], ...] = ()


@never_cache
@require_safe
def problems(request: HttpRequest, connection_id: str) -> HttpResponse:
    """What is wrong now, from memory; the page has the CRM asked again while it is open."""
    row = row_of(request, connection_id)
    account_id = request.user.account_id
    found = problems_of(account_id, row)
    schema = schemas_of(account_id, int(row["id"]), row["vendor"], vendor_of(row["vendor"]).schema_of)
    checked = _checked_at(row)
    context = {
        "row": row,
        "vendor": vendor_of(row["vendor"]),
        "identity": row["identity"] or {},
        "state": state_of(row),
        "disconnected": row["state"] == DISABLED,
        "cards": [_card(account_id, row, schema, one) for one in found],
        "checked_at": checked,
        "seconds": int((datetime.now(UTC) - checked).total_seconds()) if checked else None,
        "address": request.get_full_path(),
    }
    return render(request, "web/problems/page.html", context)


def _card(account_id: int, row: dict[str, Any], schema: Schema, problem: Problem) -> Card:
    words = words_for(row["vendor"], problem.cause)
    role = problem.subject.partition(".")[0]
    mapping = ""
    if words.button == MAPPING:
        slug = tab_slug(role)
        name, args = ("mapping", [row["public_id"], slug]) if slug else ("mapping-first", [row["public_id"]])
        mapping = reverse(name, args=args)
    url = record_url_of(account_id, int(row["id"])) if problem.records else None
    # what was refused before it had an id of the CRM's goes by ours
    records = tuple(
        (name, key, url(name, key) if url and "-" not in key else "") for name, key in problem.records
    )
    lacking = (row["installed"] or {}).get("scopes") or () if problem.cause is Cause.RIGHTS else ()
    without = words_of(row["vendor"]).scopes
    missing = tuple((scope, without.get(scope, "")) for scope in lacking)
    steps = named(schema, problem.subject).said([str(step) for step in words.steps])
    return Card(problem, words, steps, mapping, _advice(row, schema, problem), missing, records)


def _advice(row: dict[str, Any], schema: Schema, problem: Problem) -> str:
    name, _dot, field = problem.subject.partition(".")
    if problem.cause not in (Cause.NEW_REQUIRED, Cause.UNFILLABLE_REQUIRED) or not field:
        return ""
    return advice(
        schema.get(name), (field,), vendor_of(row["vendor"]).profile, new=True, there=problem.waiting > 0
    )


def words_for(vendor: str, cause: Cause) -> Words:
    """What a card says of a cause; one that this CRM does not know of is a pause."""
    said = _WORDS[vendor]
    return said.get(cause) or said[Cause.UNREACHABLE]


def _checked_at(row: dict[str, Any]) -> datetime | None:
    text = (row["installed"] or {}).get("checked_at")
    return datetime.fromisoformat(text) if text else None


@require_POST
def check_again(request: HttpRequest, connection_id: str) -> HttpResponse:
    """Ask the CRM again. A page that stays open asks by itself; it is asked at most every half minute."""
    row = row_of(request, connection_id)
    checked = _checked_at(row)
    by_itself = request.headers.get("HX-Request") == "true" and request.POST.get("by") == "page"
    if not by_itself or checked is None or datetime.now(UTC) - checked >= _AGAIN - timedelta(seconds=2):
        try:
            looking.check(request.user.account_id, row, by_person=not by_itself)
        except InputError as error:
            messages.error(request, str(error))
    return redirect("problems", connection_id)


@require_POST
def send_left_out(request: HttpRequest, connection_id: str) -> HttpResponse:
    """Have values that the CRM refused written once more, or note that somebody has looked at records."""
    row = row_of(request, connection_id)
    code, name, field = (request.POST.get(part, "").replace("\0", "") for part in ("code", "object", "field"))
    send_again(request.user.account_id, row, (code, name, field))
    messages.success(request, _("Noted; what was left out is written again, and told here if it is refused."))
    return redirect("problems", connection_id)
