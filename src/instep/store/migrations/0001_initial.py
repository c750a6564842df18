"""The tables of the store."""

import functools
import secrets

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.db import migrations, models

import instep.store.models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Receipt",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "account_id",
                        "at",
                        "id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("account_id", models.BigIntegerField()),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("id", models.BigIntegerField()),
                ("connection_id", models.BigIntegerField()),
                ("kind", models.TextField()),
                ("target_id", models.BigIntegerField()),
                ("drain_id", models.TextField(blank=True, db_default="", default="")),
                ("outcome", models.TextField()),
                ("calls", models.IntegerField(db_default=0, default=0)),
                ("ms", models.IntegerField(db_default=0, default=0)),
                ("document", models.JSONField()),
            ],
            options={
                "db_table": "receipt",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Transition",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "account_id",
                        "recorded_at",
                        "id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("account_id", models.BigIntegerField()),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("id", models.BigIntegerField()),
                ("booking_id", models.BigIntegerField()),
                ("kind", models.TextField()),
                ("at", models.DateTimeField()),
                ("by", models.TextField(blank=True, db_default="", default="")),
                ("reason", models.TextField(blank=True, db_default="", default="")),
                ("status", models.TextField()),
                ("start_at", models.DateTimeField(null=True)),
                ("host_id", models.BigIntegerField(null=True)),
                ("fact_id", models.BigIntegerField(null=True)),
            ],
            options={
                "db_table": "transition",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "public_id",
                    models.TextField(
                        default=functools.partial(instep.store.models.public_id, *("ACC",), **{}),
                        editable=False,
                    ),
                ),
                ("name", models.TextField(blank=True, db_default="", default="")),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "db_table": "account",
                "constraints": [models.UniqueConstraint(fields=("public_id",), name="account_public_id")],
            },
        ),
        migrations.CreateModel(
            name="Calendar",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.TextField()),
                ("source_id", models.TextField()),
                ("name", models.TextField(blank=True, db_default="", default="")),
                ("name_stamp", models.TextField(blank=True, db_default="", default="")),
                ("published", models.BooleanField(db_default=False, default=False)),
                ("note", models.TextField(blank=True, db_default="", default="")),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="store.account"
                    ),
                ),
            ],
            options={
                "db_table": "calendar",
            },
        ),
        migrations.CreateModel(
            name="Connection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "public_id",
                    models.TextField(
                        default=functools.partial(instep.store.models.public_id, *("CON",), **{}),
                        editable=False,
                    ),
                ),
                ("vendor", models.TextField()),
                ("name", models.TextField(blank=True, db_default="", default="")),
                ("url", models.TextField()),
                ("org_id", models.TextField(blank=True, db_default="", default="")),
                ("credentials", models.BinaryField(db_default=b"", default=b"")),
                ("tokens", models.BinaryField(db_default=b"", default=b"")),
                ("epoch", models.BigIntegerField(db_default=0, default=0)),
                ("state", models.TextField(db_default="connected", default="connected")),
                ("held_until", models.DateTimeField(null=True)),
                ("hold_reason", models.TextField(blank=True, db_default="", default="")),
                ("hold_code", models.TextField(blank=True, db_default="", default="")),
                ("batch_size", models.IntegerField(db_default=200, default=200)),
                ("batch_grow", models.IntegerField(db_default=0, default=0)),
                ("settings", models.JSONField(blank=True, db_default={}, default=dict)),
                ("api_version", models.TextField(blank=True, db_default="", default="")),
                ("identity", models.JSONField(blank=True, db_default={}, default=dict)),
                ("limit_used", models.BigIntegerField(null=True)),
                ("limit_allowed", models.BigIntegerField(null=True)),
                ("calls_total", models.BigIntegerField(db_default=0, default=0)),
                ("writes_total", models.BigIntegerField(db_default=0, default=0)),
                ("installed", models.JSONField(blank=True, db_default={}, default=dict)),
                ("users_refreshed_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="store.account"
                    ),
                ),
            ],
            options={
                "db_table": "connection",
            },
        ),
        migrations.CreateModel(
            name="Alert",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.TextField()),
                ("message", models.TextField()),
                ("raised_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("cleared_at", models.DateTimeField(null=True)),
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
                "db_table": "alert",
            },
        ),
        migrations.CreateModel(
            name="Contact",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "public_id",
                    models.TextField(
                        default=functools.partial(instep.store.models.public_id, *("CTC",), **{}),
                        editable=False,
                    ),
                ),
                ("email", models.TextField(blank=True, db_default="", default="")),
                ("email_key", models.TextField(blank=True, db_default="", default="")),
                ("mobile_key", models.TextField(blank=True, db_default="", default="")),
                ("identity_booking", models.TextField(blank=True, db_default="", default="")),
                ("fields", models.JSONField(blank=True, db_default={}, default=dict)),
                ("version", models.BigIntegerField(db_default=1, default=1)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="store.account"
                    ),
                ),
            ],
            options={
                "db_table": "contact",
            },
        ),
        migrations.CreateModel(
            name="CrmDescribe",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("object", models.TextField()),
                ("document", models.JSONField()),
                ("fetched_at", models.DateTimeField()),
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
                "db_table": "crm_describe",
            },
        ),
        migrations.CreateModel(
            name="CrmRecord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("object", models.TextField()),
                ("crm_id", models.TextField()),
                ("snapshot", models.JSONField(blank=True, db_default={}, default=dict)),
                ("sent", models.JSONField(blank=True, db_default={}, default=dict)),
                ("made_by_us", models.BooleanField(db_default=False, default=False)),
                ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
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
                "db_table": "crm_record",
            },
        ),
        migrations.CreateModel(
            name="CrmUser",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("crm_id", models.TextField()),
                ("email_key", models.TextField(blank=True, db_default="", default="")),
                ("username", models.TextField(blank=True, db_default="", default="")),
                ("name", models.TextField(blank=True, db_default="", default="")),
                ("active", models.BooleanField(db_default=True, default=True)),
                ("seen_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
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
                "db_table": "crm_user",
            },
        ),
        migrations.CreateModel(
            name="Fact",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.TextField()),
                ("envelope_id", models.TextField()),
                ("booking_source_id", models.TextField()),
                ("kind", models.TextField()),
                ("updated_at", models.DateTimeField()),
                ("created_at", models.DateTimeField()),
                ("rank", models.SmallIntegerField()),
                ("email_key", models.TextField(blank=True, db_default="", default="")),
                ("mobile_key", models.TextField(blank=True, db_default="", default="")),
                ("raw", models.JSONField()),
                ("received_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="store.account"
                    ),
                ),
            ],
            options={
                "db_table": "fact",
            },
        ),
        migrations.CreateModel(
            name="FieldQuarantine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("object", models.TextField()),
                ("record_key", models.TextField()),
                ("field", models.TextField()),
                ("value_hash", models.TextField()),
                ("message", models.TextField(blank=True, db_default="", default="")),
                ("code", models.TextField(blank=True, db_default="", default="")),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
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
                "db_table": "field_quarantine",
            },
        ),
        migrations.CreateModel(
            name="Host",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "public_id",
                    models.TextField(
                        default=functools.partial(instep.store.models.public_id, *("HST",), **{}),
                        editable=False,
                    ),
                ),
                ("email", models.TextField()),
                ("email_key", models.TextField()),
                (
                    "source_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), db_default=[], default=list, size=None
                    ),
                ),
                ("name", models.TextField(blank=True, db_default="", default="")),
                ("time_zone", models.TextField(blank=True, db_default="", default="")),
                ("fields", models.JSONField(blank=True, db_default={}, default=dict)),
                ("from_source", models.TextField(blank=True, db_default="", default="")),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="store.account"
                    ),
                ),
            ],
            options={
                "db_table": "host",
            },
        ),
        migrations.CreateModel(
            name="Booking",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.TextField()),
                ("source_id", models.TextField()),
                ("status", models.TextField()),
                ("detail", models.TextField(blank=True, db_default="", default="")),
                ("subject", models.TextField(blank=True, db_default="", default="")),
                ("start_at", models.DateTimeField()),
                ("end_at", models.DateTimeField()),
                ("state", models.JSONField()),
                ("active", models.BooleanField(db_default=True, default=True)),
                ("in_trash", models.BooleanField(db_default=False, default=False)),
                ("version", models.BigIntegerField(db_default=1, default=1)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="store.account"
                    ),
                ),
                (
                    "calendar",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="store.calendar",
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="store.contact",
                    ),
                ),
                (
                    "host",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="store.host",
                    ),
                ),
            ],
            options={
                "db_table": "booking",
            },
        ),
        migrations.CreateModel(
            name="HostMention",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("mention", models.TextField()),
                ("source", models.TextField()),
                ("booking_source_id", models.TextField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="store.account"
                    ),
                ),
            ],
            options={
                "db_table": "host_mention",
            },
        ),
        migrations.CreateModel(
            name="Property",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("object", models.TextField()),
                ("identifier", models.TextField()),
                ("label", models.TextField()),
                ("type", models.TextField(db_default="text", default="text")),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="store.account"
                    ),
                ),
            ],
            options={
                "db_table": "property",
            },
        ),
        migrations.CreateModel(
            name="SetAside",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.TextField()),
                ("code", models.TextField(blank=True, db_default="", default="")),
                ("reason", models.TextField()),
                ("raw", models.TextField()),
                ("digest", models.TextField()),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="store.account"
                    ),
                ),
            ],
            options={
                "db_table": "set_aside",
            },
        ),
        migrations.CreateModel(
            name="SyncItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.TextField()),
                ("target_id", models.BigIntegerField()),
                ("person_key", models.BigIntegerField(null=True)),
                ("wanted", models.BigIntegerField(db_default=1, default=1)),
                ("done", models.BigIntegerField(db_default=0, default=0)),
                ("due_at", models.DateTimeField(null=True)),
                ("attempts", models.IntegerField(db_default=0, default=0)),
                ("error_class", models.TextField(blank=True, db_default="", default="")),
                ("error_code", models.TextField(blank=True, db_default="", default="")),
                ("error_message", models.TextField(blank=True, db_default="", default="")),
                ("observe_first", models.BooleanField(db_default=False, default=False)),
                ("sent_at", models.DateTimeField(null=True)),
                ("link", models.JSONField(blank=True, db_default={}, default=dict)),
                ("marked_at", models.DateTimeField(null=True)),
                ("in_step_at", models.DateTimeField(null=True)),
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
                "db_table": "sync_item",
            },
        ),
        migrations.CreateModel(
            name="UnknownHost",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email_key", models.TextField()),
                ("asked_at", models.DateTimeField()),
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
                "db_table": "unknown_host",
            },
        ),
        migrations.CreateModel(
            name="WebhookEndpoint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "public_id",
                    models.TextField(
                        default=functools.partial(secrets.token_urlsafe, *(24,), **{}), editable=False
                    ),
                ),
                ("source", models.TextField()),
                ("secret", models.BinaryField()),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="store.account"
                    ),
                ),
            ],
            options={
                "db_table": "webhook_endpoint",
            },
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                ("email", models.EmailField(max_length=254)),
                ("name", models.TextField(blank=True, db_default="", default="")),
                ("role", models.TextField(db_default="admin", default="admin")),
                ("is_active", models.BooleanField(db_default=True, default=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="store.account"
                    ),
                ),
            ],
            options={
                "db_table": "account_user",
                "indexes": [models.Index(fields=["account", "id"], name="account_user_account")],
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("email"), name="account_user_email"
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="calendar",
            constraint=models.UniqueConstraint(
                fields=("account", "source", "source_id"), name="calendar_source_id"
            ),
        ),
        migrations.AddConstraint(
            model_name="connection",
            constraint=models.UniqueConstraint(fields=("account", "vendor", "org_id"), name="connection_org"),
        ),
        migrations.AddConstraint(
            model_name="connection",
            constraint=models.UniqueConstraint(fields=("account", "public_id"), name="connection_public_id"),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                models.F("account"),
                models.OrderBy(models.F("raised_at"), descending=True),
                name="alert_raised",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.UniqueConstraint(
                condition=models.Q(("cleared_at__isnull", True)),
                fields=("account", "connection", "code"),
                name="alert_open_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.UniqueConstraint(
                condition=models.Q(("email_key", ""), _negated=True),
                fields=("account", "email_key"),
                name="contact_email",
            ),
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.UniqueConstraint(
                condition=models.Q(("mobile_key", ""), _negated=True),
                fields=("account", "mobile_key"),
                name="contact_mobile",
            ),
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.UniqueConstraint(
                condition=models.Q(("identity_booking", ""), _negated=True),
                fields=("account", "identity_booking"),
                name="contact_booking",
            ),
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.UniqueConstraint(fields=("account", "public_id"), name="contact_public_id"),
        ),
        migrations.AddConstraint(
            model_name="crmdescribe",
            constraint=models.UniqueConstraint(
                fields=("account", "connection", "object"), name="crm_describe_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="crmrecord",
            constraint=models.UniqueConstraint(
                fields=("account", "connection", "object", "crm_id"), name="crm_record_once"
            ),
        ),
        migrations.AddIndex(
            model_name="crmuser",
            index=models.Index(fields=["account", "connection", "email_key"], name="crm_user_email"),
        ),
        migrations.AddConstraint(
            model_name="crmuser",
            constraint=models.UniqueConstraint(
                fields=("account", "connection", "crm_id"), name="crm_user_once"
            ),
        ),
        migrations.AddIndex(
            model_name="fact",
            index=models.Index(fields=["account", "source", "booking_source_id"], name="fact_booking"),
        ),
        migrations.AddIndex(
            model_name="fact",
            index=models.Index(
                condition=models.Q(("mobile_key", ""), _negated=True),
                fields=["account", "mobile_key", "updated_at", "created_at", "rank", "envelope_id"],
                name="fact_mobile",
            ),
        ),
        migrations.AddIndex(
            model_name="fact",
            index=models.Index(
                condition=models.Q(("email_key", ""), _negated=True),
                fields=["account", "email_key"],
                name="fact_email",
            ),
        ),
        migrations.AddConstraint(
            model_name="fact",
            constraint=models.UniqueConstraint(fields=("account", "source", "envelope_id"), name="fact_once"),
        ),
        migrations.AddConstraint(
            model_name="fieldquarantine",
            constraint=models.UniqueConstraint(
                fields=("account", "connection", "object", "record_key", "field"),
                name="field_quarantine_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="host",
            constraint=models.UniqueConstraint(fields=("account", "email_key"), name="host_email"),
        ),
        migrations.AddConstraint(
            model_name="host",
            constraint=models.UniqueConstraint(fields=("account", "public_id"), name="host_public_id"),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(fields=["account", "-start_at", "-id"], name="booking_start"),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(fields=["account", "host", "start_at"], name="booking_host"),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(fields=["account", "contact"], name="booking_contact"),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.UniqueConstraint(
                fields=("account", "source", "source_id"), name="booking_source_id"
            ),
        ),
        migrations.AddConstraint(
            model_name="hostmention",
            constraint=models.UniqueConstraint(
                fields=("account", "mention", "source", "booking_source_id"), name="host_mention_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="property",
            constraint=models.UniqueConstraint(
                fields=("account", "object", "identifier"), name="property_identifier"
            ),
        ),
        migrations.AddIndex(
            model_name="setaside",
            index=models.Index(fields=["account", "-at"], name="set_aside_at"),
        ),
        migrations.AddConstraint(
            model_name="setaside",
            constraint=models.UniqueConstraint(fields=("account", "source", "digest"), name="set_aside_once"),
        ),
        migrations.AddIndex(
            model_name="syncitem",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)),
                fields=["account", "connection", "due_at"],
                name="sync_item_due",
            ),
        ),
        migrations.AddIndex(
            model_name="syncitem",
            index=models.Index(fields=["account", "connection", "person_key"], name="sync_item_person"),
        ),
        migrations.AddIndex(
            model_name="syncitem",
            index=models.Index(fields=["account", "kind", "target_id"], name="sync_item_target"),
        ),
        migrations.AddConstraint(
            model_name="syncitem",
            constraint=models.UniqueConstraint(
                fields=("account", "connection", "kind", "target_id"), name="sync_item_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="unknownhost",
            constraint=models.UniqueConstraint(
                fields=("account", "connection", "email_key"), name="unknown_host_once"
            ),
        ),
        migrations.AddIndex(
            model_name="webhookendpoint",
            index=models.Index(fields=["account", "source"], name="webhook_endpoint_source"),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.UniqueConstraint(fields=("public_id",), name="webhook_endpoint_public_id"),
        ),
    ]
