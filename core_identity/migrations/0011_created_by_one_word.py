"""One word for creating: *SSO creates users*, *created by*. Two columns are renamed."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("core_identity", "0010_label_of_sso_creates_users"),
    ]

    operations = [
        migrations.RenameField(model_name="connection", old_name="sso_makes_users", new_name="sso_creates_users"),
        migrations.RenameField(model_name="setuplink", old_name="made_by", new_name="created_by"),
    ]
