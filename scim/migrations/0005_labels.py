"""Clearer words on pages. No column changes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scim", "0004_fewer_indexes"),
    ]

    operations = [
        migrations.AlterField(
            model_name="oauthclient",
            name="last_used_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="last request with one of its tokens"),
        ),
    ]
