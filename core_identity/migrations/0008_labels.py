"""Clearer words for the state and the times of a conflict. No column changes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core_identity", "0007_fewer_indexes"),
    ]

    operations = [
        migrations.AlterField(
            model_name="conflict",
            name="count",
            field=models.PositiveIntegerField(default=1, verbose_name="times received"),
        ),
        migrations.AlterField(
            model_name="conflict",
            name="first_at",
            field=models.DateTimeField(verbose_name="first received"),
        ),
        migrations.AlterField(
            model_name="conflict",
            name="last_at",
            field=models.DateTimeField(verbose_name="last received"),
        ),
        migrations.AlterField(
            model_name="conflict",
            name="state",
            field=models.CharField(
                choices=[
                    ("open", "open"),
                    ("same_person", "the same person"),
                    ("different_people", "different people"),
                    ("dismissed", "dismissed: messages are still refused, and only counted"),
                    ("gone", "closed by itself"),
                ],
                default="open",
                max_length=20,
            ),
        ),
    ]
