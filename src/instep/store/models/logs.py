"""The partitioned tables, made by SQL in the migrations; Django only reads them."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from instep.store.models.columns import text


class Transition(models.Model):
    """One step of a booking's life, as it was recorded. Rows are never changed: a trigger refuses it."""

    pk = models.CompositePrimaryKey("account_id", "recorded_at", "id")
    account_id = models.BigIntegerField()
    recorded_at = models.DateTimeField(db_default=Now())
    id = models.BigIntegerField()
    booking_id = models.BigIntegerField()
    kind = models.TextField()
    at = models.DateTimeField()
    by = text()
    reason = text()
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
    drain_id = text()
    outcome = models.TextField()
    calls = models.IntegerField(default=0, db_default=0)
    ms = models.IntegerField(default=0, db_default=0)
    document = models.JSONField()

    class Meta:
        db_table = "receipt"
        managed = False


class Delivery(models.Model):
    """One mail about one transition, owed to one person: due while `due_at` is set."""

    pk = models.CompositePrimaryKey("account_id", "created_at", "id")
    account_id = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now())
    id = models.BigIntegerField()
    booking_id = models.BigIntegerField()
    what = models.TextField()
    role = models.TextField()
    recipient = models.TextField()
    document = models.JSONField()
    due_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    error = text()

    class Meta:
        db_table = "delivery"
        managed = False
