from django.db import migrations, models

# So that PostgreSQL knows how few have more than one email, and looks at those only.
STATISTICS = "CREATE STATISTICS identity_more_emails_known ON (attributes #> '{emails,1}') FROM core_identity_identity"


class Migration(migrations.Migration):
    dependencies = [("core_identity", "0009_erased_users")]

    operations = [
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(
                name="identity_more_emails",
                fields=["connection"],
                condition=models.Q(("attributes__emails__1__isnull", False)),
            ),
        ),
        migrations.RunSQL(STATISTICS, "DROP STATISTICS identity_more_emails_known"),
    ]
