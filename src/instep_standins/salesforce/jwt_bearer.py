"""JWT bearer: an assertion signed with the key of a certificate that the app's admin has uploaded."""

import base64
import binascii
import json
import re
from typing import Any

import attrs
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509 import load_pem_x509_certificate

AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")
LONGEST_SECONDS = 300  # an assertion may not live longer


@attrs.define
class Invalid(Exception):
    """Why an assertion is not taken, as the token endpoint words it."""

    error: str
    description: str


def _part(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _key(pem: str) -> rsa.RSAPublicKey | None:
    raw = pem.encode()
    try:
        if "CERTIFICATE" in pem:
            found = load_pem_x509_certificate(raw).public_key()
        else:
            found = serialization.load_pem_public_key(raw)
    except ValueError:
        return None
    return found if isinstance(found, rsa.RSAPublicKey) else None


def read(assertion: str, pem: str | None) -> dict[str, Any]:
    """The claims of an assertion that the key has signed. Raises Invalid."""
    wrong = Invalid("invalid_grant", "invalid assertion")
    try:
        head, body, signature = assertion.split(".")
        header, claims = json.loads(_part(head)), json.loads(_part(body))
        signed = _part(signature)
    except (ValueError, binascii.Error):
        raise wrong from None
    key = _key(pem or "")
    if (
        key is None
        or not isinstance(header, dict)
        or not isinstance(claims, dict)
        or header.get("alg") != "RS256"
    ):
        raise wrong
    try:
        key.verify(signed, f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise wrong from None
    return claims


def check(claims: dict[str, Any], client_id: str, base_url: str, now: float) -> str:
    """The username that an assertion speaks for. `now`: seconds since 1970. Raises Invalid."""
    if claims.get("iss") != client_id:
        raise Invalid("invalid_client_id", "client identifier invalid")
    if str(claims.get("aud", "")).rstrip("/") not in (*AUDIENCES, base_url):
        raise Invalid("invalid_grant", "audience is invalid")
    # Some clients send seconds as a text, and are understood.
    expires = float(claims["exp"]) if re.fullmatch(r"\d{1,12}(\.\d+)?", str(claims.get("exp"))) else 0.0
    if not now < expires <= now + LONGEST_SECONDS:
        raise Invalid("invalid_grant", "expired authorization code")
    return str(claims.get("sub") or claims.get("prn") or "")
