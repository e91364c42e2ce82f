"""What an IdP must sign becomes one setting of four values, in place of a yes or no about the Response."""

from typing import Any

from django.db import migrations, models


def choose(apps: Any, schema_editor: Any) -> None:
    """Rows that did not demand a signed Response demanded the Assertion; all others keep the default, both."""
    settings = apps.get_model("sso", "SamlSettings").objects
    settings.filter(want_response_signed=False).update(signed="assertion")


def choose_back(apps: Any, schema_editor: Any) -> None:
    """The older version always demands the Assertion, so each value becomes the nearest stricter one."""
    settings = apps.get_model("sso", "SamlSettings").objects
    settings.filter(signed__in=["assertion", "either"]).update(want_response_signed=False)


class Migration(migrations.Migration):
    dependencies = [
        ("sso", "0007_verified_domains"),
    ]

    operations = [
        migrations.AddField(
            model_name="samlsettings",
            name="signed",
            field=models.CharField(
                choices=[
                    ("both", "the Response and the Assertion"),
                    ("assertion", "the Assertion"),
                    ("response", "the Response"),
                    ("either", "the Response or the Assertion"),
                ],
                default="both",
                help_text="Okta signs both. Entra, ADFS and Google sign the Assertion by default. Shibboleth and a Keycloak client created by hand sign the Response. Use the last choice only while an IdP changes from one to the other.",
                max_length=9,
                verbose_name="what the IdP must sign",
            ),
        ),
        migrations.RunPython(choose, choose_back),
        migrations.RemoveField(
            model_name="samlsettings",
            name="want_response_signed",
        ),
        migrations.AddConstraint(
            model_name="samlsettings",
            constraint=models.CheckConstraint(
                condition=models.Q(("signed__in", ["both", "assertion", "response", "either"])), name="signed_is_known"
            ),
        ),
    ]
