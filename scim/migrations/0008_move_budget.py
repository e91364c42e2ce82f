from django.db import migrations


class Migration(migrations.Migration):
    """Give the table of budgets to core_identity, with its rows."""

    dependencies = [
        ("scim", "0007_used_code"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "ALTER TABLE scim_budget RENAME TO core_identity_budget",
                    "ALTER TABLE core_identity_budget RENAME TO scim_budget",
                ),
            ],
            state_operations=[migrations.DeleteModel(name="Budget")],
        ),
    ]
