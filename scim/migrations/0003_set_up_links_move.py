from django.db import migrations


class Migration(migrations.Migration):
    """The table of set-up links belongs to core_identity from now on. It stays as it is: processes of the former release use it."""

    dependencies = [("scim", "0002_payloads")]

    operations = [
        migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel(name="SetupLink")]),
    ]
