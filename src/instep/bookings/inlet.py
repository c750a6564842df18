"""Events that a source posts to us: who may, and what he is answered."""

from __future__ import annotations

import secrets
from datetime import datetime

from attrs import frozen
from django.db import transaction

from instep.bookings import together
from instep.core.errors import NeedsAdmin
from instep.ingest import oncehub
from instep.store import encryption
from instep.store.models import Account, WebhookEndpoint


@frozen
class Received:
    """The answer to one delivery: an HTTP status, a word for programs and a sentence for people."""

    status: int
    outcome: str
    message: str

    @property
    def ok(self) -> bool:
        """True when the sender has done his part and must not send again."""
        return self.status == 200


def receive(endpoint_id: str, raw: bytes, signature: str | None, now: datetime) -> Received:
    """Take one delivery: checked over the bytes exactly as received, recorded, and only then answered.

    200 also for what was delivered before and for what cannot be used (it is kept aside: sending it again
    would change nothing); 401 for a wrong signature, 404 for an unknown address, 503 when our keys are lost.
    """
    endpoint = _find(endpoint_id)
    if endpoint is None:
        return Received(404, "UNKNOWN_ADDRESS", "No webhook has this address.")
    try:
        secret = encryption.decrypt(endpoint.secret, "The webhook's secret").decode()
    except NeedsAdmin as error:
        return Received(503, error.code, str(error))
    if not oncehub.verify(raw, signature, secret, now.timestamp()):
        return Received(
            401,
            "SIGNATURE",
            f"The header {oncehub.SIGNATURE_HEADER} does not fit this body, secret and time.",
        )
    outcome = together.record_one(endpoint.account_id, raw, endpoint.source, now)
    if outcome.problem is not None:
        return Received(200, outcome.problem.code, outcome.problem.reason)
    if outcome.known:
        return Received(200, "DUPLICATE", "This event was received before.")
    return Received(200, "ACCEPTED", "Recorded.")


def _find(endpoint_id: str) -> WebhookEndpoint | None:
    # a NUL in an address is no text to PostgreSQL
    if "\0" in endpoint_id:
        return None
    return WebhookEndpoint.objects.filter(public_id=endpoint_id, source=oncehub.SOURCE).first()


@frozen
class Endpoint:
    """A webhook as its admin needs it. `path` is to be put behind this installation's address."""

    public_id: str
    source: str
    secret: str

    @property
    def path(self) -> str:
        """Where events are posted to."""
        return f"/webhooks/{self.source}/{self.public_id}"


def provide_endpoint(
    account: Account, source: str, secret: str | None = None, *, another: bool = False
) -> Endpoint:
    """The account's webhook for a source, made on first use.

    A `secret` replaces the stored one and leaves the address as it is: a source that makes the secret itself
    wants the address first. `another` makes one more, for a second account at the source. A secret that can
    no longer be read is replaced by a new one.
    """
    with transaction.atomic():
        Account.objects.select_for_update().get(id=account.id)
        known = WebhookEndpoint.objects.filter(account=account, source=source).order_by("id")
        readable = [(endpoint, _secret_of(endpoint)) for endpoint in known]
        same = [pair for pair in readable if secret is not None and pair[1] == secret]
        endpoint, kept = (same or ([] if another else readable) or [(None, None)])[0]
        wanted = secret or kept or secrets.token_hex(16)
        if endpoint is None:
            endpoint = WebhookEndpoint(account=account, source=source)
        if wanted != kept:
            endpoint.secret = encryption.encrypt(wanted)
            endpoint.save()
    return Endpoint(endpoint.public_id, source, wanted)


def _secret_of(endpoint: WebhookEndpoint) -> str | None:
    try:
        return encryption.decrypt(endpoint.secret).decode()
    except NeedsAdmin:
        return None
