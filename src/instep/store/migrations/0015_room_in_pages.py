"""Rows that change with every batch find room beside them: their indexes stay as they are.

An item is noted as on its way and then as done, a connection counts its drains and calls; none of that is indexed.
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
