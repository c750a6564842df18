"""How many batches of a lane failed in a row: the pauses between tries grow with it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0003_contact_former_email")]
    operations = [
        migrations.AddField("connection", "failures", models.IntegerField(default=0, db_default=0)),
    ]
