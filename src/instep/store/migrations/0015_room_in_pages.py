"""Rows that change with every batch find room beside them: their indexes stay as they are.

That an item is on its way and how often a connection was drained and called is not indexed.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("store", "0014_large_lanes")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE sync_item SET (fillfactor = 60)", "ALTER TABLE sync_item RESET (fillfactor)"
        ),
        migrations.RunSQL(
            "ALTER TABLE connection SET (fillfactor = 50)", "ALTER TABLE connection RESET (fillfactor)"
        ),
    ]
