import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sso", "0002_timeline"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="signinrecord",
            index=django.contrib.postgres.indexes.GinIndex(
                condition=models.Q(("kind", "person_refused")),
                fields=["keys"],
                name="sign_in_refused_by_key",
            ),
        ),
        migrations.RemoveIndex(model_name="signinrecord", name="sign_in_by_claim"),
    ]
