import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scim", "0002_timeline"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="provisioningrecord",
            index=django.contrib.postgres.indexes.GinIndex(
                condition=models.Q(("status__gte", 400)),
                fields=["keys"],
                name="provisioning_refusal_by_key",
            ),
        ),
        migrations.RemoveIndex(model_name="provisioningrecord", name="provisioning_refused_by_key"),
    ]
