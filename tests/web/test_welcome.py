"""The first run: the first person makes the account, with the code that the server printed; after that nobody does."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from instep.bookings import accounts
from instep.core.errors import InputError
from instep.store.models import Account, User

SAID = {
    "name": "Inês Castro",
    "email": "ines@acme.example",
    "password": "correct horse battery",
    "account": "Castro Lda",
}


def said(**changes: str) -> dict[str, str]:
    return {**SAID, "code": settings.INSTEP.set_up_code(), **changes}


def test_empty_server_leads_every_stranger_to_the_first_run(stranger: Client) -> None:
    assert stranger.get("/", follow=True).redirect_chain[-1][0] == "/welcome"
    assert stranger.get("/bookings", follow=True).redirect_chain[-1][0] == "/welcome"


def test_first_person_becomes_the_owner_and_is_signed_in(stranger: Client) -> None:
    answer = stranger.post("/welcome", said())
    assert (answer.status_code, answer["Location"]) == (302, "/first-steps")
    owner = User.objects.get()
    assert (owner.name, owner.email, owner.role) == ("Inês Castro", "ines@acme.example", "owner")
    assert owner.account.name == "Castro Lda"
    page = stranger.get("/first-steps").content.decode()
    assert "Welcome, <bdi>Inês Castro</bdi>" in page
    stranger.post("/signout")
    assert stranger.post("/signin", {"login": SAID["email"], "password": SAID["password"]}).status_code == 302


def test_account_that_a_connection_made_is_taken_over_and_named(stranger: Client) -> None:
    made = accounts.ensure_account()
    stranger.post("/welcome", said())
    assert Account.objects.get().id == made.id
    assert Account.objects.get().name == "Castro Lda"


@pytest.mark.parametrize("code", ["", "AAAA-BBBB-CCCC-DDDD", "ÄÖÜ"])
def test_stranger_without_the_code_cannot_seize_the_server(stranger: Client, code: str) -> None:
    answer = stranger.post("/welcome", said(code=code))
    assert answer.status_code == 400
    assert not User.objects.exists()
    page = answer.content.decode()
    assert 'value="Inês Castro"' in page
    assert 'aria-describedby="id_code_helptext id_code_error"' in page
    assert settings.INSTEP.set_up_code() not in page


def test_code_in_the_address_fills_the_field_and_may_be_typed_loosely(stranger: Client) -> None:
    code = settings.INSTEP.set_up_code()
    assert f'value="{code}"' in stranger.get(f"/welcome?code={code}").content.decode()
    assert stranger.post("/welcome", said(code=f" {code.lower().replace('-', ' ')} ")).status_code == 302


def test_weak_password_is_refused_and_everything_typed_stays(stranger: Client) -> None:
    answer = stranger.post("/welcome", said(password="short"))
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "too short" in page
    assert 'value="Castro Lda"' in page
    assert not User.objects.exists()


def test_after_the_first_user_there_is_no_such_page(stranger: Client, reader: User) -> None:
    assert stranger.get("/welcome").status_code == 404
    assert stranger.post("/welcome", said(email="thief@evil.example")).status_code == 404
    assert User.objects.count() == 1
    stranger.force_login(reader)
    assert stranger.get("/welcome")["Location"] == "/first-steps"


def test_guessing_the_code_is_paused(stranger: Client) -> None:
    answers = [stranger.post("/welcome", said(code=f"GUESS-{n}")).status_code for n in range(21)]
    assert answers == [400] * 20 + [429]
    assert stranger.post("/welcome", said()).status_code == 429


@pytest.mark.django_db(transaction=True)
def test_of_many_first_owners_at_once_one_wins() -> None:
    results: list[Any] = []

    def run(number: int) -> None:
        try:
            results.append(accounts.create_owner("", f"first{number}@acme.example", SAID["password"], "Acme"))
        except InputError as error:
            results.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count(accounts.TAKEN) == 4
    assert User.objects.count() == 1
