"""Two-step sign-in: on and off by its owner only, asked for at every sign-in, each code good once, guesses paused."""

from __future__ import annotations

import html
import re
import time
from urllib.parse import unquote

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from django.test import Client

from instep.bookings.accounts import forget_second_factor
from instep.store.models import Account, User

from .conftest import PASSWORD


def code_of(secret: str, periods: int = 0) -> str:
    """The code that an app shows now, or that many periods of 30 s later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + periods))


def confirm(client: Client, path: str) -> None:
    answer = client.get(path)
    assert unquote(answer["Location"]) == f"/signin/confirm?next={path}"
    answer = client.post("/signin/confirm", {"password": PASSWORD, "next": path})
    assert answer["Location"] == path


@pytest.fixture
def secret(client: Client, reader: User) -> str:
    """The secret of the reader's app, turned on through the pages; the used codes are forgotten."""
    confirm(client, "/profile/two-step/activate")
    page = client.get("/profile/two-step/activate").content.decode()
    found = re.search(r'class="secret">([A-Z2-7 ]+)<', page)
    assert found
    said = found[1].replace(" ", "")
    answer = client.post("/profile/two-step/activate", {"code": code_of(said)})
    assert answer["Location"] == "/profile/two-step/codes"
    cache.clear()
    return said


def sign_in(stranger: Client) -> None:
    answer = stranger.post(
        "/signin", {"login": "ines@acme.example", "password": PASSWORD, "next": "/set-aside"}
    )
    assert answer["Location"] == "/signin/code"


def test_turning_on_shows_a_qr_code_that_the_policy_allows(client: Client) -> None:
    confirm(client, "/profile/two-step/activate")
    answer = client.get("/profile/two-step/activate")
    assert 'src="data:image/svg+xml;base64,' in answer.content.decode()
    assert "img-src 'self' data:" in answer["Content-Security-Policy"]


def test_wrong_first_code_turns_nothing_on_and_keeps_the_secret(client: Client, reader: User) -> None:
    confirm(client, "/profile/two-step/activate")
    before = re.search(
        r'class="secret">([A-Z2-7 ]+)<', client.get("/profile/two-step/activate").content.decode()
    )
    answer = client.post("/profile/two-step/activate", {"code": "nonsense"})
    page = answer.content.decode()
    assert "This code is not right" in page
    assert before is not None
    assert before[1] in page
    assert not Authenticator.objects.exists()


def test_password_alone_no_longer_opens_anything(stranger: Client, secret: str) -> None:
    sign_in(stranger)
    assert stranger.get("/bookings").status_code == 302
    assert "Second step" in stranger.get("/signin/code").content.decode()
    answer = stranger.post("/signin/code", {"code": code_of(secret)})
    assert answer["Location"] == "/set-aside"
    assert stranger.get("/bookings").status_code == 200


def test_code_is_good_once_even_from_another_browser(stranger: Client, secret: str) -> None:
    code = code_of(secret, 1)
    sign_in(stranger)
    assert stranger.post("/signin/code", {"code": code}).status_code == 302
    other = Client()
    sign_in(other)
    # allauth's own memory of the code ends after one period; ours must not
    cache.delete(f"allauth.mfa.totp.used?user={User.objects.get().pk}&code={code}")
    answer = other.post("/signin/code", {"code": code})
    assert answer.status_code == 200
    assert "was used already" in html.unescape(answer.content.decode())


@pytest.mark.parametrize(("periods", "lets_in"), [(-1, True), (1, True), (-3, False), (3, False)])
def test_clocks_may_differ_by_one_period(stranger: Client, secret: str, periods: int, lets_in: bool) -> None:
    sign_in(stranger)
    answer = stranger.post("/signin/code", {"code": code_of(secret, periods)})
    assert (answer.status_code == 302) is lets_in


def test_guessing_codes_is_paused_even_for_the_right_one(stranger: Client, secret: str) -> None:
    sign_in(stranger)
    for guess in range(6):
        stranger.post("/signin/code", {"code": f"guess{guess}"})
    assert stranger.post("/signin/code", {"code": code_of(secret)}).status_code == 200
    assert stranger.get("/bookings").status_code == 302


def test_recovery_code_lets_in_once(client: Client, stranger: Client, secret: str) -> None:
    page = client.get("/profile/two-step/codes").content.decode()
    codes = [code.replace(" ", "") for code in re.findall(r"<li><code>([\d ]+)</code>", page)]
    assert len(codes) == 10
    assert codes == client.get("/profile/two-step/codes/file").content.decode().split()
    sign_in(stranger)
    assert stranger.post("/signin/code", {"code": codes[0]}).status_code == 302
    cache.clear()
    other = Client()
    sign_in(other)
    assert other.post("/signin/code", {"code": codes[0]}).status_code == 200


def test_secrets_are_encrypted_in_the_database(client: Client, secret: str) -> None:
    kept = " ".join(str(one.data) for one in Authenticator.objects.all())
    assert secret not in kept
    assert kept.count("gAAAA") == 2


def test_turning_off_asks_who_it_is_and_is_a_post(client: Client, secret: str, reader: User) -> None:
    assert client.get("/profile/two-step/deactivate").status_code == 200
    assert Authenticator.objects.count() == 2
    answer = client.post("/profile/two-step/deactivate", follow=True)
    assert "Two-step sign-in is off." in answer.content.decode()
    assert not Authenticator.objects.exists()


def test_stolen_session_cannot_change_the_second_factor(secret: str, reader: User) -> None:
    thief = Client()
    thief.force_login(reader)
    for path in ("deactivate", "codes", "codes/new", "codes/file"):
        answer = thief.get(f"/profile/two-step/{path}")
        assert answer["Location"].startswith("/signin/confirm?next="), path
    assert thief.post("/profile/two-step/deactivate")["Location"].startswith("/signin/confirm?next=")
    assert Authenticator.objects.count() == 2


def test_who_lost_phone_and_codes_is_let_in_by_the_administrator(
    stranger: Client, secret: str, account: Account
) -> None:
    assert forget_second_factor(account, "INES@acme.example")
    assert not forget_second_factor(account, "ines@acme.example")
    answer = stranger.post("/signin", {"login": "ines@acme.example", "password": PASSWORD})
    assert answer["Location"] == "/"
