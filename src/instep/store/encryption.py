"""Secrets at rest: encrypted with the newest key, readable with any key that is still there."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from instep.core.errors import NeedsAdmin, Scope

KEYS_LOST = "KEYS_LOST"


def encrypt(secret: bytes | str) -> bytes:
    """The secret, readable only with the keys of this home."""
    return _keys().encrypt(secret.encode() if isinstance(secret, str) else secret)


def decrypt(token: bytes | memoryview, what: str = "This secret") -> bytes:
    """The secret behind `token`. Raises `NeedsAdmin` (code KEYS_LOST, whole connection) when no key fits."""
    try:
        return _keys().decrypt(bytes(token))
    except InvalidToken:
        raise NeedsAdmin(
            f"{what} cannot be read: it was encrypted with a key that this installation no longer has.",
            cure="Put the saved keys back, or connect again.",
            code=KEYS_LOST,
            scope=Scope.CONNECTION,
        ) from None


def rotate(token: bytes | memoryview) -> bytes:
    """The same secret, encrypted with the newest key. Raises as `decrypt`."""
    return encrypt(decrypt(token))


def _keys() -> MultiFernet:
    return _cipher(tuple(settings.INSTEP.secret_keys))


@lru_cache(maxsize=8)
def _cipher(keys: tuple[Any, ...]) -> MultiFernet:
    """One that encrypts with the first of these keys and reads with any: making it costs a seventh of using it."""
    return MultiFernet([Fernet(key) for key in keys])
