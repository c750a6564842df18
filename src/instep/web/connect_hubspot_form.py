"""The form that asks how to sign in at HubSpot: by a key, or by an app of the account's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later

from instep.crm.hubspot.auth import STATIC
from instep.crm.hubspot.names import API_URL
from instep.crm.oauth import AUTHORIZATION_CODE
from instep.web.connect_form import AskedText, Parts

_LONGEST = 2000
_PLAIN = {"autocomplete": "off", "spellcheck": "false"}

METHODS = (
    (STATIC, later("A service key, or the token of a private app: nobody signs in, it works at once")),
    (
        AUTHORIZATION_CODE,
        later("Sign in at HubSpot (OAuth): a window of HubSpot opens, and you allow access"),
    ),
)


class HubSpotForm(forms.Form):
    """How to sign in, and with what. A secret never travels back into the page."""

    use_required_attribute = False
    #: the fields of the two steps, each with the class that hides what the other way of signing in needs
    HOW = (("", "grant"),)
    NEEDED = (
        ("not-by-browser", "token"),
        ("by-browser", "client_id"),
        ("by-browser", "client_secret"),
    )
    ASIDE = (("", "url"),)

    grant = forms.ChoiceField(
        label=later("Method"), choices=METHODS, widget=forms.RadioSelect, initial=STATIC
    )
    token = AskedText(
        label=later("Service key or access token"),
        max_length=_LONGEST,
        widget=forms.PasswordInput(attrs=_PLAIN),
    )
    client_id = AskedText(label=later("Client ID"), max_length=_LONGEST, widget=forms.TextInput(attrs=_PLAIN))
    client_secret = AskedText(
        label=later("Client secret"), max_length=_LONGEST, widget=forms.PasswordInput(attrs=_PLAIN)
    )
    url = forms.CharField(
        label=later("Address of the API"),
        required=False,
        max_length=_LONGEST,
        help_text=later("Empty for HubSpot itself. A portal to try things on has an address of its own."),
        widget=forms.TextInput(attrs={"inputmode": "url", **_PLAIN}),
    )

    def __init__(self, data: Any = None, *, before: Mapping[str, str], typed: bool = False) -> None:
        """`before` is what was entered the last time; `typed`: its secret was typed just now, not stored."""
        shown = {name: before[name] for name in ("grant", "client_id", "url") if before.get(name)}
        if shown.get("url", "").rstrip("/") == API_URL:
            del shown["url"]
        super().__init__(data, initial=shown)
        self._before, self._typed = before, typed
        for name in ("token", "client_secret"):
            if before.get(name):
                self.fields[name].help_text = _("It is kept; leave this empty to use it again.")

    @property
    def parts(self) -> Parts:
        """The fields in the steps of the page."""
        return Parts.of(self, self.HOW, self.NEEDED, self.ASIDE)

    def clean(self) -> dict[str, Any]:
        """A key, or an app's id and secret. A stored secret goes to the address that it was stored for only."""
        values = super().clean() or {}
        if self.errors:
            return values
        static = values["grant"] == STATIC
        values["secret_typed"] = self._typed or bool(values["token"] or values["client_secret"])
        if static:
            # nothing that is not used is kept
            values |= {"client_id": "", "client_secret": "", "token": values["token"] or self._kept("token")}
            if not values["token"]:
                self.add_error("token", _("Enter a service key, or a private app's token."))
            return values
        same_app = self._before.get("client_id") == values["client_id"]
        values["token"] = ""
        values["client_secret"] = values["client_secret"] or (self._kept("client_secret") if same_app else "")
        if not values["client_id"]:
            self.add_error("client_id", _("Enter the app's Client ID."))
        elif not values["client_secret"]:
            self.add_error("client_secret", _("Enter the app's client secret."))
        return values

    def _kept(self, name: str) -> str:
        there = str(self.cleaned_data.get("url") or API_URL).rstrip("/")
        same_place = (self._before.get("url") or API_URL).rstrip("/") == there
        return self._before.get(name, "") if self._typed or same_place else ""

    @property
    def entered(self) -> dict[str, str]:
        """What was typed, as the vendor takes it."""
        return {
            name: self.cleaned_data[name] for name in ("grant", "url", "token", "client_id", "client_secret")
        }
