"""A describe document is known by its digest: a drain reads it only where its process has not seen it yet."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models.functions import MD5, Cast


class Migration(migrations.Migration):
    dependencies = [("store", "0007_dashboard_indexes")]

    operations = [
        migrations.AddField(
            model_name="crmdescribe",
            name="digest",
            field=models.GeneratedField(
                expression=MD5(Cast("document", models.TextField())),
                output_field=models.TextField(),
                db_persist=True,
            ),
        ),
    ]
