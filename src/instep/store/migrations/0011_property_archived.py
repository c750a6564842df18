"""Custom properties are made, described, archived and restored by admins too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0010_rules_only")]
    operations = [
        migrations.AddField(
            "property", "description", models.TextField(blank=True, db_default="", default="")
        ),
        migrations.AddField("property", "archived_at", models.DateTimeField(null=True)),
    ]
