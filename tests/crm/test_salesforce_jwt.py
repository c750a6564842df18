"""JWT bearer: a key of our own, a certificate in the org, and no secret and no person at the sign-in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from attrs import evolve
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from crm_batches import StandIn
from instep.core.errors import NeedsAdmin, Scope
from instep.crm.oauth import JWT_BEARER, RECONNECT
from instep.crm.salesforce import SalesforceCredentials, connect
from instep.crm.salesforce.jwt_bearer import SigningKey, audience_of, facts_of, new_signing_key

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
