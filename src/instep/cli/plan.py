"""`instep plan`: what would be written for a booking, without writing."""

from __future__ import annotations

from typing import Annotated

import typer

from instep.cli.options import Home, Json, print_json

Booking = Annotated[str, typer.Argument(help="The booking's id, as `instep bookings` shows it.")]


def register(app: typer.Typer) -> None:
    app.command("plan", epilog="Example: instep plan BKNG-7Q2M9XKD41TA")(plan)


def plan(booking: Booking, home: Home = None, as_json: Json = False) -> None:
    """Show what would be read, matched and written for a booking, and what it would cost. Writes nothing."""
    from instep.ops.boot import boot

    with boot(home, migrate=True):
        from instep.bookings.accounts import ensure_account
        from instep.core.receipt import render
        from instep.engine.preview import plan_booking

        account_id = ensure_account().id
        document = plan_booking(account_id, key_of(account_id, booking))
        print_json(document) if as_json else print(render(document, f"Plan for booking {booking}"))


def key_of(account_id: int, booking: str) -> int:
    """The key of a booking by its id. Raises `InputError` when there is none."""
    from instep.core.errors import InputError
    from instep.store import queries

    key = queries.find_booking(account_id, booking)
    if key is None:
        raise InputError(
            f"There is no booking {booking}.", code="NO_SUCH_BOOKING", cure="See `instep bookings`."
        )
    return key
