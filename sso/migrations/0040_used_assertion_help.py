"""The help text of a used assertion's end. No column changes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sso", "0008_signed"),
    ]

    operations = [
        migrations.AlterField(
            model_name="usedassertion",
            name="until",
            field=models.DateTimeField(db_index=True, help_text="The message is refused by its age long before."),
        ),
    ]
