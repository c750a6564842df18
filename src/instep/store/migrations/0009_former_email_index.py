"""The former addresses of a contact are read whenever it is planned."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0008_describe_digest")]
    operations = [
        migrations.AddIndex(
            "contactformeremail",
            models.Index(fields=["account", "contact"], name="contact_former_email_contact"),
        ),
    ]
