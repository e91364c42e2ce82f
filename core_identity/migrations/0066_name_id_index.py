"""Leave the empty text out of the index of NameIDs. See `Identity.Meta`."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core_identity", "0063_large_groups")]
    operations = [
        migrations.RemoveIndex(model_name="identity", name="identity_by_name_id"),
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(
                condition=models.Q(("name_id_key", ""), _negated=True),
                fields=["connection", "name_id_key"],
                name="identity_by_name_id",
            ),
        ),
    ]
