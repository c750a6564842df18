"""Reading: one Composite with one query per object, however many bookings ask (design: the two-call rule).

A query that failed raises: a look-up that failed is never "nobody found".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from instep.core.errors import Bug, InstepError, NeedsAdmin, Retry, Scope
from instep.core.lookup import CrmUser, Lookup, Observed, Record
from instep.crm.salesforce.client import Answer, SalesforceClient
from instep.crm.salesforce.errors import error_of_all
from instep.crm.salesforce.ids import long_id
from instep.crm.salesforce.names import SANDBOX_SUFFIX, STANDARD_USER
from instep.crm.salesforce.soql import Statement, fits_address, statements, user_statements

#: Queries (or collections) that one Composite takes.
QUERIES_PER_COMPOSITE = 5


def observe(client: SalesforceClient, lookup: Lookup) -> Observed:
    """What the CRM says now about everything the look-up names."""
    records, users = _statements(lookup)
    try:
        rows = _run(client, [*records, *users])
    except _CompositeRefused:
        records, users = _statements(lookup, alone=True)
        rows = [run_alone(client, statement) for statement in (*records, *users)]
    return Observed(
        records=_records(lookup, records, rows[: len(records)]),
        users=_users(lookup.users, rows[len(records) :]),
    )


def _statements(lookup: Lookup, *, alone: bool = False) -> tuple[list[Statement], list[Statement]]:
    """The queries for records, and those for users."""
    records = [s for part in lookup.objects for s in statements(part, alone=alone)]
    emails = tuple(dict.fromkeys(s for e in lookup.users for s in (e, f"{e}{SANDBOX_SUFFIX}")))
    return records, user_statements(emails, alone=alone)


def find_users(client: SalesforceClient, emails: Sequence[str] | None = None) -> tuple[CrmUser, ...]:
    """All users who can own records, or whoever has one of the addresses, inactive ones too."""
    if emails is None:
        return _users((), [run_alone(client, s) for s in user_statements(None)])
    return observe(client, Lookup(users=tuple(emails))).users


def ask(client: SalesforceClient, wanted: Sequence[Statement], purpose: str) -> list[list[Mapping[str, Any]]]:
    """The rows of a few short statements, in one call where the CRM takes it."""
    try:
        return _run(client, wanted, purpose)
    except _CompositeRefused:
        return [run_alone(client, statement) for statement in wanted]


class _CompositeRefused(Exception):
    """The CRM took the Composite as a whole for a mistake; its parts may still be answered alone."""


def _run(
    client: SalesforceClient, wanted: Sequence[Statement], purpose: str = "read"
) -> list[list[Mapping[str, Any]]]:
    """The rows of each statement in the order asked, by as few Composites as take them."""
    rows: dict[int, list[Mapping[str, Any]]] = {}
    composable = [(n, s) for n, s in enumerate(wanted) if s.composable]
    for start in range(0, len(composable), QUERIES_PER_COMPOSITE):
        chunk = composable[start : start + QUERIES_PER_COMPOSITE]
        for (n, _), found in zip(chunk, _composite(client, [s for _, s in chunk], purpose), strict=True):
            rows[n] = found
    for n, statement in enumerate(wanted):
        if n not in rows:
            rows[n] = run_alone(client, statement)
    return [rows[n] for n in range(len(wanted))]


def _composite(
    client: SalesforceClient, wanted: Sequence[Statement], purpose: str
) -> list[list[Mapping[str, Any]]]:
    base = client.base
    body = {
        "allOrNone": False,
        "collateSubrequests": False,
        "compositeRequest": [
            {"method": "GET", "url": s.path(base), "referenceId": f"q{n}"} for n, s in enumerate(wanted)
        ],
    }
    try:
        answer = client.request("POST", "/composite", json=body, purpose=purpose)
    except (Bug, NeedsAdmin) as error:
        if error.scope is Scope.CONNECTION:
            raise
        raise _CompositeRefused from error
    parts = parts_of(answer, [f"q{n}" for n in range(len(wanted))])
    return [_rows(client, part, answer.request_id) for part in parts]


def parts_of(answer: Answer, references: Sequence[str], *, changes: bool = False) -> list[Mapping[str, Any]]:
    """The answers to a Composite's parts, each checked to be the answer to its own part.

    An id taken from the wrong part would relate a meeting to the wrong person.
    """
    parts = answer.body.get("compositeResponse") if isinstance(answer.body, dict) else None
    if isinstance(parts, list) and [p.get("referenceId") for p in parts] == list(references):
        return parts
    raise Retry(
        "Salesforce's answer to a batch does not fit what was asked.",
        code="bad_answer",
        cure="It is tried again by itself.",
        scope=Scope.BATCH,
        request_id=answer.request_id,
        outcome_unknown=changes,
    )


def _rows(client: SalesforceClient, part: Mapping[str, Any], request_id: str) -> list[Mapping[str, Any]]:
    status, body = int(part.get("httpStatusCode") or 0), part.get("body")
    if status == 200 and isinstance(body, dict):
        return _all_pages(client, body)
    raise refusal(status, body, request_id)


def refusal(status: int, body: Any, request_id: str) -> InstepError:
    """What a sub-request was refused with; without an error body it is passing trouble of the batch."""
    entries = body if isinstance(body, list) else [body] if isinstance(body, dict) else []
    if any(isinstance(e, Mapping) and e.get("errorCode") for e in entries):
        return error_of_all(entries, request_id=request_id, whole=True)
    return Retry(
        f"Salesforce answered a part of the request with HTTP {status} without a reason.",
        code=f"http_{status}",
        cure="It is tried again by itself.",
        scope=Scope.BATCH,
        request_id=request_id,
        outcome_unknown=True,
    )


def run_alone(client: SalesforceClient, statement: Statement) -> list[Mapping[str, Any]]:
    """All rows of one statement, by a request of its own."""
    if not fits_address(statement.soql):
        raise Bug(f"A query for {statement.object} is too long for an address.", code="query_too_long")
    answer = client.request("GET", statement.path(""), purpose=f"read {statement.object}")
    if not isinstance(answer.body, dict):
        raise refusal(answer.status, answer.body, answer.request_id)
    return _all_pages(client, answer.body)


def _all_pages(client: SalesforceClient, first: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    rows, page = list(first.get("records") or ()), first
    while page.get("done") is False and page.get("nextRecordsUrl"):
        answer = client.request("GET", str(page["nextRecordsUrl"]), purpose="read on")
        if not isinstance(answer.body, dict):
            raise refusal(answer.status, answer.body, answer.request_id)
        page = answer.body
        rows += page.get("records") or ()
    return rows


def _records(
    lookup: Lookup, wanted: Sequence[Statement], rows: Sequence[Sequence[Mapping[str, Any]]]
) -> tuple[Record, ...]:
    """Each record once, however many queries found it."""
    relations = {part.object: tuple(part.follow) for part in lookup.objects}
    found = (
        record_of(statement.object, row, relations.get(statement.object, ()))
        for statement, page in zip(wanted, rows, strict=True)
        for row in page
    )
    unique: dict[tuple[str, str], Record] = {}
    for record in found:
        unique.setdefault((record.object, record.id), record)
    return tuple(unique.values())


def _users(emails: Sequence[str], rows: Sequence[Sequence[Mapping[str, Any]]]) -> tuple[CrmUser, ...]:
    asked = {email.lower(): email for email in emails}
    users = (_user(row, asked) for page in rows for row in page)
    return tuple({user.id: user for user in users}.values())


def record_of(object_name: str, row: Mapping[str, Any], relations: Iterable[str] = ()) -> Record:
    """One row as a record; `relations` become followed records, other dotted parts dotted fields."""
    followed: dict[str, Record] = {}
    fields: dict[str, Any] = {}
    relations = frozenset(relations)
    for name, value in row.items():
        if name == "attributes":
            continue
        if isinstance(value, Mapping) and name in relations:
            kind = str((value.get("attributes") or {}).get("type") or name)
            followed[name] = record_of(kind, value)
        elif isinstance(value, Mapping) and "attributes" in value:
            fields.update({f"{name}.{k}": v for k, v in record_of("", value).fields.items()})
        elif name not in relations:
            fields[name] = value
    record_id = long_id(str(row.get("Id") or ""))
    return Record(object_name, record_id, fields, followed, deleted=bool(row.get("IsDeleted")))


def _user(row: Mapping[str, Any], asked: Mapping[str, str]) -> CrmUser:
    """A user with the address as people know it: without what a sandbox appended."""
    email = str(row.get("Email") or "")
    if email.lower() not in asked:
        shorter = email[: -len(SANDBOX_SUFFIX)] if email.lower().endswith(SANDBOX_SUFFIX) else email
        # A domain needs a dot: what is left of an address below the domain .invalid itself has none.
        if "." in shorter.rpartition("@")[2]:
            email = shorter
    return CrmUser(
        id=long_id(str(row.get("Id") or "")),
        email=asked.get(email.lower(), email),
        active=bool(row.get("IsActive", True)),
        name=str(row.get("Name") or ""),
        username=str(row.get("Username") or ""),
        licence="" if row.get("UserType") in (None, STANDARD_USER) else str(row["UserType"]),
    )
