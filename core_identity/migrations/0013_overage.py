import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core_identity", "0011_external_id_may_change")]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="overage_days",
            field=models.PositiveSmallIntegerField(
                "days without a list of groups",
                default=30,
                validators=[django.core.validators.MaxValueValidator(30)],
                help_text="Entra does not list the groups of a person with more than 150. The roles from sign-ins then stay for this number of days after the last full list, 30 at most. 0: they end at once.",
            ),
        ),
        migrations.AddConstraint(
            model_name="connection",
            constraint=models.CheckConstraint(
                name="connection_overage_days_bounded", condition=models.Q(("overage_days__lte", 30))
            ),
        ),
        migrations.AddField(
            model_name="identity",
            name="groups_unlisted_since",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="Since when the IdP does not list the groups.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="identity",
            name="groups_listed_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="The last full list before that; empty if there was none.",
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(
                name="identity_groups_unlisted",
                fields=["connection"],
                condition=models.Q(("groups_unlisted_since__isnull", False)),
            ),
        ),
    ]
