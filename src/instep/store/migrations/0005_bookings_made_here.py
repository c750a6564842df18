"""Booking calendars and hosts that can be booked here, the time that bookings take, ignored problems."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0004_connection_failures"),
    ]

    operations = [
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "account_id",
                        "created_at",
                        "id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("account_id", models.BigIntegerField()),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("id", models.BigIntegerField()),
                ("booking_id", models.BigIntegerField()),
                ("what", models.TextField()),
                ("role", models.TextField()),
                ("recipient", models.TextField()),
                ("document", models.JSONField()),
                ("due_at", models.DateTimeField(null=True)),
                ("attempts", models.IntegerField(default=0)),
                ("sent_at", models.DateTimeField(null=True)),
                ("error", models.TextField(blank=True, db_default="", default="")),
            ],
            options={
                "db_table": "delivery",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="BookedTime",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("booking_source_id", models.TextField()),
                ("start_at", models.DateTimeField()),
                ("end_at", models.DateTimeField()),
                ("active", models.BooleanField(db_default=True, default=True)),
            ],
            options={
                "db_table": "booked_time",
            },
        ),
        migrations.CreateModel(
            name="CalendarHost",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("priority", models.IntegerField(db_default=1, default=1)),
            ],
            options={
                "db_table": "calendar_host",
            },
        ),
        migrations.AddField(
            model_name="calendar",
            name="rules",
            field=models.JSONField(blank=True, db_default={}, default=dict),
        ),
        migrations.AddField(
            model_name="calendar",
            name="slug",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddField(
            model_name="host",
            name="weekly_hours",
            field=models.JSONField(blank=True, db_default={}, default=dict),
        ),
        migrations.AddField(
            model_name="syncitem",
            name="ignored_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(
                condition=models.Q(("active", True), ("source", "instep")),
                fields=["account", "end_at"],
                name="booking_ending",
            ),
        ),
        migrations.AddConstraint(
            model_name="calendar",
            constraint=models.UniqueConstraint(
                condition=models.Q(("slug", ""), _negated=True), fields=("slug",), name="calendar_slug"
            ),
        ),
        migrations.AddField(
            model_name="bookedtime",
            name="account",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, to="store.account"
            ),
        ),
        migrations.AddField(
            model_name="bookedtime",
            name="host",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, to="store.host"
            ),
        ),
        migrations.AddField(
            model_name="calendarhost",
            name="account",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, to="store.account"
            ),
        ),
        migrations.AddField(
            model_name="calendarhost",
            name="calendar",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, to="store.calendar"
            ),
        ),
        migrations.AddField(
            model_name="calendarhost",
            name="host",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, to="store.host"
            ),
        ),
        migrations.AddIndex(
            model_name="bookedtime",
            index=models.Index(fields=["account", "host", "start_at"], name="booked_time_start"),
        ),
        migrations.AddConstraint(
            model_name="bookedtime",
            constraint=models.UniqueConstraint(
                fields=("account", "booking_source_id"), name="booked_time_booking"
            ),
        ),
        migrations.AddIndex(
            model_name="calendarhost",
            index=models.Index(fields=["account", "host"], name="calendar_host_host"),
        ),
        migrations.AddConstraint(
            model_name="calendarhost",
            constraint=models.UniqueConstraint(
                fields=("account", "calendar", "host"), name="calendar_host_once"
            ),
        ),
    ]
