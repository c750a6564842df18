"""The profile of the person who is signed in: name, password, two-step sign-in, time zone."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import ChangePasswordForm, ReauthenticateForm
from allauth.account.views import PasswordChangeView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from instep.web.host_directory import own_users

activate = totp.ActivateTOTPView.as_view()
deactivate = totp.DeactivateTOTPView.as_view()
recovery_codes = codes.ViewRecoveryCodesView.as_view()
new_recovery_codes = codes.GenerateRecoveryCodesView.as_view()
download_recovery_codes = codes.DownloadRecoveryCodesView.as_view()


class ProfileForm(forms.Form):
    """What a person says about herself."""

    name = forms.CharField(
        label=gettext_lazy("Your name"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("As your colleagues read it."),
        widget=forms.TextInput(attrs={"autocomplete": "name", "dir": "auto"}),
    )


class PasswordForm(ChangePasswordForm):
    """allauth's form with our words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = {
            "oldpassword": _("Password now"),
            "password1": _("New password"),
            "password2": _("New password, once more"),
        }
        for name, word in words.items():
            _say(self.fields[name], word)
        self.fields["password1"].help_text = _(
            "At least 10 characters; a few words in a row are good. Your other devices are signed out."
        )


class ConfirmForm(ReauthenticateForm):
    """allauth's form with our words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self.fields["password"], _("Password"))
        self.fields["password"].widget.attrs["autofocus"] = True


def _say(field: forms.Field, word: str) -> None:
    field.label, field.help_text = word, ""
    field.widget.attrs.pop("placeholder", None)


class _ChangePassword(PasswordChangeView):
    success_url = reverse_lazy("profile")

    def get_default_success_url(self) -> str:
        return reverse("profile")


change_password = _ChangePassword.as_view()


@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Who is signed in, and how."""
    user = request.user
    form = ProfileForm(request.POST or None, initial={"name": user.name})
    if request.method == "POST" and form.is_valid():
        user.name = form.cleaned_data["name"].strip()
        user.save(update_fields=["name"])
        messages.success(request, _("Your name is saved."))
        return redirect("profile")
    factors = {factor.type: factor for factor in Authenticator.objects.filter(user=user)}
    kept = factors.get(Authenticator.Type.RECOVERY_CODES)
    context = {
        "form": form,
        "app": factors.get(Authenticator.Type.TOTP),
        "crm_users": own_users(request),
        "codes_left": len(kept.wrap().get_unused_codes()) if kept else 0,
    }
    return render(request, "web/profile/page.html", context, status=400 if form.errors else 200)


@require_safe
def two_step(request: HttpRequest) -> HttpResponse:
    """Where allauth goes after a change: its part of the profile."""
    return redirect(f"{reverse('profile')}#two-step")
