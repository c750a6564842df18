"""JWT bearer: a key of our own, a certificate in the org, and no secret and no person at the sign-in."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx2
import pytest
from attrs import evolve
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from crm_batches import StandIn
from instep.core.errors import InputError, NeedsAdmin, Scope
from instep.crm.addresses import LOOPBACK
from instep.crm.oauth import JWT_BEARER, RECONNECT
from instep.crm.salesforce import SalesforceCredentials, connect
from instep.crm.salesforce.jwt_bearer import SigningKey, audience_of, facts_of, new_signing_key
from instep.crm.transport import Transport
from instep.crm.vendors import vendor_of

USER = "integration@acme.example"


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return new_signing_key(datetime.now(UTC))


@pytest.fixture
def credentials(standin: StandIn, key: SigningKey) -> SalesforceCredentials:
    standin.admin("POST", "settings", {"jwtCertificate": key.certificate, "preAuthorised": [USER]})
    return SalesforceCredentials(
        standin.base_url, standin.org.client_id, "", JWT_BEARER, username=USER, private_key=key.private_key
    )


def refused(standin: StandIn, credentials: SalesforceCredentials) -> NeedsAdmin:
    with pytest.raises(NeedsAdmin) as caught:
        connect(credentials, transport=standin.transport).whoami()
    assert caught.value.scope is Scope.CONNECTION
    return caught.value


def test_it_signs_in_without_a_secret_and_again_when_the_session_ends(
    standin: StandIn, credentials: SalesforceCredentials
) -> None:
    crm = connect(credentials, transport=standin.transport)
    assert crm.whoami().username == USER
    standin.admin("POST", "expire-sessions")
    assert crm.whoami().username == USER


def test_a_user_that_is_not_allowed_is_told_where_to_allow_it(
    standin: StandIn, credentials: SalesforceCredentials
) -> None:
    standin.admin("POST", "settings", {"preAuthorised": []})
    error = refused(standin, credentials)
    assert error.code == RECONNECT
    assert "pre-authorized" in error.cure
    standin.admin("POST", "settings", {"preAuthorised": None})
    assert "profile or permission set" in refused(standin, credentials).cure


def test_a_certificate_that_is_not_there_is_told(
    standin: StandIn, credentials: SalesforceCredentials
) -> None:
    standin.admin("POST", "settings", {"jwtCertificate": new_signing_key(datetime.now(UTC)).certificate})
    error = refused(standin, credentials)
    assert "Upload Instep's certificate" in error.cure


def test_a_clock_that_is_wrong_is_told(standin: StandIn, credentials: SalesforceCredentials) -> None:
    standin.admin("POST", "settings", {"clock": 3600.0})
    assert "clock" in refused(standin, credentials).cure


def test_a_key_that_is_none_is_told(standin: StandIn, credentials: SalesforceCredentials) -> None:
    assert refused(standin, evolve(credentials, private_key="not a key")).code == "bad_private_key"


def test_the_key_is_in_no_repr(credentials: SalesforceCredentials, key: SigningKey) -> None:
    assert "PRIVATE" not in repr(credentials)
    assert "PRIVATE" not in repr(key)


def test_what_is_kept_gives_the_same_credentials_and_no_key_where_none_signs_in(
    credentials: SalesforceCredentials,
) -> None:
    assert SalesforceCredentials.of(credentials.kept()) == credentials
    assert "private_key" not in evolve(credentials, grant="client_credentials").kept()


def test_the_certificate_is_one_that_salesforce_takes(key: SigningKey) -> None:
    read = x509.load_pem_x509_certificate(key.certificate.encode())
    public = read.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    assert public.key_size >= 2048
    assert facts_of(key.certificate).not_after > datetime.now(UTC)


@pytest.mark.parametrize(
    ("url", "audience"),
    [
        ("https://login.salesforce.com", "https://login.salesforce.com"),
        ("https://test.salesforce.com", "https://test.salesforce.com"),
        ("https://acme.my.salesforce.com", "https://login.salesforce.com"),
        ("https://acme--uat.sandbox.my.salesforce.com", "https://test.salesforce.com"),
        ("https://sandbox.my.salesforce.com", "https://login.salesforce.com"),
        ("https://x.scratch.my.salesforce.com", "https://test.salesforce.com"),
    ],
)
def test_whom_an_assertion_is_meant_for(url: str, audience: str) -> None:
    assert audience_of(url) == audience


def sent_to(url: str, key: SigningKey, allow: tuple[str, ...] = ()) -> list[str]:
    """The hosts that an assertion is sent to when a connection with that address signs in."""
    seen: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.url.host)
        return httpx2.Response(400, json={"error": "invalid_grant"})

    who = SalesforceCredentials(url, "app", "", JWT_BEARER, username=USER, private_key=key.private_key)
    with pytest.raises((NeedsAdmin, InputError)):
        connect(who, transport=Transport(inner=httpx2.MockTransport(answer), allow=allow)).whoami()
    return seen


@pytest.mark.parametrize(
    "host", ["login.salesforce.com", "test.salesforce.com", "acme--uat.sandbox.my.salesforce.com"]
)
def test_an_assertion_goes_to_salesforce(host: str, key: SigningKey) -> None:
    assert sent_to(f"https://{host}", key) == [host]


@pytest.mark.parametrize(
    "host",
    [
        "acme.example",
        "salesforce.com.evil.example",
        "evilsalesforce.com",
        "127.0.0.1",
        "my.salesforce.com.",
        "10.0.0.7",
    ],
)
def test_an_assertion_goes_nowhere_else(host: str, key: SigningKey) -> None:
    """Whoever receives one can sign in with it: an address that an administrator types must not get it."""
    assert sent_to(f"https://{host}", key) == []
    entered = {"url": f"https://{host}", "client_id": "app", "grant": JWT_BEARER, "username": USER}
    with pytest.raises(InputError):
        vendor_of("salesforce").prepare({**entered, "private_key": key.private_key}, ())


def test_an_assertion_goes_to_a_stand_in_that_the_operator_names(key: SigningKey) -> None:
    assert sent_to("https://org.internal", key, ("org.internal",)) == ["org.internal"]
    assert sent_to("https://10.0.0.7", key, ("10.0.0.0/8",)) == ["10.0.0.7"]
    assert sent_to("http://localhost:9", key, (LOOPBACK,)) == ["localhost"]
