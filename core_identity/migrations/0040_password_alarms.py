from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core_identity", "0010_more_emails"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("kind", "password.alarm")), fields=["at"], name="event_password_alarm"
            ),
        ),
    ]
