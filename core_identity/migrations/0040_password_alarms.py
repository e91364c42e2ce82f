from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core_identity", "0013_overage"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("kind", "password.alarm")), fields=["at"], name="event_password_alarm"
            ),
        ),
    ]
