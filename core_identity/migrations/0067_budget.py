from django.db import migrations, models


class Migration(migrations.Migration):
    """The table came from scim, which renamed it with its rows."""

    dependencies = [
        ("core_identity", "0066_name_id_index"),
        ("scim", "0008_move_budget"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Budget",
                    fields=[
                        ("key", models.CharField(max_length=100, primary_key=True, serialize=False)),
                        ("minute", models.BigIntegerField()),
                        ("spent", models.PositiveIntegerField()),
                    ],
                ),
            ],
        ),
    ]
