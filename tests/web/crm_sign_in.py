"""An admin's browser at the pages that connect a CRM, and at the CRM itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import httpx2

from instep.store.models import Account, Connection

if TYPE_CHECKING:
    from django.test import Client

    from instep_standins.salesforce.server import Running

CONNECT = "/integrations/salesforce/connect"
BY_BROWSER, BY_ITSELF = "authorization_code", "client_credentials"


def typed(org: Running, grant: str = BY_BROWSER, **more: str) -> dict[str, str]:
    """What an admin types into the form."""
    return {
        "grant": grant,
        "environment": "domain",
        "url": org.base_url,
        "client_id": org.org.client_id,
        "client_secret": org.org.client_secret,
        **more,
    }


def sign_in_link(client: Client, *, window: bool = False) -> str:
    """Where the waiting page sends the browser."""

    answer = client.get("/integrations/signing-in")
    assert answer.status_code == 200
    return str(answer.context["window" if window else "here"])


def at_the_crm(link: str, decision: str = "allow") -> str:
    """Decide on the CRM's own page; the address that it sends the browser back to, without our host."""
    form = dict(parse_qsl(urlsplit(link).query))
    address = link.partition("?")[0]
    with httpx2.Client(trust_env=False) as http:
        shown = http.get(link)
        if shown.status_code == 302:
            back = shown.headers["location"]
        else:
            assert "Allow" in shown.text
            back = http.post(address, data={**form, "decision": decision}).headers["location"]
    parts = urlsplit(back)
    return f"{parts.path}?{parts.query}"


def connected(client: Client, org: Running, account: Account, grant: str = BY_ITSELF) -> Connection:
    """A connection as the pages make it."""
    answer = client.post(CONNECT, typed(org, grant))
    assert answer.status_code == 302, answer.content.decode()
    if grant == BY_BROWSER:
        client.get(at_the_crm(sign_in_link(client)))
        client.get("/integrations/signing-in")
    return Connection.objects.get(account=account)


def order(org: Running, what: str, body: Any = None) -> None:
    """Give the org an order at its admin endpoint."""
    with httpx2.Client(trust_env=False) as http:
        assert http.post(f"{org.base_url}/__fake__/{what}", json=body).status_code == 200


def secrets_of(org: Running) -> list[str]:
    """What must never be in a page: the app's secret and every token that the org gave out."""
    tokens = org.org.tokens
    return [
        org.org.client_secret,
        *tokens.sessions,
        *(token for family in tokens.families.values() for token in (family.current, *family.spent)),
    ]
