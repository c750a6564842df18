"""Connecting a CRM from the pages: the whole way to the CRM and back, and every way in which it goes wrong."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from instep.store import credentials
from instep.store.models import Connection, User
from instep.web import connecting as views

from .conftest import PASSWORD
from .crm_sign_in import (
    BY_BROWSER,
    BY_ITSELF,
    CONNECT,
    at_the_crm,
    connected,
    order,
    secrets_of,
    sign_in_link,
    typed,
)

if TYPE_CHECKING:
    from instep.store.models import Account
    from instep_standins.salesforce.server import Running


@pytest.fixture(autouse=True)
def _at_localhost(client: Client, stranger: Client) -> None:
    """The CRM leads back over http to localhost only."""
    for browser in (client, stranger):
        browser.defaults["SERVER_NAME"] = "localhost"


def test_the_way_through_the_browser_ends_at_the_connection(
    client: Client, org: Running, account: Account
) -> None:
    begun = client.post(CONNECT, typed(org))
    assert begun["Location"] == "/integrations/signing-in"
    back = client.get(at_the_crm(sign_in_link(client)))
    assert back["Location"] == "/integrations/signing-in", "the code stays in no address bar"
    row = Connection.objects.get(account=account)
    done = client.get("/integrations/signing-in")
    assert done["Location"] == f"/integrations/{row.public_id}"
    page = client.get(done["Location"]).content.decode()
    assert "Salesforce is connected." in page
    assert row.org_id == org.org.organization["Id"]
    tokens = credentials.load_tokens(account.id, row.id)
    assert tokens is not None
    assert tokens["refresh_token"]


def test_a_window_of_its_own_is_closed_and_the_page_that_waits_goes_on(client: Client, org: Running) -> None:
    client.post(CONNECT, typed(org))
    waiting = client.get("/integrations/signing-in", headers={"HX-Request": "true"})
    assert waiting.status_code == 200
    back = client.get(at_the_crm(sign_in_link(client, window=True)))
    assert back["Location"] == "/integrations/signed-in"
    assert b"data-close-window" in client.get("/integrations/signed-in").content
    led_on = client.get("/integrations/signing-in", headers={"HX-Request": "true"})
    assert led_on.status_code == 204
    assert led_on["HX-Redirect"].startswith("/integrations/CON-")


def test_client_credentials_connect_at_once(client: Client, org: Running, account: Account) -> None:
    row = connected(client, org, account, BY_ITSELF)
    page = client.get(reverse("connection", args=[row.public_id])).content.decode()
    assert "integration@acme.example" in page
    assert "Client credentials" in page


def test_what_the_user_may_do_is_known_from_the_start(client: Client, org: Running, account: Account) -> None:
    """No booking has to fail first: permissions and installation are looked at with the connecting."""
    row = connected(client, org, account)
    page = client.get(reverse("connection", args=[row.public_id])).content.decode()
    assert "not looked at yet" not in page


def test_what_is_asked_of_the_crm_is_bound_to_this_sign_in(client: Client, org: Running) -> None:
    client.post(CONNECT, typed(org))
    link = sign_in_link(client)
    for part in (
        "code_challenge_method=S256",
        "state=",
        "prompt=login+consent",
        "scope=api+refresh_token+id",
    ):
        assert part in link
    assert "redirect_uri=http%3A%2F%2Flocalhost%2Fintegrations%2Fcallback" in link
    client.post(CONNECT, typed(org))
    assert sign_in_link(client).split("state=")[1] != link.split("state=")[1]


# -- what must not work ---------------------------------------------------------------------------


def test_a_wrong_state_connects_nothing_and_spoils_nothing(client: Client, org: Running) -> None:
    client.post(CONNECT, typed(org))
    back = at_the_crm(sign_in_link(client))
    code = back.partition("code=")[2].partition("&")[0]
    for forged in (
        "",
        "?state=",
        f"?code={code}&state=other",
        f"?code={code}&state=.window",
        f"?code={code}",
    ):
        assert client.get(f"/integrations/callback{forged}").status_code == 400
    assert not Connection.objects.exists()
    assert client.get(back).status_code == 302, "the real answer still counts"
    assert Connection.objects.count() == 1


def test_an_answer_counts_once(client: Client, org: Running) -> None:
    client.post(CONNECT, typed(org))
    back = at_the_crm(sign_in_link(client))
    assert client.get(back).status_code == 302
    exchanged = len(secrets_of(org))
    again = client.get(back, follow=True)
    row = Connection.objects.get()
    assert again.redirect_chain[-1][0] == reverse("connection", args=[row.public_id]), "it leads on"
    assert len(secrets_of(org)) == exchanged, "no second code was handed in"
    assert client.get(back).status_code == 400, "it is over"


def test_while_the_answer_is_worked_on_the_waiting_page_waits(
    client: Client, org: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real org takes longer to describe itself than the page waits between two looks."""
    client.post(CONNECT, typed(org))
    back = at_the_crm(sign_in_link(client, window=True))
    seen: list[tuple[int, object]] = []
    real = views._connect

    def slow(*said: Any) -> str:
        looked = client.get("/integrations/signing-in", headers={"HX-Request": "true"})
        seen.append((looked.status_code, looked.headers.get("HX-Redirect", "")))
        opened = client.get("/integrations/signing-in")
        seen.append((opened.status_code, "this takes some seconds" in opened.content.decode()))
        again = client.get(back)
        seen.append((again.status_code, again["Location"]))
        return real(*said)

    monkeypatch.setattr(views, "_connect", slow)
    assert client.get(back)["Location"] == "/integrations/signed-in"
    assert seen == [(204, ""), (200, True), (302, "/integrations/signed-in")]
    looked = client.get("/integrations/signing-in", headers={"HX-Request": "true"})
    assert looked["HX-Redirect"] == reverse("connection", args=[Connection.objects.get().public_id])


def test_another_users_session_cannot_finish_it(
    client: Client, org: Running, account: Account, stranger: Client
) -> None:
    client.post(CONNECT, typed(org))
    back = at_the_crm(sign_in_link(client))
    other = User.objects.create_user("rui@acme.example", PASSWORD, account)
    stranger.force_login(other)
    assert stranger.get(back).status_code == 400
    # the same browser, where somebody else has signed in meanwhile: the session's content stays encrypted for the first
    sealed = client.session["connecting"]
    session = stranger.session
    session["connecting"] = sealed
    session.save()
    assert stranger.get(back).status_code == 400
    assert not Connection.objects.exists()


def test_a_sign_in_that_took_too_long_has_to_be_begun_again(client: Client, org: Running) -> None:
    client.post(CONNECT, typed(org))
    back = at_the_crm(sign_in_link(client))
    import datetime

    late = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=11)
    with time_machine.travel(late, tick=False):
        assert client.get(back).status_code == 400
    assert not Connection.objects.exists()


def test_denied_consent_says_so_and_keeps_what_was_typed(client: Client, org: Running) -> None:
    client.post(CONNECT, typed(org))
    back = client.get(at_the_crm(sign_in_link(client), "deny"), follow=True)
    assert back.redirect_chain[-1][0] == CONNECT
    page = back.content.decode()
    assert "Consent was denied: connect again and allow access." in page
    assert f'value="{org.base_url}"' in page
    assert f'value="{org.org.client_id}"' in page
    assert org.org.client_secret not in page
    assert "The secret is kept" in page
    begun = client.post(CONNECT, typed(org, client_secret=""))
    assert begun.status_code == 302, "the secret that was typed before is used again"
    client.get(at_the_crm(sign_in_link(client)))
    assert Connection.objects.count() == 1


@pytest.mark.parametrize(
    ("answer", "cure"),
    [
        (
            "error=OAUTH_EC_APP_NOT_FOUND&error_description=External+client+app+is+not+installed",
            "this very org",
        ),
        (
            "error=redirect_uri_mismatch&error_description=redirect_uri+must+match",
            "exactly as Instep shows it",
        ),
        ("error=OAUTH_APP_ACCESS_DENIED&error_description=user+is+not+admin+approved", "pre-authorized"),
        ("error=something_new&error_description=%3Cb%3Eodd%3C/b%3E", "Connect Salesforce again."),
        ("error=", "Connect Salesforce again."),
    ],
)
def test_an_error_of_the_crm_comes_back_in_plain_words(
    client: Client, org: Running, answer: str, cure: str
) -> None:
    client.post(CONNECT, typed(org))
    state = sign_in_link(client).partition("state=")[2].partition("&")[0]
    page = client.get(f"/integrations/callback?{answer}&state={state}", follow=True).content.decode()
    assert cure in page
    assert "<b>odd</b>" not in page


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"client_secret": "wrong"}, "Check the consumer secret."),
        ({"client_id": "wrong"}, "Check the consumer key"),
        ({"url": "http://acme.example"}, "is not encrypted"),
        ({"url": "https://10.0.0.1"}, "lies inside a private network"),
        ({"url": "https://[bad"}, "cannot be read"),
        ({"url": ""}, "My Domain address"),
        ({"client_id": ""}, "Enter the app&#x27;s Consumer Key."),
        ({"client_secret": ""}, "need the Consumer Secret"),
        ({"grant": "password"}, "valid choice"),
    ],
)
def test_what_cannot_be_used_is_said_and_what_was_typed_stays(
    client: Client, org: Running, more: dict[str, str], said: str
) -> None:
    answer = client.post(CONNECT, typed(org, BY_ITSELF) | more)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in page
    assert org.org.client_secret not in page
    if "url" not in more:
        assert f'value="{org.base_url}"' in page
    assert not Connection.objects.exists()


def test_a_server_that_is_not_there_is_an_answer_and_no_crash(client: Client, org: Running) -> None:
    org.stop()
    answer = client.post(CONNECT, typed(org, BY_ITSELF))
    assert answer.status_code == 422
    assert "could not be reached" in answer.content.decode()


def test_a_sandbox_never_passes_for_production(
    client: Client, org: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in is a production org: whoever chose sandbox is told, and nothing is connected."""
    from instep.web import connecting

    monkeypatch.setattr(connecting, "environment_of", lambda vendor, url: "sandbox")
    client.post(CONNECT, typed(org))
    page = client.get(at_the_crm(sign_in_link(client)), follow=True).content.decode()
    assert "is a production org, but you chose sandbox" in page
    assert not Connection.objects.exists()


def test_a_stored_secret_is_sent_to_its_own_address_only(
    client: Client, org: Running, account: Account
) -> None:
    row = connected(client, org, account, BY_ITSELF)
    address = reverse("reconnect", args=[row.public_id])
    elsewhere = typed(org, BY_ITSELF, client_secret="", url="http://localhost:1")
    answer = client.post(address, elsewhere)
    assert answer.status_code == 422
    assert "need the Consumer Secret" in answer.content.decode()
    assert client.post(address, typed(org, BY_ITSELF, client_secret="")).status_code == 302


def test_no_secret_is_in_a_page_a_message_a_log_or_readable_in_the_session(
    client: Client, org: Running, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = [client.post(CONNECT, typed(org)).content, client.get("/integrations/signing-in").content]
    begun = str(dict(client.session))
    assert org.org.client_secret not in begun
    shown.append(client.get(at_the_crm(sign_in_link(client)), follow=True).content)
    row = Connection.objects.get(account=account)
    for name in ("connection", "reconnect", "disconnect"):
        shown.append(client.get(reverse(name, args=[row.public_id])).content)
    shown.append(client.get("/integrations").content)
    shown.append(client.post(reverse("connection-check", args=[row.public_id]), follow=True).content)
    everything = b"".join(shown).decode() + caplog.text + str(dict(client.session)) + str(row.__dict__)
    for secret in secrets_of(org):
        assert secret not in everything


# -- again ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("grant", [BY_BROWSER, BY_ITSELF])
def test_reconnecting_takes_the_same_way_and_keeps_the_setup(
    client: Client, org: Running, account: Account, grant: str
) -> None:
    row = connected(client, org, account, grant)
    Connection.objects.filter(id=row.id).update(
        settings={"config": {"always_write": True}}, state="reconnect"
    )
    answer = client.post(reverse("reconnect-now", args=[row.public_id]))
    if grant == BY_BROWSER:
        assert answer["Location"] == "/integrations/signing-in"
        client.get(at_the_crm(sign_in_link(client)))
        answer = client.get("/integrations/signing-in")
    assert answer["Location"] == reverse("connection", args=[row.public_id])
    after = Connection.objects.get(account=account)
    assert (after.id, after.state) == (row.id, "connected")
    assert after.settings == {"config": {"always_write": True}}


def test_reconnecting_with_another_org_is_refused(client: Client, org: Running, account: Account) -> None:
    row = connected(client, org, account, BY_BROWSER)
    Connection.objects.filter(id=row.id).update(org_id="00D000000000009AAA", state="reconnect")
    client.post(reverse("reconnect-now", args=[row.public_id]))
    page = client.get(at_the_crm(sign_in_link(client)), follow=True).content.decode()
    assert "this connection is for 00D000000000009AAA" in page
    assert Connection.objects.get(account=account).state == "reconnect"


def test_the_same_org_connected_twice_is_one_connection(
    client: Client, org: Running, account: Account
) -> None:
    first = connected(client, org, account, BY_ITSELF)
    second = connected(client, org, account, BY_BROWSER)
    assert (first.id, Connection.objects.count()) == (second.id, 1)


def test_keys_that_are_lost_ask_for_everything_anew(client: Client, org: Running, account: Account) -> None:
    row = connected(client, org, account, BY_BROWSER)
    Connection.objects.filter(id=row.id).update(credentials=b"gAAA-not-ours", tokens=b"gAAA-not-ours")
    assert client.get(reverse("connection", args=[row.public_id])).status_code == 200
    answer = client.post(reverse("reconnect-now", args=[row.public_id]), follow=True)
    assert answer.redirect_chain[-1][0] == reverse("reconnect", args=[row.public_id])
    assert "enter them again" in answer.content.decode()


def test_revoked_tokens_are_noticed_and_reconnecting_goes_on(
    client: Client, org: Running, account: Account
) -> None:
    row = connected(client, org, account, BY_BROWSER)
    order(org, "revoke")
    page = client.post(reverse("connection-check", args=[row.public_id]), follow=True).content.decode()
    assert "Reconnect needed" in page
    assert Connection.objects.get(id=row.id).state == "reconnect"
    client.post(reverse("reconnect-now", args=[row.public_id]))
    client.get(at_the_crm(sign_in_link(client)))
    page = client.get("/integrations/signing-in", follow=True).content.decode()
    assert "Connected again." in page
    assert Connection.objects.get(id=row.id).state == "connected"


# -- JWT bearer -----------------------------------------------------------------------------------


def by_certificate(client: Client, org: Running, **more: str) -> Any:
    """The form, filled in for a sign-in by certificate."""
    return client.post(
        CONNECT, typed(org, "jwt_bearer", client_secret="", username="integration@acme.example", **more)
    )


def test_a_certificate_signs_in_without_secret_or_person(
    client: Client, org: Running, account: Account
) -> None:
    certificate = client.get("/integrations/salesforce/certificate")
    assert certificate["Content-Disposition"] == 'attachment; filename="instep.crt"'
    pem = certificate.content.decode()
    assert "BEGIN CERTIFICATE" in pem
    assert "PRIVATE" not in pem
    order(org, "settings", {"jwtCertificate": pem, "preAuthorised": ["integration@acme.example"]})
    answer = by_certificate(client, org)
    assert answer.status_code == 302, answer.content.decode()
    row = Connection.objects.get(account=account)
    assert row.identity["username"] == "integration@acme.example"
    page = client.get(answer["Location"]).content.decode()
    assert "JWT bearer" in page
    assert "PRIVATE" not in page
    again = client.post(reverse("reconnect-now", args=[row.public_id]))
    assert again["Location"] == reverse("connection", args=[row.public_id])
    form = client.get(reverse("reconnect", args=[row.public_id])).content.decode()
    assert "integration@acme.example" in form
    assert "PRIVATE" not in form


def test_a_certificate_that_the_org_does_not_know_is_told_with_its_cure(
    client: Client, org: Running, account: Account
) -> None:
    answer = by_certificate(client, org)
    assert answer.status_code == 422
    words = answer.content.decode()
    assert "Upload Instep" in words
    assert "integration@acme.example" in words, "what was typed is still there"
    assert not Connection.objects.exists()


def test_a_certificate_needs_a_username(client: Client, org: Running) -> None:
    answer = client.post(CONNECT, typed(org, "jwt_bearer", client_secret="", username=""))
    assert answer.status_code == 422
    assert "Enter the username" in answer.content.decode()


@pytest.mark.parametrize(
    ("grant", "empty", "said"),
    [
        (
            BY_ITSELF,
            ("url", "client_id", "client_secret"),
            ("My Domain address.", "Consumer Key.", "Consumer Secret."),
        ),
        ("jwt_bearer", ("client_id", "username"), ("Consumer Key.", "Enter the username")),
    ],
)
def test_everything_that_is_missing_is_told_at_once(
    client: Client, org: Running, grant: str, empty: tuple[str, ...], said: tuple[str, ...]
) -> None:
    answer = client.post(CONNECT, typed(org, grant) | dict.fromkeys(empty, ""))
    errors = {name: " ".join(words) for name, words in answer.context["form"].errors.items()}
    assert set(errors) == set(empty)
    assert all(words in errors[name] for name, words in zip(empty, said, strict=True))


def test_the_certificate_stays_the_same(client: Client, account: Account) -> None:
    first, second = (client.get("/integrations/salesforce/certificate").content for _ in range(2))
    assert first == second


def test_an_address_on_the_servers_own_machine_is_refused_where_others_reach_the_server(
    client: Client, org: Running, account: Account, settings: Any
) -> None:
    """Each account has administrators of its own: none of them may have the server knock at its own doors."""
    public = settings.INSTEP.model_copy(update={"public_url": "https://book.example.com"})
    settings.INSTEP = public
    answer = client.post(CONNECT, typed(org, BY_ITSELF))
    assert answer.status_code == 422
    assert "lies inside a private network" in answer.content.decode()
    assert not Connection.objects.filter(account=account).exists()
    settings.INSTEP = public.model_copy(update={"allow_private_urls": ("localhost",)})
    client.post(CONNECT, typed(org, BY_ITSELF))
    lane = Connection.objects.get(account=account)
    # what the operator allows no more is called no more
    settings.INSTEP = public
    client.post(f"/integrations/{lane.public_id}/check")
    assert "lies inside a private network" in client.get(f"/integrations/{lane.public_id}").content.decode()


JWT_USER = "integration@acme.example"


@pytest.fixture
def by_jwt(client: Client, org: Running, account: Account) -> Connection:
    """A connection that signs in with the account's certificate."""
    pem = client.get("/integrations/salesforce/certificate").content.decode()
    order(org, "settings", {"jwtCertificate": pem, "preAuthorised": [JWT_USER]})
    by_certificate(client, org)
    return Connection.objects.get(account=account)


def test_a_new_certificate_is_used_once_salesforce_has_it_and_the_old_one_until_then(
    client: Client, org: Running, account: Account, by_jwt: Connection
) -> None:
    address = reverse("connection", args=[by_jwt.public_id])
    old = client.get("/integrations/salesforce/certificate").content.decode()
    assert "Renew the certificate" in client.get(address).content.decode()
    client.post("/integrations/salesforce/certificate/new", {"connection": by_jwt.public_id})
    new = client.get("/integrations/salesforce/certificate").content.decode()
    assert new != old
    order(org, "expire-sessions")
    page = client.post(reverse("connection-check", args=[by_jwt.public_id]), follow=True).content.decode()
    assert "A new certificate waits" in page
    assert Connection.objects.get(id=by_jwt.id).state == "connected", "the old key works"
    # pressed before the upload: nothing changes
    page = client.post(reverse("use-certificate", args=[by_jwt.public_id]), follow=True).content.decode()
    assert "the old one stays" in page
    assert "Upload Instep" in page
    order(org, "expire-sessions")
    client.post(reverse("connection-check", args=[by_jwt.public_id]))
    assert Connection.objects.get(id=by_jwt.id).state == "connected"
    order(org, "settings", {"jwtCertificate": new})
    order(org, "expire-sessions")
    page = client.post(reverse("use-certificate", args=[by_jwt.public_id]), follow=True).content.decode()
    assert "uses it from now on" in page
    assert "A new certificate waits" not in page
    order(org, "expire-sessions")
    client.post(reverse("connection-check", args=[by_jwt.public_id]))
    assert Connection.objects.get(id=by_jwt.id).state == "connected"


def test_a_lost_key_is_replaced_when_somebody_says_so_and_by_no_page_that_is_opened(
    client: Client, org: Running, account: Account, by_jwt: Connection, settings: Any
) -> None:
    """A link checker or a second tab must not throw away a certificate that Salesforce knows."""
    from cryptography.fernet import Fernet

    from instep.store.models import Account as Row

    kept = bytes(Row.objects.get(id=account.id).signing_key)
    own = settings.INSTEP
    settings.INSTEP = own.model_copy(update={"secret_keys": (Fernet.generate_key().decode(),)})
    form = client.get(CONNECT).content.decode()
    assert "can no longer be read" in form
    assert "Make a new certificate" in form
    assert (
        "can no longer be read"
        in client.get("/integrations/salesforce/certificate", follow=True).content.decode()
    )
    assert b"can no longer be read" in by_certificate(client, org).content
    assert client.get("/integrations/salesforce/certificate/new").status_code == 405
    assert bytes(Row.objects.get(id=account.id).signing_key) == kept
    settings.INSTEP = own
    assert client.get("/integrations/salesforce/certificate").status_code == 200
    settings.INSTEP = own.model_copy(update={"secret_keys": (Fernet.generate_key().decode(),)})
    client.post("/integrations/salesforce/certificate/new")
    assert "Download the certificate" in client.get(CONNECT).content.decode()
