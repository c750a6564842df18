"""The first run: the first person makes the account. A stranger cannot: it takes the code that the server printed."""

from __future__ import annotations

from allauth.core import ratelimit
from django import forms
from django.conf import settings
from django.contrib.auth import login, password_validation
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from instep.bookings import accounts
from instep.core.errors import InputError
from instep.store.models import User


class WelcomeForm(forms.Form):
    """The Account Owner and the account."""

    name = forms.CharField(
        label=gettext_lazy("Your name"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "name", "dir": "auto"}),
    )
    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        help_text=gettext_lazy("You sign in with it."),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        help_text=gettext_lazy("At least 10 characters; a few words in a row are good."),
        strip=False,
        max_length=1000,
        # given back after a mistake elsewhere in the form: what was typed stays
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=True),
    )
    account = forms.CharField(
        label=gettext_lazy("Name of the account"),
        help_text=gettext_lazy("Your company or team, as guests know it."),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "organization", "dir": "auto"}),
    )
    code = forms.CharField(
        label=gettext_lazy("Set-up code"),
        help_text=gettext_lazy("“instep serve” prints it when it starts. It shows that the server is yours."),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_password(self) -> str:
        said = self.cleaned_data
        somebody = User(email=said.get("email", ""), name=said.get("name", ""))
        password_validation.validate_password(said["password"], somebody)
        return str(said["password"])

    def clean_code(self) -> str:
        typed = self.cleaned_data["code"].replace("-", "").replace(" ", "").upper()
        if not constant_time_compare(typed, settings.INSTEP.set_up_code().replace("-", "")):
            raise forms.ValidationError(
                _(
                    "This is not the set-up code of this server. Copy it from where `instep serve` was started."
                )
            )
        return typed


@login_not_required
@never_cache
@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "POST"])
def welcome(request: HttpRequest) -> HttpResponse:
    """Make the Account Owner. There is no such page once there is a user."""
    if request.user.is_authenticated:
        return redirect("first-steps")
    if accounts.has_users():
        raise Http404
    limited = ratelimit.consume_or_429(request, action="welcome")
    if limited is not None:
        return limited
    form = WelcomeForm(request.POST or None, initial={"code": request.GET.get("code", "")[:100]})
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            owner = accounts.create_owner(said["name"], said["email"], said["password"], said["account"])
        except InputError as error:
            form.add_error(None, str(error))
        else:
            login(request, owner)
            return redirect("first-steps")
    return render(request, "web/welcome/page.html", {"form": form}, status=400 if form.errors else 200)


@require_safe
def first_steps(request: HttpRequest) -> HttpResponse:
    """What to do first with an empty account."""
    return render(request, "web/welcome/first_steps.html")
