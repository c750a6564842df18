"""The link of a booking: it opens one booking, and nobody can make one up."""

from __future__ import annotations

import pytest
from django.core.signing import Signer
from django.test import override_settings

from bookings.here import open_place
from instep.bookings import manage
from instep.core.errors import InputError

BOOKING = "BKNG-0123456789ABCDEF0123"


def test_a_link_leads_to_its_booking_for_life() -> None:
    url = manage.manage_url("https://book.example/", BOOKING)
    assert url == manage.manage_url("https://book.example", BOOKING)
    base, _, token = url.rpartition("/")
    assert base == "https://book.example/m"
    assert manage.booking_id_of(token) == BOOKING


def test_a_link_made_before_the_keys_were_rotated_still_works() -> None:
    token = manage.token_of(BOOKING)
    from django.conf import settings

    with override_settings(SECRET_KEY="a new key", SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert manage.booking_id_of(token) == BOOKING
        assert manage.token_of(BOOKING) != token
    with override_settings(SECRET_KEY="another key", SECRET_KEY_FALLBACKS=[]), pytest.raises(InputError):
        manage.booking_id_of(token)


@pytest.mark.parametrize(
    "token",
    ["", BOOKING, f"{BOOKING}:", f"{BOOKING}:x", Signer().sign(BOOKING), "x" * 100_000, "\ud800:a", "a:\0"],
)
def test_any_other_text_is_refused(token: str) -> None:
    """Also what was signed with the same key for another purpose."""
    with pytest.raises(InputError) as refused:
        manage.booking_id_of(token)
    assert refused.value.code == "BAD_LINK"
    assert refused.value.cure


def test_a_signature_of_another_booking_is_of_no_use() -> None:
    signature = manage.token_of(BOOKING).rpartition(":")[2]
    with pytest.raises(InputError):
        manage.booking_id_of(f"BKNG-0123456789ABCDEF0124:{signature}")


@pytest.mark.django_db
def test_the_account_is_found_by_the_link() -> None:
    open_place()
    place = open_place()
    made = place.book()
    assert manage.find(manage.token_of(made.id)) == manage.Managed(place.account.id, made.id, made.key)
    with pytest.raises(InputError, match="no booking"):
        manage.find(manage.token_of(BOOKING))
