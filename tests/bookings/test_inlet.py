"""Deliveries: who may post, and what each is answered."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

import pytest

from instep.bookings.inlet import Endpoint, provide_endpoint, receive
from instep.store.models import Account, Booking, SetAside, WebhookEndpoint
from oncehub_events import NOON, line


@pytest.fixture
def endpoint(account: Account) -> Endpoint:
    return provide_endpoint(account, "oncehub", "the secret")


def signature(raw: bytes, secret: str = "the secret", at: datetime = NOON) -> str:
    stamp = str(int(at.timestamp()))
    return f"t={stamp},s={hmac.new(secret.encode(), stamp.encode() + b'.' + raw, hashlib.sha256).hexdigest()}"


def test_a_signed_event_is_recorded_once_however_often_it_comes(endpoint: Endpoint) -> None:
    raw = line("E1")
    outcomes = [receive(endpoint.public_id, raw, signature(raw), NOON) for _ in range(3)]
    assert [(o.status, o.outcome) for o in outcomes] == [
        (200, "ACCEPTED"),
        (200, "DUPLICATE"),
        (200, "DUPLICATE"),
    ]
    assert Booking.objects.count() == 1


def test_one_changed_byte_is_refused_and_leaves_no_trace(endpoint: Endpoint) -> None:
    raw = line("E1")
    answer = receive(endpoint.public_id, raw.replace(b"Ines", b"Inez"), signature(raw), NOON)
    assert (answer.status, answer.ok) == (401, False)
    assert not Booking.objects.exists()
    assert not SetAside.objects.exists()


def test_without_a_signature_it_is_refused(endpoint: Endpoint) -> None:
    assert receive(endpoint.public_id, line("E1"), None, NOON).status == 401


def test_an_unusable_event_is_kept_aside_and_not_asked_for_again(endpoint: Endpoint) -> None:
    answer = receive(endpoint.public_id, b"{", signature(b"{"), NOON)
    assert (answer.status, answer.outcome) == (200, "MALFORMED")
    assert SetAside.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["unknown", "", "a\0b", "x" * 10_000])
def test_an_unknown_address_is_not_found(address: str) -> None:
    assert receive(address, b"{}", None, NOON).status == 404


def test_lost_keys_ask_the_sender_to_come_again(endpoint: Endpoint) -> None:
    WebhookEndpoint.objects.update(secret=b"encrypted with another key")
    raw = line("E1")
    answer = receive(endpoint.public_id, raw, signature(raw), NOON)
    assert (answer.status, answer.outcome) == (503, "KEYS_LOST")


class TestProvideEndpoint:
    """One webhook per source, whose address outlives its secret."""

    def test_it_is_made_once_with_a_secret_of_its_own(self, account: Account) -> None:
        first = provide_endpoint(account, "oncehub")
        assert len(first.secret) == 32
        assert provide_endpoint(account, "oncehub") == first
        assert first.path == f"/webhooks/oncehub/{first.public_id}"

    def test_a_given_secret_replaces_it_and_the_address_stays(self, account: Account) -> None:
        first = provide_endpoint(account, "oncehub")
        second = provide_endpoint(account, "oncehub", "given")
        assert (second.public_id, second.secret) == (first.public_id, "given")
        raw = line("E1")
        assert receive(first.public_id, raw, signature(raw, first.secret), NOON).status == 401
        assert receive(first.public_id, raw, signature(raw, "given"), NOON).status == 200

    def test_another_one_for_a_second_account_at_the_source(self, account: Account) -> None:
        first = provide_endpoint(account, "oncehub", "a")
        second = provide_endpoint(account, "oncehub", "b", another=True)
        assert first.public_id != second.public_id
        assert provide_endpoint(account, "oncehub", "b") == second
        assert provide_endpoint(account, "oncehub", "a") == first

    def test_an_unreadable_secret_is_replaced(self, account: Account) -> None:
        first = provide_endpoint(account, "oncehub")
        WebhookEndpoint.objects.update(secret=b"encrypted with another key")
        again = provide_endpoint(account, "oncehub")
        assert again.public_id == first.public_id
        assert again.secret != first.secret

    def test_the_secret_is_not_readable_in_the_database(self, endpoint: Endpoint) -> None:
        assert b"the secret" not in bytes(WebhookEndpoint.objects.get().secret)
