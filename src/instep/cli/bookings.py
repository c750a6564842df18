"""`instep bookings`: the bookings and where each stands with the CRM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from instep.cli.options import Home, Json, print_json

if TYPE_CHECKING:
    from instep.store.queries import BookingSummary

_PAGE = 1_000


def register(app: typer.Typer) -> None:
    app.command("bookings", epilog="Example: instep bookings --crm problem")(bookings)


def bookings(
    search: Annotated[
        str, typer.Option("--search", metavar="TEXT", help="A part of id, subject, guest's name or e-mail.")
    ] = "",
    crm: Annotated[
        str,
        typer.Option("--crm", metavar="STATE", help="Only these: “in step”, waiting, problem or ignored."),
    ] = "",
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", min=0, help="At most so many; 0 for all.", show_default="100, with --json all"
        ),
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """List bookings, the latest start first; times are in UTC."""
    from instep.ops.boot import boot

    wanted = limit if limit is not None else 0 if as_json else 100
    with boot(home, migrate=True):
        found = _load(search, crm, wanted)
    if as_json:
        print_json({"bookings": [_document(summary) for summary in found]})
    elif not found:
        print("No bookings. `instep ingest oncehub FILE` records some.")
    else:
        _table(found)


def _load(search: str, crm: str, wanted: int) -> list[BookingSummary]:
    from instep.bookings.accounts import ensure_account
    from instep.core.errors import InputError
    from instep.store import queries

    if crm not in ("", queries.IN_STEP, queries.WAITING, queries.PROBLEM, queries.IGNORED):
        raise InputError(
            f"--crm {crm}: no such state.", cure="Use “in step”, waiting, problem or ignored.", code="USAGE"
        )
    account_id, found = ensure_account().id, list[queries.BookingSummary]()
    while not wanted or len(found) < wanted:
        size = min(_PAGE, wanted - len(found)) if wanted else _PAGE
        before = (found[-1].start, found[-1].key) if found else None
        page = queries.booking_summaries(account_id, limit=size, before=before, search=search, crm=crm)
        found += page
        if len(page) < size:
            break
    return found


def _document(summary: BookingSummary) -> dict[str, Any]:
    return {
        "id": summary.id,
        "status": summary.status.value,
        "status_detail": summary.status_detail,
        "subject": summary.subject,
        "start": summary.start.isoformat(),
        "end": summary.end.isoformat(),
        "guest": summary.guest,
        "guest_email": summary.guest_email,
        "host": summary.host,
        "host_email": summary.host_email,
        "contact": summary.contact_id,
        "crm": summary.crm,
        "crm_message": summary.crm_message,
    }


def _table(found: list[BookingSummary]) -> None:
    from instep.core.booking import STATUS_WORDS

    rows = [("Booking", "Status", "Start (UTC)", "Guest", "Host", "CRM")]
    for summary in found:
        rows.append(
            (
                summary.id,
                STATUS_WORDS[summary.status],
                f"{summary.start:%Y-%m-%d %H:%M}",
                " ".join((summary.guest or summary.guest_email).split()),
                summary.host or "—",
                summary.crm or "not connected",
            )
        )
    widths = [min(max(len(row[n]) for row in rows), 40) for n in range(len(rows[0]))]
    for row in rows:
        cells = (cell[:width].ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
