"""Who gets in: nobody without a password, nobody by guessing, and everybody signed in sees one account only."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from django.test import Client
from django.urls import get_resolver, reverse
from django.urls.converters import IntConverter, PathConverter, SlugConverter, StringConverter, UUIDConverter

from instep.guest import urls as guest_urls
from instep.store.models import Account, Connection, User
from instep.web.connecting import CrmConverter
from oncehub_events import line

from .conftest import PASSWORD


def test_signing_in_leads_to_the_page_that_was_wanted(stranger: Client, reader: User) -> None:
    asked = stranger.get("/set-aside")
    assert (asked.status_code, asked["Location"]) == (302, "/signin?next=/set-aside")
    form = {"login": " INES@acme.example", "password": PASSWORD, "next": "/set-aside"}
    answer = stranger.post("/signin", form)
    assert (answer.status_code, answer["Location"]) == (302, "/set-aside")
    assert stranger.get("/set-aside").status_code == 200


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("ines@acme.example", "wrong"),
        ("nobody@acme.example", PASSWORD),
        ("a\0b@acme.example", PASSWORD),
        ("", ""),
    ],
)
def test_wrong_credentials_say_the_same_whoever_it_is(
    stranger: Client, reader: User, login: str, password: str
) -> None:
    answer = stranger.post("/signin", {"login": login, "password": password})
    assert answer.status_code == 200
    assert b'role="alert"' in answer.content or b"field-error" in answer.content
    assert stranger.get("/bookings").status_code == 302


def test_guessing_is_paused_even_for_the_right_password(stranger: Client, reader: User) -> None:
    guesses = [stranger.post("/signin", {"login": reader.email, "password": f"guess {n}"}) for n in range(6)]
    assert b"Too many failed login attempts" in guesses[-1].content
    right = stranger.post("/signin", {"login": reader.email, "password": PASSWORD})
    assert right.status_code == 200
    assert stranger.get("/bookings").status_code == 302


def test_nobody_is_sent_to_another_site_after_signing_in(stranger: Client, reader: User) -> None:
    form = {"login": reader.email, "password": PASSWORD, "next": "https://evil.example/"}
    assert stranger.post("/signin", form)["Location"] == "/"


def test_inactive_user_stays_out(stranger: Client, reader: User) -> None:
    User.objects.filter(id=reader.id).update(is_active=False)
    answer = stranger.post("/signin", {"login": reader.email, "password": PASSWORD}, follow=True)
    assert b"no longer active" in answer.content
    assert stranger.get("/bookings").status_code == 302


def test_signing_out_is_a_post(client: Client) -> None:
    assert client.get("/signout").status_code == 405
    assert client.get("/bookings").status_code == 200
    assert client.post("/signout")["Location"] == "/signin"
    assert client.get("/bookings").status_code == 302


OPEN = {
    "account_login",
    "account_logout",
    "account_inactive",
    "healthz",
    "mfa_authenticate",
    "readyz",
    "webhook-oncehub",
    "welcome",
    # guests never sign in
    *(str(pattern.name) for pattern in guest_urls.urlpatterns),
}
EXAMPLES = {
    IntConverter: 1,
    StringConverter: "x",
    SlugConverter: "x",
    PathConverter: "x/y",
    UUIDConverter: UUID(int=1),
    CrmConverter: "hubspot",
}


def _names() -> list[str]:
    return sorted({key for key in get_resolver().reverse_dict if isinstance(key, str)})


@pytest.mark.parametrize("name", _names())
def test_every_page_but_the_open_ones_asks_strangers_to_sign_in(
    stranger: Client, reader: User, name: str
) -> None:
    """A view that is added later is covered by this without being named here."""
    converters = get_resolver().reverse_dict.getlist(name)[0][3]
    path = reverse(name, kwargs={key: EXAMPLES[type(kind)] for key, kind in converters.items()})
    for answer in (stranger.get(path), stranger.post(path)):
        asked = answer.status_code == 302 and answer["Location"].startswith("/signin?next=")
        assert asked is (name not in OPEN), (name, answer.status_code)


def test_page_that_refreshes_itself_sends_the_whole_page_to_the_sign_in(stranger: Client) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/bookings?crm=problem"}
    answer = stranger.get("/bookings", headers=headers)
    assert answer.status_code == 204
    assert answer["HX-Redirect"] == "/signin?next=/bookings%3Fcrm%3Dproblem"


@pytest.mark.usefixtures("lane")
def test_another_accounts_bookings_are_not_there(
    client: Client,
    recorded: Callable[..., list[int]],
    keep_receipt: Callable[..., int],
) -> None:
    other = Account.objects.create(name="Other")
    Connection.objects.create(account=other, vendor="salesforce", url="https://other.example", org_id="00D9")
    (key,) = recorded(line("EVNT-1", subject="A secret meeting"), account_id=other.id)
    receipt = keep_receipt(key, {"tense": "receipt"})
    recorded(b"{broken", account_id=other.id)
    for path in ("", "/receipts", f"/receipts/{receipt}", "/plan"):
        assert client.get(f"/bookings/{key}{path}").status_code == 404, path
    assert client.post(f"/bookings/{key}/write-again").status_code == 404
    assert b"A secret meeting" not in client.get("/bookings").content
    assert b"not JSON" not in client.get("/set-aside").content


def test_pages_carry_a_policy_that_no_page_breaks(client: Client) -> None:
    answer = client.get("/bookings")
    policy = answer["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    page = answer.content.decode()
    assert " style=" not in page
    assert "<style" not in page
    assert "<script>" not in page
    assert " onclick=" not in page
