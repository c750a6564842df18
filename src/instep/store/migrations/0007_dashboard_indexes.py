"""Indexes that the dashboard and the sync log read by: what is behind, what was written last, what failed."""

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
        migrations.AddIndex(
            model_name="syncitem",
            index=models.Index(
                condition=Q(kind="booking", in_step_at__isnull=False),
                fields=["account", "-in_step_at"],
                name="sync_item_in_step",
            ),
        ),
        migrations.RunSQL(
            "CREATE INDEX receipt_failed ON receipt (account_id, at) WHERE outcome <> 'done'",
            "DROP INDEX receipt_failed",
        ),
    ]
