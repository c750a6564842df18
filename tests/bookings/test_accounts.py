"""The account of a home and its first user."""

from __future__ import annotations

import threading

import pytest
from django.contrib.auth import authenticate
from django.db import connection

from instep.bookings.accounts import create_admin, ensure_account
from instep.core.errors import InputError
from instep.store.models import Account


@pytest.mark.django_db(transaction=True)
def test_the_account_is_made_once_by_many_at_a_time() -> None:
    found: list[int] = []

    def run() -> None:
        found.append(ensure_account().id)
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Account.objects.count() == 1
    assert found == [Account.objects.get().id] * 5


def test_an_administrator_signs_in_by_address_in_any_case(account: Account) -> None:
    user = create_admin(account, "Ada@Example.org", "correct horse battery")
    assert authenticate(email="ada@example.ORG", password="correct horse battery") == user
    assert authenticate(email="ada@example.org", password="wrong") is None


@pytest.mark.parametrize(
    ("email", "password", "code"),
    [
        ("not an address", "correct horse battery", "USER"),
        ("new@example.org", "short", "USER"),
        ("ADA@example.org", "correct horse battery", "USER_EXISTS"),
    ],
)
def test_unusable_users_are_refused(account: Account, email: str, password: str, code: str) -> None:
    create_admin(account, "ada@example.org", "correct horse battery")
    with pytest.raises(InputError) as refused:
        create_admin(account, email, password)
    assert refused.value.code == code
