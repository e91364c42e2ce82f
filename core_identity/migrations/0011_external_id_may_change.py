from typing import Any

from django.db import migrations, models


def hold_pending_drift(apps: Any, schema_editor: Any) -> None:
    """Leave each pending UID to an administrator: it is not known whether the person was live when it was kept."""
    apps.get_model("core_identity", "Identity").objects.exclude(said_uid="").update(new_uid_held=True)


class Migration(migrations.Migration):
    dependencies = [("core_identity", "0010_more_emails")]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="external_id_may_change",
            field=models.BooleanField(
                default=False,
                help_text="For the UID rule 'other' only: the identity provider may change a person's externalId if UID and userName stay.",
                verbose_name="externalId may change",
            ),
        ),
        migrations.AddConstraint(
            model_name="connection",
            constraint=models.CheckConstraint(
                name="connection_external_id_may_change_for_other_only",
                condition=models.Q(("external_id_may_change", False), ("uid_rule", "other"), _connector="OR"),
            ),
        ),
        migrations.AddField(
            model_name="identity",
            name="new_uid_held",
            field=models.BooleanField(
                default=False,
                editable=False,
                help_text="Only an administrator may accept a new UID: the drift came while the person was not live, or the connection unexpired them.",
            ),
        ),
        migrations.RunPython(hold_pending_drift, migrations.RunPython.noop),
    ]
