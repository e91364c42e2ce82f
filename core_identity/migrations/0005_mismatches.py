"""An index for the refusals of the last days, and one that finds an email within its connection."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core_identity", "0004_bursts")]
    operations = [
        migrations.RemoveIndex(model_name="identity", name="identity_by_email"),
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(fields=["email_key", "connection"], name="identity_by_email"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                fields=["connection_id", "at"],
                condition=models.Q(kind__in=("scim.refused", "sso.refused")),
                name="event_refused",
            ),
        ),
    ]
