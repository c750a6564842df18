"""An item that is due only because rules or users changed gets no new records for a booking of before."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0009_former_email_index")]
    operations = [
        migrations.AddField("syncitem", "rules_only", models.BooleanField(default=False, db_default=False)),
    ]
