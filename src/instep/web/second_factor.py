"""Two-step sign-in: allauth's second factors with our words, secrets encrypted, and each code good for one time."""

from __future__ import annotations

from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter, get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from django.contrib.auth.models import AbstractBaseUser
from django.core.cache import cache
from django.utils.translation import gettext_lazy as _

from instep.store import encryption

ISSUER = "Instep"
#: Seconds that a code is remembered after its use: longer than any code is valid (three periods of 30 s).
_USED = 120


class SecondFactorAdapter(DefaultMFAAdapter):
    """Keeps the secrets of authenticator apps and recovery codes encrypted with the installation's keys."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _(
            "This code is not right, or was used already. Wait for the next one in the app, and enter that."
        ),
    }

    def encrypt(self, text: str) -> str:
        return encryption.encrypt(text).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return encryption.decrypt(encrypted_text.encode(), "The second factor").decode()

    def get_totp_issuer(self) -> str:
        return ISSUER

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Any) -> str:
        return str(_("Security key"))


class _CodeOnce:
    """A form whose code is accepted once.

    allauth forgets a used code after one period, but we accept the codes of three: clocks differ.
    """

    user: AbstractBaseUser

    def clean_code(self) -> str:
        code: str = super().clean_code()  # type: ignore[misc]
        if not cache.add(f"second-factor-used:{self.user.pk}:{code.strip()}", True, _USED):
            raise get_adapter().validation_error("incorrect_code")
        return code


def _as_ours(form: Any, help_text: Any) -> None:
    field = form.fields["code"]
    field.label = _("Code")
    field.help_text = help_text
    field.widget.attrs.pop("placeholder", None)
    field.widget.attrs.update(inputmode="numeric", autofocus=True)


class CodeForm(_CodeOnce, AuthenticateForm):
    """The second step of signing in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _as_ours(self, _("Six digits from your authenticator app, or one of your recovery codes."))


class ConfirmCodeForm(_CodeOnce, ReauthenticateForm):
    """Confirms who sits there before something about signing in is changed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _as_ours(self, _("Six digits from your authenticator app, or one of your recovery codes."))


class ActivateForm(ActivateTOTPForm):
    """The first code of a new authenticator app."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _as_ours(self, _("The six digits that the app shows now."))
