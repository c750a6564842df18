"""Signing in, and staying signed in: one refresh for all, nothing lost when a process dies in the middle."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from attrs import define, evolve, field

from crm_batches import StandIn, lead
from instep.core.errors import InputError, NeedsAdmin, Retry, Scope, Wait
from instep.crm.oauth import Pkce, Tokens, challenge_of
from instep.crm.salesforce import SalesforceAuth, SalesforceCredentials, check_org_url, connect
from instep.crm.salesforce.auth import consent_url, exchange_code
from instep.crm.transport import Transport

CALLBACK = "https://instep.example/callback"
URL = "https://acme.my.salesforce.com"


@define
class Store:
    """Where tokens are kept between processes, and the lock that all of them take."""

    tokens: Tokens | None = None
    previous: Tokens | None = None
    saves: int = 0
    _lock: threading.Lock = field(factory=threading.Lock)

    @contextmanager
    def lock(self) -> Iterator[None]:
        with self._lock:
            yield

    def load(self) -> Tokens | None:
        return self.tokens

    def save(self, new: Tokens, previous: Tokens | None) -> None:
        assert self._lock.locked(), "saved inside the lock"
        self.tokens, self.previous = new, previous
        self.saves += 1

    @property
    def callables(self) -> dict[str, Any]:
        return {"load_tokens": self.load, "save_tokens": self.save, "lock": self.lock}


def consent(standin: StandIn, credentials: SalesforceCredentials, pkce: Pkce) -> str:
    """Go where the admin's browser goes, and bring the code back."""
    standin.admin("POST", "settings", {"autoApprove": True})
    answer = standin.http.get(consent_url(credentials, CALLBACK, "state-1", pkce))
    back = parse_qs(urlsplit(answer.headers["location"]).query)
    assert back["state"] == ["state-1"]
    return back["code"][0]


def code_flow(standin: StandIn) -> tuple[SalesforceCredentials, Tokens]:
    credentials = evolve(standin.credentials, grant="authorization_code")
    pkce = Pkce.new()
    code = consent(standin, credentials, pkce)
    return credentials, exchange_code(credentials, standin.transport, code, pkce.verifier, CALLBACK)


def test_client_credentials_sign_in_and_say_who_we_are(standin: StandIn) -> None:
    store = Store()
    who = standin.connect(**store.callables).whoami()
    assert who.username == "integration@acme.example"
    assert len(who.org_id) == len(who.user_id) == 18
    assert store.tokens is not None
    assert store.tokens.org_id == who.org_id
    assert "access_token" not in repr(store.tokens)


def test_the_code_flow_gives_tokens_that_work(standin: StandIn) -> None:
    credentials, tokens = code_flow(standin)
    assert tokens.refresh_token
    store = Store(tokens)
    assert (
        connect(credentials, transport=standin.transport, **store.callables).whoami().org_id == tokens.org_id
    )
    assert store.saves == 0


def test_a_wrong_verifier_or_a_used_code_is_a_new_start(standin: StandIn) -> None:
    credentials = evolve(standin.credentials, grant="authorization_code")
    pkce = Pkce.new()
    code = consent(standin, credentials, pkce)
    with pytest.raises(NeedsAdmin) as caught:
        exchange_code(credentials, standin.transport, code, Pkce.new().verifier, CALLBACK)
    assert caught.value.code == "invalid_grant"
    assert caught.value.scope is Scope.CONNECTION
    assert caught.value.cure


def test_the_challenge_is_that_of_the_standard() -> None:
    """RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert 43 <= len(Pkce.new().verifier) <= 128


def answering(answer: dict[str, Any], status: int = 200, **headers: str) -> Transport:
    def handler(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, json=answer, headers=headers)

    return Transport(inner=httpx2.MockTransport(handler))


def answer_for(org: str = "00D000000000001AAA", **more: str) -> dict[str, Any]:
    return {
        "access_token": "new",
        "instance_url": URL,
        "id": f"https://login.salesforce.com/id/{org}/005000000000001AAA",
        "issued_at": "1278448101416",
        **more,
    }


def test_an_answer_that_the_app_did_not_sign_is_refused() -> None:
    credentials = SalesforceCredentials(URL, "client", "secret", "authorization_code")
    with pytest.raises(NeedsAdmin, match="not signed"):
        exchange_code(credentials, answering(answer_for(signature="bm9wZQ==")), "code", "verifier", CALLBACK)


def test_tokens_of_another_org_are_refused() -> None:
    ours = SalesforceCredentials(URL, "c", "s", org_id="00D000000000001AAA")
    assert SalesforceAuth(ours, answering(answer_for())).tokens().access_token == "new"
    store = Store()
    with pytest.raises(NeedsAdmin) as caught:
        SalesforceAuth(
            ours, answering(answer_for("00D000000000002AAA")), store.load, store.save, store.lock
        ).tokens()
    assert caught.value.code == "wrong_org"
    assert store.tokens is None
    other = Tokens("t", org_id="00D000000000002AAA")
    with pytest.raises(NeedsAdmin, match="is for"):
        SalesforceAuth(ours, answering({}), lambda: other).tokens()


def test_the_instance_address_is_read_anew_and_checked() -> None:
    auth = SalesforceAuth(
        SalesforceCredentials(URL, "c", "s"),
        answering(answer_for(instance_url="https://moved.my.salesforce.com")),
        lambda: Tokens("old", instance_url=URL),
    )
    assert auth.renew(auth.tokens()).instance_url == "https://moved.my.salesforce.com"
    for elsewhere in ("http://acme.example", "http://127.0.0.1:5432", "https://localhost", "http://[::1]:80"):
        with pytest.raises(InputError):
            SalesforceAuth(
                SalesforceCredentials(URL, "c", "s"), answering(answer_for(instance_url=elsewhere))
            ).tokens()
    here = answering(answer_for(instance_url="http://127.0.0.1:8011"))
    try_out = SalesforceAuth(SalesforceCredentials("http://localhost:8010", "c", "s"), here)
    assert try_out.tokens().instance_url == "http://127.0.0.1:8011"


@pytest.mark.parametrize(
    ("status", "answer", "kind", "code", "cure"),
    [
        (400, ("invalid_grant", "expired access/refresh token"), NeedsAdmin, "reconnect", "Connect"),
        (400, ("invalid_grant", "no client credentials user enabled"), NeedsAdmin, "reconnect", "Run As"),
        (
            400,
            ("invalid_grant", "request not supported on this domain"),
            NeedsAdmin,
            "reconnect",
            "My Domain",
        ),
        (400, ("invalid_client_id", "client identifier invalid"), NeedsAdmin, "reconnect", "ten minutes"),
        (400, ("invalid_client", "invalid client credentials"), NeedsAdmin, "reconnect", "secret"),
        (
            400,
            ("invalid_app_access", "user is not admin approved to access this app"),
            NeedsAdmin,
            "reconnect",
            "polic",
        ),
        (400, ("inactive_user", "user is inactive"), NeedsAdmin, "reconnect", "another"),
        (400, ("rate_limit_exceeded", "exceeded"), Wait, "rate_limit_exceeded", "by itself"),
        (500, ("server_error", ""), Retry, "server_error", "by itself"),
        (503, ("", ""), Retry, "http_503", "by itself"),
        (404, ("", ""), Retry, "http_404", "by itself"),
    ],
)
def test_each_refusal_of_a_login_is_a_decision_about_the_connection(
    status: int, answer: tuple[str, str], kind: type[Exception], code: str, cure: str
) -> None:
    body = {"error": answer[0], "error_description": answer[1]} if answer[0] else {}
    with pytest.raises(kind) as caught:
        SalesforceAuth(SalesforceCredentials(URL, "c", "s"), answering(body, status)).tokens()
    error = caught.value
    assert (error.code, error.scope) == (code, Scope.CONNECTION)  # type: ignore[attr-defined]
    assert cure in error.cure  # type: ignore[attr-defined]


# -- refreshing ----------------------------------------------------------------------------------


def test_an_expired_session_is_renewed_once_within_a_request(standin: StandIn) -> None:
    store = Store()
    crm = standin.connect(**store.callables)
    crm.install()
    standin.admin("POST", "expire-sessions")
    checked: list[int] = []
    assert crm.apply([lead(1)], before_write=lambda: checked.append(1)).results["lead1"].ok
    assert store.saves == 2
    assert len(checked) == 2, "asked again before the second sending"


def test_a_connection_that_was_revoked_asks_to_reconnect(standin: StandIn) -> None:
    credentials, tokens = code_flow(standin)
    store = Store(tokens)
    crm = connect(credentials, transport=standin.transport, **store.callables)
    crm.users()
    standin.admin("POST", "revoke")
    for _ in range(2):
        with pytest.raises(NeedsAdmin) as caught:
            crm.users()
        assert (caught.value.code, caught.value.scope) == ("reconnect", Scope.CONNECTION)
    assert store.tokens == tokens


def test_a_rotated_refresh_token_is_stored_with_the_one_before(standin: StandIn) -> None:
    standin.admin("POST", "settings", {"rotation": True})
    credentials, first = code_flow(standin)
    store = Store(first)
    crm = connect(credentials, transport=standin.transport, **store.callables)
    for n in range(1, 4):
        standin.admin("POST", "expire-sessions")
        crm.users()
        assert store.saves == n
    assert store.tokens is not None
    assert store.previous is not None
    assert len({first.refresh_token, store.previous.refresh_token, store.tokens.refresh_token}) == 3


def refresh_in_two_processes(standin: StandIn, *, careful: bool) -> Store:
    """Two processes find the session expired at the same time; each has its own client."""
    standin.admin("POST", "settings", {"rotation": True})
    credentials, tokens = code_flow(standin)
    store = Store(tokens)
    standin.admin("POST", "expire-sessions")
    together, both_asked = threading.Barrier(2), threading.Barrier(2)
    # Wrong on purpose: it trusts what it loaded before it had the lock, as if the lock were all it takes.
    careless = {"load_tokens": lambda: tokens, "save_tokens": store.save, "lock": store.lock}
    failures: list[Exception] = []

    def process() -> None:
        crm = connect(
            credentials,
            transport=standin.transport,
            api_version="68.0",
            **(store.callables if careful else careless),
        )
        assert crm.client.auth.tokens() == tokens
        together.wait(5)
        try:
            crm.users()
        except NeedsAdmin as error:
            failures.append(error)
        both_asked.wait(5)

    threads = [threading.Thread(target=process) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    if failures:
        raise failures[0]
    return store


def test_two_processes_refresh_once(standin: StandIn) -> None:
    assert refresh_in_two_processes(standin, careful=True).saves == 1


def test_the_race_kills_the_connection_of_a_careless_client(standin: StandIn) -> None:
    """The same race with a client that does not read the tokens again: the test above can fail."""
    with pytest.raises(NeedsAdmin) as caught:
        refresh_in_two_processes(standin, careful=False)
    assert caught.value.code == "reconnect"


def test_threads_of_one_process_refresh_once(standin: StandIn) -> None:
    store = Store()
    crm = standin.connect(**store.callables)
    crm.users()
    standin.admin("POST", "expire-sessions")
    threads = [threading.Thread(target=fork.users) for fork in (crm.fork() for _ in range(6))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert store.saves == 2


def test_a_crash_before_the_token_is_stored_uses_no_new_token(standin: StandIn) -> None:
    """Stored first, used afterwards: when storing fails, no request has gone out with the new token."""
    standin.admin("POST", "settings", {"rotation": True})
    credentials, first = code_flow(standin)
    standin.admin("POST", "expire-sessions")
    before = standin.counted()

    def crash(new: Tokens, previous: Tokens | None) -> None:
        raise RuntimeError("killed")

    crm = connect(
        credentials,
        transport=standin.transport,
        load_tokens=lambda: first,
        save_tokens=crash,
        api_version="68.0",
    )
    with pytest.raises(RuntimeError, match="killed"):
        crm.users()
    assert crm.client.auth.tokens() == first
    assert standin.counted() - before <= 1, "only the request that found the session expired"
    # The old token is dead now; that is Salesforce's rule, and the admin is told plainly.
    with pytest.raises(NeedsAdmin) as caught:
        connect(
            credentials, transport=standin.transport, load_tokens=lambda: first, api_version="68.0"
        ).users()
    assert caught.value.code == "reconnect"


def test_a_crash_after_the_token_is_stored_loses_nothing(standin: StandIn) -> None:
    standin.admin("POST", "settings", {"rotation": True})
    credentials, first = code_flow(standin)
    store = Store(first)
    standin.admin("POST", "expire-sessions")

    def save_and_crash(new: Tokens, previous: Tokens | None) -> None:
        store.save(new, previous)
        raise RuntimeError("killed")

    crashing = {**store.callables, "save_tokens": save_and_crash}
    with pytest.raises(RuntimeError):
        connect(credentials, transport=standin.transport, **crashing).users()
    assert connect(credentials, transport=standin.transport, **store.callables).users()


def test_no_refresh_token_asks_to_reconnect() -> None:
    credentials = SalesforceCredentials(URL, "c", "s", "authorization_code")
    with pytest.raises(NeedsAdmin) as caught:
        SalesforceAuth(credentials, answering({})).tokens()
    assert caught.value.code == "reconnect"


# -- addresses -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "used"),
    [
        ("https://acme.my.salesforce.com/", URL),
        (" acme.my.salesforce.com ", URL),
        ("https://acme.lightning.force.com/lightning/page/home", URL),
        ("https://acme.my.salesforce-setup.com/x", URL),
        (
            "https://acme--uat.sandbox.lightning.force.com",
            "https://acme--uat.sandbox.my.salesforce.com",
        ),
        (
            "https://acme-dev-ed.develop.lightning.force.com",
            "https://acme-dev-ed.develop.my.salesforce.com",
        ),
        ("https://login.salesforce.com", "https://login.salesforce.com"),
    ],
)
def test_addresses_of_pages_become_those_of_the_api(typed: str, used: str) -> None:
    assert check_org_url(typed, resolver=lambda host, port: ["93.184.216.34"]) == used


def test_stored_credentials_come_back() -> None:
    credentials = SalesforceCredentials(URL, "client", "secret", "authorization_code", "00D1")
    assert SalesforceCredentials.of(credentials.kept(), "00D1") == credentials
    assert "secret" not in repr(credentials)
