"""Clearer words on pages. No column changes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core_identity", "0009_erasure_by_index"),
    ]

    operations = [
        migrations.AlterField(
            model_name="connection",
            name="sso_makes_users",
            field=models.BooleanField(
                default=True,
                help_text="Whether the first sign-in of an unknown person creates a user.",
                verbose_name="SSO creates users",
            ),
        ),
    ]
