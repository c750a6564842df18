"""Secrets at rest."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.fernet import Fernet
from django.conf import settings

from instep.core.errors import NeedsAdmin, Scope
from instep.store import encryption


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Take other keys, newest first."""

    def take(*new: bytes) -> None:
        changed = settings.INSTEP.model_copy(update={"secret_keys": tuple(k.decode() for k in new)})
        monkeypatch.setattr(settings, "INSTEP", changed)

    return take


def test_what_is_encrypted_comes_back_and_cannot_be_read() -> None:
    token = encryption.encrypt("sëcret")
    assert "sëcret".encode() not in token
    assert encryption.decrypt(memoryview(token)).decode() == "sëcret"


def test_older_keys_still_read_and_rotation_moves_to_the_newest(keys: Callable[..., None]) -> None:
    old, new = Fernet.generate_key(), Fernet.generate_key()
    keys(old)
    token = encryption.encrypt(b"x")
    keys(new, old)
    assert encryption.decrypt(token) == b"x"
    rotated = encryption.rotate(token)
    keys(new)
    assert encryption.decrypt(rotated) == b"x"
    with pytest.raises(NeedsAdmin):
        encryption.decrypt(token)


@pytest.mark.parametrize(
    "token",
    [b"", b"garbage", Fernet(Fernet.generate_key()).encrypt(b"x")],
    ids=["empty", "garbage", "of another key"],
)
def test_lost_keys_are_for_an_admin_to_cure(token: bytes) -> None:
    with pytest.raises(NeedsAdmin, match=r"The CRM.s token cannot be read.*connect again") as lost:
        encryption.decrypt(token, "The CRM's token")
    assert (lost.value.code, lost.value.scope) == (encryption.KEYS_LOST, Scope.CONNECTION)
