"""The form that asks how to sign in at Salesforce and with which app of the org."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later

from instep.crm.oauth import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, JWT_BEARER
from instep.crm.vendors import vendor_of

PRODUCTION, SANDBOX, DOMAIN = "production", "sandbox", "domain"
_LONGEST = 2000

METHODS = (
    (AUTHORIZATION_CODE, later("Sign in at Salesforce: a window of Salesforce opens, and you allow access")),
    (
        CLIENT_CREDENTIALS,
        later("Client credentials: no sign-in; Salesforce runs everything as one user that you name there"),
    ),
    (
        JWT_BEARER,
        later(
            "JWT bearer: no sign-in and no secret; a certificate of Instep's vouches for one user that you allow"
        ),
    ),
)
ENVIRONMENTS = (
    (PRODUCTION, later("Production (login.salesforce.com)")),
    (SANDBOX, later("Sandbox (test.salesforce.com)")),
    (DOMAIN, later("The org's My Domain address")),
)


def environment_of(vendor: str, url: str) -> str:
    """Which choice an address is: one of the common sign-ins, or an org's own."""
    logins = vendor_of(vendor).consent.logins
    return next((name for name, address in logins.items() if address == url.rstrip("/")), DOMAIN)


class _Asked(forms.Field):
    """A field that is not called optional and may be empty all the same: `ConnectForm.clean` knows when."""

    def validate(self, value: Any) -> None:
        if value:
            super().validate(value)


class AskedText(_Asked, forms.CharField):
    """A text that is asked for where its method needs it."""


class _AskedChoice(_Asked, forms.ChoiceField):
    pass


Places = Sequence[tuple[str, str]]


@frozen
class Parts:
    """A form's fields in the steps of the page, each with the class that hides it where it is not needed."""

    how: Sequence[tuple[str, forms.BoundField]]
    needed: Sequence[tuple[str, forms.BoundField]]
    aside: Sequence[tuple[str, forms.BoundField]]

    @classmethod
    def of(cls, form: forms.Form, how: Places, needed: Places, aside: Places = ()) -> Parts:
        """The fields by their names."""
        bound = ([(place, form[name]) for place, name in places] for places in (how, needed, aside))
        return cls(*bound)


class ConnectForm(forms.Form):
    """How to sign in, where, and with which app. A secret never travels back into the page."""

    use_required_attribute = False
    HOW = (("", "grant"), ("not-by-itself", "environment"), ("by-address", "url"))
    NEEDED = (("", "client_id"), ("not-by-jwt", "client_secret"), ("by-jwt", "username"))

    grant = forms.ChoiceField(
        label=later("Method"),
        choices=METHODS,
        widget=forms.RadioSelect,
        initial=AUTHORIZATION_CODE,
    )
    environment = _AskedChoice(
        label=later("Environment"),
        choices=ENVIRONMENTS,
        widget=forms.RadioSelect,
        initial=PRODUCTION,
    )
    url = AskedText(
        label=later("My Domain address"),
        max_length=_LONGEST,
        help_text=later("Like https://acme.my.salesforce.com. In Salesforce: Setup → My Domain."),
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
    )
    username = AskedText(
        label=later("Username in Salesforce"),
        max_length=_LONGEST,
        help_text=later(
            "The user that Instep works as, as it signs in: often like an address, but not its e-mail."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    client_id = forms.CharField(
        label=later("Consumer Key"),
        max_length=_LONGEST,
        error_messages={"required": later("Enter the app's Consumer Key.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    client_secret = AskedText(
        label=later("Consumer Secret"),
        max_length=_LONGEST,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, data: Any = None, *, before: Mapping[str, str], typed: bool = False) -> None:
        """`before` is what was entered the last time; `typed`: its secret was typed just now, not stored."""
        super().__init__(data, initial=_initial(before))
        self._before, self._typed = before, typed
        self.fields["client_secret"].help_text = (
            _("The secret is kept; leave this empty to use it again.")
            if before.get("client_secret")
            else _(
                "Client credentials always need it. Else leave it empty only if the app's Require secret boxes "
                "are unticked."
            )
        )

    @property
    def parts(self) -> Parts:
        """The fields in the steps of the page."""
        return Parts.of(self, self.HOW, self.NEEDED)

    def clean(self) -> dict[str, Any]:
        """The address is needed where no common sign-in is chosen, the secret where nobody signs in."""
        values = super().clean() or {}
        # everything that is missing is told at once; without a method nobody knows what that is
        if "grant" not in values or "environment" not in values:
            return values
        alone = values["grant"] == CLIENT_CREDENTIALS
        common = "" if alone else vendor_of("salesforce").consent.logins.get(values["environment"], "")
        values["url"] = common or values.get("url", "")
        if not values["url"] and "url" not in self.errors:
            self.add_error("url", _("Enter the org's My Domain address."))
        if values["grant"] == JWT_BEARER and not values.get("username") and "username" not in self.errors:
            self.add_error("username", _("Enter the username that Instep works as."))
        self._take_secret(values)
        if alone and not values["client_secret"] and "client_secret" not in self.errors:
            self.add_error("client_secret", _("Client credentials need the Consumer Secret."))
        return values

    def _take_secret(self, values: dict[str, Any]) -> None:
        """The secret that was typed, or the one that was left out; nothing that is not used is kept."""
        typed = values.get("client_secret", "")
        values["secret_typed"] = self._typed or bool(typed)
        values["client_secret"] = (
            "" if values["grant"] == JWT_BEARER else typed or self._secret_before(values)
        )

    def _secret_before(self, values: Mapping[str, Any]) -> str:
        """The secret that was left out; a stored one goes to the address that it was stored for only."""
        same_app = self._before.get("client_id") == values.get("client_id")
        same_place = self._before.get("url", "").rstrip("/") == values.get("url", "").rstrip("/")
        return self._before.get("client_secret", "") if same_app and (self._typed or same_place) else ""

    @property
    def entered(self) -> dict[str, str]:
        """What was typed, as the vendor takes it."""
        names = ("grant", "url", "client_id", "client_secret")
        typed = {name: self.cleaned_data[name] for name in names}
        return {**typed, "username": self.cleaned_data["username"]} if typed["grant"] == JWT_BEARER else typed


def _initial(entered: Mapping[str, str]) -> dict[str, str]:
    shown = {
        name: value
        for name, value in entered.items()
        if name not in ("client_secret", "private_key") and value
    }
    if "url" in shown:
        shown["environment"] = environment_of("salesforce", shown["url"])
        if shown["environment"] != DOMAIN:
            del shown["url"]
    return shown
