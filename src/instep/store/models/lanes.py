"""Connections to CRMs, their lanes, and what each lane remembers of its CRM."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import MD5, Cast, Now

from instep.store.models.columns import json, tenant, text, unguessable, unique


class Connection(models.Model):
    """One CRM org of one account, and its lane. `credentials` and `tokens` are encrypted JSON.

    `state` is connected, reconnect or disabled; the lane pauses until `held_until` with `hold_reason`.
    """

    account = tenant()
    public_id = unguessable("CON")
    vendor = models.TextField()
    name = text()
    url = models.TextField()
    org_id = text()
    credentials = models.BinaryField(default=b"", db_default=b"")
    tokens = models.BinaryField(default=b"", db_default=b"")
    epoch = models.BigIntegerField(default=0, db_default=0)
    state = models.TextField(default="connected", db_default="connected")
    held_until = models.DateTimeField(null=True)
    hold_reason = text()
    hold_code = text()
    batch_size = models.IntegerField(default=200, db_default=200)
    batch_grow = models.IntegerField(default=0, db_default=0)
    failures = models.IntegerField(default=0, db_default=0)
    settings = json()
    api_version = text()
    identity = json()
    limit_used = models.BigIntegerField(null=True)
    limit_allowed = models.BigIntegerField(null=True)
    calls_total = models.BigIntegerField(default=0, db_default=0)
    writes_total = models.BigIntegerField(default=0, db_default=0)
    installed = json()
    users_refreshed_at = models.DateTimeField(null=True)
    #: the setup that somebody removed, and when: it can be put back for a while
    removed_setup = json()
    removed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "connection"
        constraints = [
            # two connections to one org would write everything twice
            unique("connection_org", "vendor", "org_id"),
            unique("connection_public_id", "public_id"),
        ]


class SyncItem(models.Model):
    """A booking or contact in one connection's lane: due while `wanted` is ahead of `done`.

    `person_key` is our contact's id: items of one person are never in two batches in flight.
    `marked_at` is when it was first marked since it was last in step.
    """

    account = tenant()
    connection = models.ForeignKey(Connection, models.CASCADE, db_index=False)
    kind = models.TextField()
    target_id = models.BigIntegerField()
    person_key = models.BigIntegerField(null=True)
    wanted = models.BigIntegerField(default=1, db_default=1)
    done = models.BigIntegerField(default=0, db_default=0)
    due_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0, db_default=0)
    error_class = text()
    error_code = text()
    error_message = text()
    observe_first = models.BooleanField(default=False, db_default=False)
    sent_at = models.DateTimeField(null=True)
    link = json()
    marked_at = models.DateTimeField(null=True)
    in_step_at = models.DateTimeField(null=True)
    #: due because rules or users changed, while the booking is what it was when it was in step last
    rules_only = models.BooleanField(default=False, db_default=False)
    #: somebody said that this problem may stay: it is shown as ignored until the item is marked again
    ignored_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "sync_item"
        constraints = [unique("sync_item_once", "connection", "kind", "target_id")]
        indexes = [
            models.Index(
                # with the id: what was marked at once falls due at once, and is taken a batch at a time
                fields=["account", "connection", "due_at", "id"],
                name="sync_item_due",
                condition=Q(due_at__isnull=False),
            ),
            models.Index(fields=["person_key", "account", "connection"], name="sync_item_person"),
            # what the dashboard counts: the few that are behind
            models.Index(
                fields=["account", "connection"], name="sync_item_behind", condition=Q(done__lt=F("wanted"))
            ),
            models.Index(fields=["account", "kind", "target_id"], name="sync_item_target"),
        ]


class CrmRecord(models.Model):
    """What we last saw (`snapshot`) and last wrote (`sent`) on one record of the CRM."""

    account = tenant()
    connection = models.ForeignKey(Connection, models.CASCADE, db_index=False)
    object = models.TextField()
    crm_id = models.TextField()
    snapshot = json()
    sent = json()
    made_by_us = models.BooleanField(default=False, db_default=False)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "crm_record"
        constraints = [unique("crm_record_once", "connection", "object", "crm_id")]


class CrmDescribe(models.Model):
    """An object as the CRM described it, kept so that a drain need not ask again.

    By the `digest` a process knows a document that it has read before, in whatever connection.
    """

    account = tenant()
    connection = models.ForeignKey(Connection, models.CASCADE, db_index=False)
    object = models.TextField()
    document = models.JSONField()
    digest = models.GeneratedField(
        expression=MD5(Cast("document", models.TextField())), output_field=models.TextField(), db_persist=True
    )
    fetched_at = models.DateTimeField()

    class Meta:
        db_table = "crm_describe"
        constraints = [unique("crm_describe_once", "connection", "object")]


class CrmUser(models.Model):
    """A user of the CRM, for finding a host's by e-mail. `licence` is empty for people who work in the org."""

    account = tenant()
    connection = models.ForeignKey(Connection, models.CASCADE, db_index=False)
    crm_id = models.TextField()
    email_key = text()
    username = text()
    name = text()
    active = models.BooleanField(default=True, db_default=True)
    licence = text()
    seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "crm_user"
        constraints = [unique("crm_user_once", "connection", "crm_id")]
        indexes = [models.Index(fields=["account", "connection", "email_key"], name="crm_user_email")]


class HostUser(models.Model):
    """Which user of the CRM a host is, as somebody chose: before any match by e-mail. `crm_id` empty: nobody."""

    account = tenant()
    connection = models.ForeignKey(Connection, models.CASCADE, db_index=False)
    email_key = models.TextField()
    crm_id = text()
    chosen_by = text()
    chosen_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "host_user"
        constraints = [unique("host_user_once", "connection", "email_key")]


class UnknownHost(models.Model):
    """A host that the CRM was asked about and does not know."""

    account = tenant()
    connection = models.ForeignKey(Connection, models.CASCADE, db_index=False)
    email_key = models.TextField()
    asked_at = models.DateTimeField()

    class Meta:
        db_table = "unknown_host"
        constraints = [unique("unknown_host_once", "connection", "email_key")]


class FieldQuarantine(models.Model):
    """A value that the CRM refused for one field of one record: left out until something changes."""

    account = tenant()
    connection = models.ForeignKey(Connection, models.CASCADE, db_index=False)
    object = models.TextField()
    record_key = models.TextField()
    field = models.TextField()
    value_hash = models.TextField()
    message = text()
    code = text()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "field_quarantine"
        constraints = [unique("field_quarantine_once", "connection", "object", "record_key", "field")]


class Alert(models.Model):
    """Something about a connection that a person must know; one open alert per connection and code."""

    account = tenant()
    connection = models.ForeignKey(Connection, models.CASCADE, db_index=False)
    code = models.TextField()
    message = models.TextField()
    raised_at = models.DateTimeField(db_default=Now())
    mailed_at = models.DateTimeField(null=True)
    #: when those who were told of a stop were told that it is over
    over_told_at = models.DateTimeField(null=True)
    cleared_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "alert"
        constraints = [unique("alert_open_once", "connection", "code", when=Q(cleared_at__isnull=True))]
        indexes = [models.Index(F("account"), F("raised_at").desc(), name="alert_raised")]
