"""JWT bearer: a key and certificate of our own, and assertions signed with it (reference 1.6, RFC 7523)."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from attrs import field, frozen
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from instep.core.errors import NeedsAdmin, Scope

#: Salesforce takes keys from 2048 bits on.
_BITS, _EXPONENT = 2048, 65537
#: How long a certificate is good for; after it Salesforce refuses the sign-in.
VALID_FOR = timedelta(days=2 * 365)
#: Seconds that an assertion lives: up to five minutes are taken, and clocks differ.
_SECONDS = 180
_PRODUCTION, _SANDBOX = "https://login.salesforce.com", "https://test.salesforce.com"
#: Parts of the addresses of orgs that are not production.
_SANDBOX_PARTS = (".sandbox.", ".scratch.")


@frozen
class SigningKey:
    """A private key and its certificate, both PEM. Only the certificate ever leaves."""

    private_key: str = field(repr=False)
    certificate: str = ""


@frozen
class CertificateFacts:
    """What people compare: until when a certificate is good, and its SHA-256 fingerprint."""

    not_after: datetime
    fingerprint: str


def new_signing_key(now: datetime) -> SigningKey:
    """A fresh RSA key with a certificate that it signs itself, good from now on."""
    key = rsa.generate_private_key(public_exponent=_EXPONENT, key_size=_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Instep")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # clocks differ: a certificate of the next minute is not good yet
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + VALID_FOR)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return SigningKey(
        private.decode("ascii"), certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")
    )


def facts_of(certificate: str) -> CertificateFacts:
    """What a certificate says of itself."""
    read = x509.load_pem_x509_certificate(certificate.encode("ascii"))
    digest = read.fingerprint(hashes.SHA256()).hex(":").upper()
    return CertificateFacts(read.not_valid_after_utc, digest)


def audience_of(url: str) -> str:
    """Whom an assertion is meant for: the sign-in of production or of sandboxes, by the org's address."""
    host = urlsplit(url).hostname or ""
    sandbox = url.rstrip("/") == _SANDBOX or any(part in host for part in _SANDBOX_PARTS)
    return _SANDBOX if sandbox else _PRODUCTION


def assertion(client_id: str, username: str, url: str, private_key: str, now: float) -> str:
    """A signed assertion that `username` has let the app in. `now`: seconds since 1970.

    Raises `NeedsAdmin` where the key cannot be read.
    """
    claims = {"iss": client_id, "sub": username, "aud": audience_of(url), "exp": int(now) + _SECONDS}
    signed = f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{_part(claims)}"
    signature = _key(private_key).sign(signed.encode("ascii"), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{_encoded(signature)}"


def _key(pem: str) -> rsa.RSAPrivateKey:
    try:
        found = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        found = None
    if not isinstance(found, rsa.RSAPrivateKey):
        raise NeedsAdmin(
            "The private key of this connection cannot be used.",
            code="bad_private_key",
            cure="Give an RSA key in PEM without a password, or let Instep make one.",
            scope=Scope.CONNECTION,
        )
    return found


def _part(values: dict[str, object]) -> str:
    return _encoded(json.dumps(values, separators=(",", ":")).encode())


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
