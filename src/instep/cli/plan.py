"""`instep plan`: what would be written for a booking, a real or an invented one, without writing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from instep.cli.options import Home, Json, print_json

if TYPE_CHECKING:
    from instep.engine.preview import Invented

Booking = Annotated[str, typer.Argument(help="The booking's id, as `instep bookings` shows it.")]
Connection = Annotated[
    str,
    typer.Option(
        "--connection",
        metavar="ID",
        help="On this connection, by the id in its page's address; else the oldest.",
    ),
]


def register(app: typer.Typer) -> None:
    app.command(
        "plan",
        epilog="Example: instep plan BKNG-7Q2M9XKD41TA, or: instep plan --email ines@castro.example",
    )(plan)


def plan(
    booking: Annotated[
        str, typer.Argument(help="The booking's id, as `instep bookings` shows it; none for an invented one.")
    ] = "",
    email: Annotated[
        str, typer.Option("--email", help="Invent a booking of a guest with this address; it is never made.")
    ] = "",
    name: Annotated[str, typer.Option("--name", help="The invented guest's name.")] = "",
    company: Annotated[str, typer.Option("--company", help="The invented guest's company.")] = "",
    start: Annotated[
        str, typer.Option("--start", metavar="TIME", help="Its start, as 2026-03-05T14:00Z; else tomorrow.")
    ] = "",
    connection: Connection = "",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show what would be read, matched and written for a booking, and what it would cost. Writes nothing."""
    from instep.core.errors import InputError
    from instep.ops.boot import boot

    if bool(booking) == bool(email):
        raise InputError(
            "There is no booking to plan." if not booking else "A booking is either there or invented.",
            cure="Give a booking's id, or --email for an invented one.",
            code="USAGE",
        )
    now = datetime.now(UTC)
    with boot(home, migrate=True):
        from instep.bookings.accounts import ensure_account
        from instep.core.receipt import render
        from instep.engine.preview import plan_booking, plan_invented

        account_id = ensure_account().id
        if email:
            invented = _invented(name, email, company, start, now)
            document = plan_invented(account_id, invented, now, connection)
        else:
            document = plan_booking(account_id, key_of(account_id, booking), connection)
        heading = f"Plan for booking {booking}" if booking else f"Plan for an invented booking of {email}"
        print_json(document) if as_json else print(render(document, heading))


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


def _invented(name: str, email: str, company: str, start: str, now: datetime) -> Invented:
    """The booking that the options speak of. Raises `InputError` for a time or address that is none."""
    from instep.core.contact import identity_email
    from instep.core.errors import InputError
    from instep.engine.preview import Invented

    if not identity_email(email):
        raise InputError(
            f"--email {email}: no e-mail address.", cure="One is ines@castro.example.", code="USAGE"
        )
    try:
        begins = datetime.fromisoformat(start) if start else now + timedelta(days=1)
    except ValueError:
        raise InputError(f"--start {start}: no time.", cure="Write it as 2026-03-05T14:00Z.", code="USAGE")
    # a time without a zone is in UTC, as all times that the command line tells
    return Invented(
        name or email.partition("@")[0],
        email,
        begins if begins.tzinfo else begins.replace(tzinfo=UTC),
        company=company,
    )
