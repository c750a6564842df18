"""Indexes that the dashboard and the sync log read by: what is behind, and what failed."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("store", "0006_no_overlap_and_deliveries")]

    operations = [
        migrations.AddIndex(
            model_name="syncitem",
            index=models.Index(
                condition=Q(done__lt=F("wanted")), fields=["account", "connection"], name="sync_item_behind"
            ),
        ),
        migrations.RunSQL(
            "CREATE INDEX receipt_failed ON receipt (account_id, at) WHERE outcome <> 'done'",
            "DROP INDEX receipt_failed",
        ),
    ]
