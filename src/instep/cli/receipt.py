"""`instep receipt`: what was written for a booking, with the CRM's answers."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from instep.cli.options import Home, Json, print_json
from instep.cli.plan import Booking, key_of


def register(app: typer.Typer) -> None:
    app.command("receipt", epilog="Example: instep receipt BKNG-7Q2M9XKD41TA --all")(receipt)


def receipt(
    booking: Booking,
    every: Annotated[
        bool, typer.Option("--all", help="Every receipt, newest first, not only the last.")
    ] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show what was read, matched and written for a booking, why, and what it cost."""
    from instep.ops.boot import boot

    with boot(home, migrate=True):
        from instep.bookings.accounts import ensure_account
        from instep.engine.lane import record_url_of, with_links
        from instep.store import item_queries

        account_id = ensure_account().id
        key = key_of(account_id, booking)
        found = item_queries.receipts_of(account_id, "booking", key, 100 if every else 1)
        for row in found:
            row["document"] = with_links(row["document"], record_url_of(account_id, row["connection_id"]))
        if as_json:
            documents = [_document(row) for row in found]
            print_json({"booking": booking, "receipts": documents})
            return
        if not found:
            print(f"Nothing has been written for {booking} yet. See `instep plan {booking}`.")
        for row in found:
            _print(booking, row)


def _document(row: dict[str, Any]) -> dict[str, Any]:
    return {"at": row["at"].isoformat(), "outcome": row["outcome"], "drain": row["drain_id"]} | row[
        "document"
    ]


def _print(booking: str, row: dict[str, Any]) -> None:
    from instep.core.receipt import render

    print(render(row["document"], f"Receipt of {row['at']:%Y-%m-%d %H:%M:%S} UTC for booking {booking}"))
    print()
