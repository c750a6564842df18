"""The link by which a guest manages one booking: the booking's id, signed. Keys may be rotated."""

from __future__ import annotations

from attrs import frozen
from django.core.signing import BadSignature, Signer

from instep.core.errors import InputError
from instep.store import booked_time_queries as times

_PURPOSE = "instep.bookings.manage"
#: longer than any token
_LONGEST = 400


@frozen
class Managed:
    """What a link leads to: the account, the booking's id and its key."""

    account_id: int
    booking_id: str
    key: int


def token_of(booking_id: str) -> str:
    """The last part of the link: the same for the booking's whole life, and of no use for another booking."""
    return Signer(salt=_PURPOSE).sign(booking_id)


def booking_id_of(token: str) -> str:
    """The booking that a token stands for. Raises `InputError` coded BAD_LINK for any other text."""
    try:
        if len(token) <= _LONGEST:
            return Signer(salt=_PURPOSE).unsign(token)
    except (BadSignature, UnicodeError):
        pass
    raise _bad_link()


def find(token: str) -> Managed:
    """The booking that a token leads to. Raises `InputError` coded BAD_LINK where there is none."""
    booking_id = booking_id_of(token)
    account_id = times.account_of(booking_id)
    key = times.booking_key(account_id, booking_id) if account_id is not None else None
    if account_id is None or key is None:
        raise _bad_link()
    return Managed(account_id, booking_id, key)


def manage_url(base_url: str, booking_id: str) -> str:
    """The whole link, below the address where the guest's pages stand."""
    return f"{base_url.rstrip('/')}/m/{token_of(booking_id)}"


def _bad_link() -> InputError:
    return InputError(
        "This link leads to no booking.",
        cure="Open the link of your confirmation again, whole and unchanged.",
        code="BAD_LINK",
    )
