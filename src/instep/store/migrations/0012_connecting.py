"""Hosts' users are chosen by hand; a removed setup is kept for a while; alerts are mailed once."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0011_property_archived")]
    operations = [
        migrations.AddField(
            "connection", "removed_setup", models.JSONField(blank=True, db_default={}, default=dict)
        ),
        migrations.AddField("account", "signing_key", models.BinaryField(db_default=b"", default=b"")),
        migrations.AddField("connection", "removed_at", models.DateTimeField(null=True)),
        migrations.AddField("crmuser", "licence", models.TextField(blank=True, db_default="", default="")),
        migrations.AddField("alert", "mailed_at", models.DateTimeField(null=True)),
        migrations.CreateModel(
            name="HostUser",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email_key", models.TextField()),
                ("crm_id", models.TextField(blank=True, db_default="", default="")),
                ("chosen_by", models.TextField(blank=True, db_default="", default="")),
                (
                    "chosen_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="store.account"
                    ),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="store.connection"
                    ),
                ),
            ],
            options={
                "db_table": "host_user",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "connection", "email_key"), name="host_user_once"
                    )
                ],
            },
        ),
    ]
