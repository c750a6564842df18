"""Addresses that people had before an edit."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0002_logs"),
    ]

    operations = [
        migrations.CreateModel(
            name="ContactFormerEmail",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email_key", models.TextField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="store.account"
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="store.contact"
                    ),
                ),
            ],
            options={
                "db_table": "contact_former_email",
                "constraints": [
                    models.UniqueConstraint(fields=("account", "email_key"), name="contact_former_email_once")
                ],
            },
        ),
    ]
