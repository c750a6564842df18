"""Signing in to HubSpot: the browser's consent, renewal by the clock and by refusal, one at a time, revocation."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import pytest
from attrs import evolve

from hubspot_portal import Keep, StandinPortal
from instep.core.errors import InputError, NeedsAdmin
from instep.crm.hubspot import HubSpotCrm, connect
from instep.crm.hubspot import auth as signing
from instep.crm.hubspot.auth import HubSpotCredentials, check_api_url, consent_url, exchange_code, revoke
from instep.crm.oauth import Pkce, Tokens, new_state

CALLBACK = "http://localhost/callback"


def consented(portal: StandinPortal) -> Tokens:
    """The tokens of a person who approves the app in the browser."""
    portal.settings(autoApprove=True)
    proof, state = Pkce.new(), new_state()
    answer = portal.http.get(consent_url(portal.app(), CALLBACK, state, proof), follow_redirects=False)
    said = parse_qs(urlsplit(answer.headers["location"]).query)
    assert said["state"] == [state]
    return exchange_code(portal.app(), portal.transport, said["code"][0], proof.verifier, CALLBACK)


def client(portal: StandinPortal, keep: Keep, lock: object = None) -> HubSpotCrm:
    more = {"lock": lock} if lock else {}
    return connect(
        portal.app(), transport=portal.transport, load_tokens=keep.load, save_tokens=keep.save, **more
    )  # type: ignore[arg-type]


def renewals(portal: StandinPortal) -> int:
    return sum(entry["path"].endswith("/token") for entry in portal.admin("GET", "journal"))


def test_a_person_approves_the_app_with_the_least_scopes(portal: StandinPortal) -> None:
    """Code and proof are exchanged for tokens of this account; no more is asked than the sync and our fields need."""
    asked = parse_qs(urlsplit(consent_url(portal.app(), CALLBACK, "s", Pkce.new())).query)
    assert set(asked["scope"][0].split()) == {
        "oauth", "crm.objects.contacts.read", "crm.objects.contacts.write", "crm.schemas.contacts.read",
        "crm.schemas.contacts.write", "crm.objects.owners.read",
    }  # fmt: skip
    tokens = consented(portal)
    assert tokens.refresh_token
    keep = Keep(tokens)
    identity = client(portal, keep).whoami()
    assert identity.org_id == tokens.org_id
    assert identity.email == "admin@acme.example"
    assert identity.user_id == "61230001", "the owner, whose id is not the user's"
    assert keep.tokens is not None
    assert keep.tokens.org_id == identity.org_id


def test_an_expired_token_is_renewed_once_for_all_that_find_it_so(portal: StandinPortal) -> None:
    """Several threads and processes at once: one request to the token endpoint between them."""
    keep, guard = Keep(consented(portal)), threading.Lock()

    @contextmanager
    def lock() -> Iterator[None]:
        with guard:
            yield

    clients = [client(portal, keep, lock) for _ in range(4)]
    for one in clients:
        one.users()
    portal.admin("POST", "journal/clear")
    portal.admin("POST", "expire-sessions")
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda one: one.users(), clients))
    assert renewals(portal) == 1
    assert keep.saved == 1


def test_a_token_is_renewed_by_the_clock_before_it_is_refused(
    portal: StandinPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HubSpot asks apps not to wait for a 401."""
    keep = Keep(consented(portal))
    crm = client(portal, keep)
    crm.users()
    portal.admin("POST", "journal/clear")
    later = time.time() + 1750
    monkeypatch.setattr(signing.time, "time", lambda: later)
    crm.users()
    assert renewals(portal) == 1
    crm.users()
    assert renewals(portal) == 1
    assert [call.status for call in crm.calls] == [200, 200, 200]


def test_an_uninstalled_app_asks_to_reconnect(portal: StandinPortal) -> None:
    """The refresh is refused for good: only a person can mend it."""
    crm = client(portal, Keep(consented(portal)))
    crm.users()
    portal.admin("POST", "revoke")
    with pytest.raises(NeedsAdmin) as caught:
        crm.users()
    assert caught.value.code == "reconnect"
    assert "Connect HubSpot again" in caught.value.cure


def test_a_refresh_token_that_was_given_serves_without_a_browser(portal: StandinPortal) -> None:
    """As `connect hubspot --refresh-token` has it."""
    given = consented(portal).refresh_token
    keep = Keep()
    crm = connect(
        portal.app(refresh_token=given),
        transport=portal.transport,
        load_tokens=keep.load,
        save_tokens=keep.save,
    )
    assert crm.users()
    assert keep.tokens is not None
    assert keep.tokens.refresh_token == given


def test_tokens_of_another_account_are_refused(portal: StandinPortal) -> None:
    """A connection never moves to another account by a sign-in."""
    tokens = consented(portal)
    credentials = evolve(portal.app(), org_id="1")
    crm = connect(credentials, transport=portal.transport, load_tokens=lambda: tokens)
    with pytest.raises(NeedsAdmin, match="but this connection is for 1") as caught:
        crm.users()
    assert caught.value.code == "wrong_org"
    static = evolve(HubSpotCredentials(portal.base_url, token=portal.portal.token), org_id="1")
    with pytest.raises(NeedsAdmin):
        connect(static, transport=portal.transport).whoami()


def test_a_revoked_sign_in_ends(portal: StandinPortal) -> None:
    """Disconnecting has HubSpot forget the app; an unknown token is no error; a static one is its owner's to end."""
    tokens = consented(portal)
    revoke(portal.app(), tokens, portal.transport)
    with pytest.raises(NeedsAdmin):
        connect(
            portal.app(),
            transport=portal.transport,
            load_tokens=lambda: evolve(tokens, issued_at="0"),
        ).users()
    revoke(portal.app(), evolve(tokens, refresh_token="nobody's"), portal.transport)
    with pytest.raises(NeedsAdmin, match="goes on working"):
        revoke(portal.app(), Tokens(portal.portal.token, grant="static"), portal.transport)


def test_a_static_token_that_is_refused_asks_to_reconnect(portal: StandinPortal) -> None:
    """Nothing renews a service key."""
    crm = portal.connect()
    portal.admin("POST", "revoke", {"token": True})
    with pytest.raises(NeedsAdmin) as caught:
        crm.whoami()
    assert caught.value.code == "reconnect"
    assert "Development → Keys → Service keys" in caught.value.cure, "there is nobody to sign in again"


def test_secrets_are_kept_out_of_what_is_printed() -> None:
    """Neither the credentials nor the tokens show themselves in a log line."""
    credentials = HubSpotCredentials(token="pat-1", client_secret="shh", refresh_token="r-1")
    assert not any(secret in repr(credentials) for secret in ("pat-1", "shh", "r-1"))
    assert HubSpotCredentials.of(credentials.kept()) == credentials


@pytest.mark.parametrize("entered", [{}, {"client_id": "x"}, {"grant": "static", "client_id": "x"}])
def test_what_is_missing_is_named(entered: dict[str, str]) -> None:
    """Half a sign-in is none."""
    with pytest.raises(InputError, match="without"):
        HubSpotCredentials.of(entered)


def test_the_address_is_hubspots_own_unless_another_is_given() -> None:
    """Only addresses that may be called."""
    assert check_api_url("") == "https://api.hubapi.com"
    assert check_api_url("http://127.0.0.1:8020", ("127.0.0.1",)) == "http://127.0.0.1:8020"
    for refused in ("http://api.hubapi.com", "http://127.0.0.1:8020"):
        with pytest.raises(InputError):
            check_api_url(refused)


@pytest.mark.parametrize("by_app", [False, True])
def test_a_refusal_for_a_scope_names_all_that_are_missing(portal: StandinPortal, by_app: bool) -> None:
    """Not the first alone, and how they come to count: a key's at once, an app's with the next sign-in."""
    lost = {"crm.objects.contacts.write", "crm.objects.owners.read"}
    if by_app:
        crm = client(portal, Keep(consented(portal)))
        sessions = portal.portal.tokens.sessions
        for token, grant in sessions.items():
            sessions[token] = evolve(grant, scopes=tuple(one for one in grant.scopes if one not in lost))
    else:
        crm = portal.connect()
        portal.settings(tokenScopes=[one for one in portal.settings()["tokenScopes"] if one not in lost])
    with pytest.raises(NeedsAdmin) as caught:
        crm.users()
    assert "Missing: crm.objects.contacts.write, crm.objects.owners.read." in caught.value.cure
    assert ("connect HubSpot again" in caught.value.cure) is by_app
    assert ("it counts at once" in caught.value.cure) is not by_app
