"""Every table of Instep. `account_id` is not null in each tenant's table and first in each of its indexes.

Tables carry the plain names that `queries.py` uses. `fact`, `transition` and `receipt` are only ever
added to. Partitioned tables (`transition`, `receipt`) are made by SQL in the migrations.
"""

from __future__ import annotations

import secrets
from functools import partial

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now

CASCADE = models.CASCADE

#: Characters that an id or an address from outside may have and still stand in an index.
KEY_LENGTH = 320


def public_id(prefix: str) -> str:
    """A new id that nobody can guess, for addresses, other systems and people."""
    return f"{prefix}-{secrets.token_hex(10).upper()}"


def _account() -> models.ForeignKey:  # type: ignore[type-arg]
    # no index of its own: every index of the table begins with it
    return models.ForeignKey("store.Account", CASCADE, db_index=False)


def _public_id(prefix: str) -> models.TextField:  # type: ignore[type-arg]
    return models.TextField(default=partial(public_id, prefix), editable=False)


def _text() -> models.TextField:  # type: ignore[type-arg]
    return models.TextField(blank=True, default="", db_default="")


def _json() -> models.JSONField:  # type: ignore[type-arg]
    return models.JSONField(default=dict, db_default={}, blank=True)


def _unique(name: str, *fields: str, when: Q | None = None) -> models.UniqueConstraint:
    return models.UniqueConstraint(fields=("account", *fields), name=name, condition=when)


class Account(models.Model):
    """One tenant. A home has one; the tables are ready for more."""

    public_id = _public_id("ACC")
    name = _text()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "account"
        constraints = [models.UniqueConstraint(fields=["public_id"], name="account_public_id")]


class UserManager(BaseUserManager["User"]):
    """Finds users by e-mail without regard to case, and makes them with a hashed password."""

    def get_by_natural_key(self, email: str | None) -> User:
        """The user with that address in whatever spelling."""
        return self.get(email__iexact=(email or "").strip())

    def create_user(self, email: str, password: str | None, account: Account, role: str = "admin") -> User:
        """Make a user; a password of None cannot be signed in with."""
        user = self.model(email=email.strip().lower(), account=account, role=role)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person who signs in, by e-mail address."""

    account = models.ForeignKey(Account, CASCADE, db_index=False)
    email = models.EmailField(max_length=254)
    name = _text()
    role = models.TextField(default="admin", db_default="admin")
    is_active = models.BooleanField(default=True, db_default=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = UserManager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        db_table = "account_user"
        constraints = [
            # signing in knows no account yet, so that one address is one person everywhere
            models.UniqueConstraint(Lower("email"), name="account_user_email"),
        ]
        indexes = [models.Index(fields=["account", "id"], name="account_user_account")]


class Host(models.Model):
    """Somebody who can be booked, known by e-mail. `fields` maps name → [value, order key] as a contact's
    does; `source:USR-1` in it tells which fact last gave this host that id of the source."""

    account = _account()
    public_id = _public_id("HST")
    email = models.TextField()
    email_key = models.TextField()
    source_ids = ArrayField(models.TextField(), default=list, db_default=[])
    name = _text()
    time_zone = _text()
    fields = _json()
    from_source = _text()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "host"
        constraints = [_unique("host_email", "email_key"), _unique("host_public_id", "public_id")]


class HostMention(models.Model):
    """An address or id that might be a booking's host: once it is known the booking is derived again."""

    account = _account()
    mention = models.TextField()
    source = models.TextField()
    booking_source_id = models.TextField()

    class Meta:
        db_table = "host_mention"
        constraints = [_unique("host_mention_once", "mention", "source", "booking_source_id")]


class Calendar(models.Model):
    """A booking calendar. One that an event names is made on first sight, unpublished."""

    account = _account()
    source = models.TextField()
    source_id = models.TextField()
    name = _text()
    name_stamp = _text()
    published = models.BooleanField(default=False, db_default=False)
    note = _text()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "calendar"
        constraints = [_unique("calendar_source_id", "source", "source_id")]


class Contact(models.Model):
    """A person who books. `fields` is a map name → [value, order key]: the value of the newest fact wins.

    Identity is `email_key`, else `mobile_key` (E.164, kept only for people who never gave an
    address), else `identity_booking`, the id of the only booking that they are known by.
    """

    account = _account()
    public_id = _public_id("CTC")
    email = _text()
    email_key = _text()
    mobile_key = _text()
    identity_booking = _text()
    fields = _json()
    version = models.BigIntegerField(default=1, db_default=1)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "contact"
        constraints = [
            _unique("contact_email", "email_key", when=~Q(email_key="")),
            _unique("contact_mobile", "mobile_key", when=~Q(mobile_key="")),
            _unique("contact_booking", "identity_booking", when=~Q(identity_booking="")),
            _unique("contact_public_id", "public_id"),
        ]


class ContactFormerEmail(models.Model):
    """An address that a person had before somebody edited it: facts that name it still speak of him."""

    account = _account()
    email_key = models.TextField()
    contact = models.ForeignKey(Contact, CASCADE, db_index=False)

    class Meta:
        db_table = "contact_former_email"
        constraints = [_unique("contact_former_email_once", "email_key")]


class Booking(models.Model):
    """What the facts of one booking add up to. `state` is the whole `core.booking.Booking`; see `convert`."""

    account = _account()
    source = models.TextField()
    source_id = models.TextField()
    status = models.TextField()
    detail = _text()
    subject = _text()
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    host = models.ForeignKey(Host, models.PROTECT, null=True, db_index=False)
    contact = models.ForeignKey(Contact, models.PROTECT, null=True, db_index=False)
    calendar = models.ForeignKey(Calendar, models.PROTECT, null=True, db_index=False)
    state = models.JSONField()
    active = models.BooleanField(default=True, db_default=True)
    in_trash = models.BooleanField(default=False, db_default=False)
    version = models.BigIntegerField(default=1, db_default=1)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "booking"
        constraints = [_unique("booking_source_id", "source", "source_id")]
        indexes = [
            models.Index(fields=["account", "-start_at", "-id"], name="booking_start"),
            models.Index(fields=["account", "host", "start_at"], name="booking_host"),
            models.Index(fields=["account", "contact"], name="booking_contact"),
        ]


class Fact(models.Model):
    """One event as it came. Facts of a booking are ordered by updated_at, created_at, rank, envelope_id."""

    account = _account()
    source = models.TextField()
    envelope_id = models.TextField()
    booking_source_id = models.TextField()
    kind = models.TextField()
    updated_at = models.DateTimeField()
    created_at = models.DateTimeField()
    rank = models.SmallIntegerField()
    email_key = _text()
    mobile_key = _text()
    raw = models.JSONField()
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "fact"
        constraints = [_unique("fact_once", "source", "envelope_id")]
        indexes = [
            models.Index(fields=["account", "source", "booking_source_id"], name="fact_booking"),
            models.Index(
                fields=["account", "mobile_key", "updated_at", "created_at", "rank", "envelope_id"],
                name="fact_mobile",
                condition=~Q(mobile_key=""),
            ),
            models.Index(fields=["account", "email_key"], name="fact_email", condition=~Q(email_key="")),
        ]


class SetAside(models.Model):
    """An event that could not be used, with the reason; nothing that arrives is lost."""

    account = _account()
    source = models.TextField()
    code = _text()
    reason = models.TextField()
    raw = models.TextField()
    digest = models.TextField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "set_aside"
        # the same line handed in again is kept once
        constraints = [_unique("set_aside_once", "source", "digest")]
        indexes = [models.Index(fields=["account", "-at"], name="set_aside_at")]


class Property(models.Model):
    """A custom property, recorded when an event first names it. `type` is text or multi."""

    account = _account()
    object = models.TextField()
    identifier = models.TextField()
    label = models.TextField()
    type = models.TextField(default="text", db_default="text")

    class Meta:
        db_table = "property"
        constraints = [_unique("property_identifier", "object", "identifier")]


class WebhookEndpoint(models.Model):
    """An address that a source posts its events to, with the secret that it signs them with (encrypted)."""

    account = _account()
    public_id = models.TextField(default=partial(secrets.token_urlsafe, 24), editable=False)
    source = models.TextField()
    secret = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "webhook_endpoint"
        constraints = [
            # the caller is a stranger: the account is learned from this id
            models.UniqueConstraint(fields=["public_id"], name="webhook_endpoint_public_id"),
        ]
        indexes = [models.Index(fields=["account", "source"], name="webhook_endpoint_source")]


class Connection(models.Model):
    """One CRM org of one account, and its lane. `credentials` and `tokens` are encrypted JSON.

    `state` is connected, reconnect or disabled; the lane pauses until `held_until` with `hold_reason`.
    """

    account = _account()
    public_id = _public_id("CON")
    vendor = models.TextField()
    name = _text()
    url = models.TextField()
    org_id = _text()
    credentials = models.BinaryField(default=b"", db_default=b"")
    tokens = models.BinaryField(default=b"", db_default=b"")
    epoch = models.BigIntegerField(default=0, db_default=0)
    state = models.TextField(default="connected", db_default="connected")
    held_until = models.DateTimeField(null=True)
    hold_reason = _text()
    hold_code = _text()
    batch_size = models.IntegerField(default=200, db_default=200)
    batch_grow = models.IntegerField(default=0, db_default=0)
    failures = models.IntegerField(default=0, db_default=0)
    settings = _json()
    api_version = _text()
    identity = _json()
    limit_used = models.BigIntegerField(null=True)
    limit_allowed = models.BigIntegerField(null=True)
    calls_total = models.BigIntegerField(default=0, db_default=0)
    writes_total = models.BigIntegerField(default=0, db_default=0)
    installed = _json()
    users_refreshed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "connection"
        constraints = [
            # two connections to one org would write everything twice
            _unique("connection_org", "vendor", "org_id"),
            _unique("connection_public_id", "public_id"),
        ]


class SyncItem(models.Model):
    """A booking or contact in one connection's lane: due while `wanted` is ahead of `done`.

    `person_key` is our contact's id: items of one person are never in two batches in flight.
    `marked_at` is when it was first marked since it was last in step.
    """

    account = _account()
    connection = models.ForeignKey(Connection, CASCADE, db_index=False)
    kind = models.TextField()
    target_id = models.BigIntegerField()
    person_key = models.BigIntegerField(null=True)
    wanted = models.BigIntegerField(default=1, db_default=1)
    done = models.BigIntegerField(default=0, db_default=0)
    due_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0, db_default=0)
    error_class = _text()
    error_code = _text()
    error_message = _text()
    observe_first = models.BooleanField(default=False, db_default=False)
    sent_at = models.DateTimeField(null=True)
    link = _json()
    marked_at = models.DateTimeField(null=True)
    in_step_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "sync_item"
        constraints = [_unique("sync_item_once", "connection", "kind", "target_id")]
        indexes = [
            models.Index(
                fields=["account", "connection", "due_at"],
                name="sync_item_due",
                condition=Q(due_at__isnull=False),
            ),
            models.Index(fields=["account", "connection", "person_key"], name="sync_item_person"),
            models.Index(fields=["account", "kind", "target_id"], name="sync_item_target"),
        ]


class CrmRecord(models.Model):
    """What we last saw (`snapshot`) and last wrote (`sent`) on one record of the CRM."""

    account = _account()
    connection = models.ForeignKey(Connection, CASCADE, db_index=False)
    object = models.TextField()
    crm_id = models.TextField()
    snapshot = _json()
    sent = _json()
    made_by_us = models.BooleanField(default=False, db_default=False)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "crm_record"
        constraints = [_unique("crm_record_once", "connection", "object", "crm_id")]


class CrmDescribe(models.Model):
    """An object as the CRM described it, kept so that a drain need not ask again."""

    account = _account()
    connection = models.ForeignKey(Connection, CASCADE, db_index=False)
    object = models.TextField()
    document = models.JSONField()
    fetched_at = models.DateTimeField()

    class Meta:
        db_table = "crm_describe"
        constraints = [_unique("crm_describe_once", "connection", "object")]


class CrmUser(models.Model):
    """A user of the CRM, for finding a host's by e-mail."""

    account = _account()
    connection = models.ForeignKey(Connection, CASCADE, db_index=False)
    crm_id = models.TextField()
    email_key = _text()
    username = _text()
    name = _text()
    active = models.BooleanField(default=True, db_default=True)
    seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "crm_user"
        constraints = [_unique("crm_user_once", "connection", "crm_id")]
        indexes = [models.Index(fields=["account", "connection", "email_key"], name="crm_user_email")]


class UnknownHost(models.Model):
    """A host that the CRM was asked about and does not know."""

    account = _account()
    connection = models.ForeignKey(Connection, CASCADE, db_index=False)
    email_key = models.TextField()
    asked_at = models.DateTimeField()

    class Meta:
        db_table = "unknown_host"
        constraints = [_unique("unknown_host_once", "connection", "email_key")]


class FieldQuarantine(models.Model):
    """A value that the CRM refused for one field of one record: left out until something changes."""

    account = _account()
    connection = models.ForeignKey(Connection, CASCADE, db_index=False)
    object = models.TextField()
    record_key = models.TextField()
    field = models.TextField()
    value_hash = models.TextField()
    message = _text()
    code = _text()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "field_quarantine"
        constraints = [_unique("field_quarantine_once", "connection", "object", "record_key", "field")]


class Alert(models.Model):
    """Something about a connection that a person must know; one open alert per connection and code."""

    account = _account()
    connection = models.ForeignKey(Connection, CASCADE, db_index=False)
    code = models.TextField()
    message = models.TextField()
    raised_at = models.DateTimeField(db_default=Now())
    cleared_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "alert"
        constraints = [_unique("alert_open_once", "connection", "code", when=Q(cleared_at__isnull=True))]
        indexes = [models.Index(F("account"), F("raised_at").desc(), name="alert_raised")]


class Transition(models.Model):
    """One step of a booking's life, as it was recorded. Rows are never changed: a trigger refuses it."""

    pk = models.CompositePrimaryKey("account_id", "recorded_at", "id")
    account_id = models.BigIntegerField()
    recorded_at = models.DateTimeField(db_default=Now())
    id = models.BigIntegerField()
    booking_id = models.BigIntegerField()
    kind = models.TextField()
    at = models.DateTimeField()
    by = _text()
    reason = _text()
    status = models.TextField()
    start_at = models.DateTimeField(null=True)
    host_id = models.BigIntegerField(null=True)
    fact_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "transition"
        managed = False


class Receipt(models.Model):
    """What one drain planned, wrote and was answered for one item."""

    pk = models.CompositePrimaryKey("account_id", "at", "id")
    account_id = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())
    id = models.BigIntegerField()
    connection_id = models.BigIntegerField()
    kind = models.TextField()
    target_id = models.BigIntegerField()
    drain_id = _text()
    outcome = models.TextField()
    calls = models.IntegerField(default=0, db_default=0)
    ms = models.IntegerField(default=0, db_default=0)
    document = models.JSONField()

    class Meta:
        db_table = "receipt"
        managed = False
