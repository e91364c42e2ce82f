"""Say *identity provider* and *mark* on pages. No column changes."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core_identity", "0011_created_by_one_word"),
    ]

    operations = [
        migrations.AlterField(
            model_name="connection",
            name="own_idp",
            field=models.BooleanField(
                default=False,
                help_text="Only a sign-in through such a connection gives staff rights.",
                verbose_name="our own identity provider",
            ),
        ),
        migrations.AlterField(
            model_name="connection",
            name="slug",
            field=models.CharField(
                help_text="Part of every URL of this connection; it cannot be changed once the identity provider knows it.",
                max_length=40,
                unique=True,
                validators=[
                    django.core.validators.RegexValidator("\\A[a-z0-9-]{1,40}\\Z", "Use 1 to 40 of a-z, 0-9 and -.")
                ],
            ),
        ),
        migrations.AlterField(
            model_name="connection",
            name="uid_mark",
            field=models.CharField(
                choices=[
                    ("required", "required"),
                    ("waived", "waived: nobody can edit the UID at the identity provider"),
                ],
                default="required",
                help_text="A mark is the second fact that must agree before a sign-in opens an account: the externalId, a NameID or an email address.",
                max_length=10,
                verbose_name="mark beside the UID",
            ),
        ),
        migrations.AlterField(
            model_name="identity",
            name="active",
            field=models.BooleanField(default=True, help_text="The value from the identity provider."),
        ),
        migrations.AlterField(
            model_name="identity",
            name="groups_unlisted_since",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="Since when the identity provider does not list the groups.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="identity",
            name="reactivation_requested_at",
            field=models.DateTimeField(
                blank=True, help_text="The identity provider lists an expired user as active again.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="identity",
            name="sent_uid",
            field=models.CharField(
                blank=True,
                help_text="The last UID from the identity provider that was not accepted (drift).",
                max_length=255,
                verbose_name="UID not applied",
            ),
        ),
        migrations.AlterField(
            model_name="user",
            name="expired_snapshot",
            field=models.JSONField(
                blank=True,
                default=list,
                editable=False,
                help_text="The values from each identity provider on the day of expiry, for comparison before unexpiring.",
            ),
        ),
    ]
