"""Strict mode: a booking waits for its CRM. Signed links can be revoked, and the end of a stop is told."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0012_connecting")]
    operations = [
        migrations.AddField("account", "links_revoked", models.IntegerField(db_default=0, default=0)),
        migrations.AddField("alert", "over_told_at", models.DateTimeField(null=True)),
        migrations.CreateModel(
            name="ProvisionalBooking",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("booking_source_id", models.TextField()),
                ("until_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="store.account"
                    ),
                ),
            ],
            options={
                "db_table": "provisional_booking",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "booking_source_id"), name="provisional_booking_once"
                    )
                ],
            },
        ),
    ]
