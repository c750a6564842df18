"""A batch of a large connection reads its own items only.

Those of a person are found by the person, for a contact belongs to one account anyway; those that are due in the order
in which they are taken, of which many fell due at one moment.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0013_provisional_booking")]
    operations = [
        migrations.RemoveIndex("syncitem", "sync_item_person"),
        migrations.AddIndex(
            "syncitem",
            models.Index(fields=["person_key", "account", "connection"], name="sync_item_person"),
        ),
        migrations.RemoveIndex("syncitem", "sync_item_due"),
        migrations.AddIndex(
            "syncitem",
            models.Index(
                condition=models.Q(("due_at__isnull", False)),
                fields=["account", "connection", "due_at", "id"],
                name="sync_item_due",
            ),
        ),
    ]
