"""The support contact of a customer: the help desk that pages show to people who cannot sign in."""

import django.core.validators
from django.db import migrations, models

import core_identity.support_contact


class Migration(migrations.Migration):
    dependencies = [
        ("core_identity", "0004_find_by_index"),
    ]

    operations = [
        migrations.AddField(
            model_name="customer",
            name="support_email",
            field=models.EmailField(blank=True, db_default="", default="", max_length=254),
        ),
        migrations.AddField(
            model_name="customer",
            name="support_name",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="For example: Acme IT help desk.", max_length=100
            ),
        ),
        migrations.AddField(
            model_name="customer",
            name="support_phone",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                max_length=40,
                validators=[
                    django.core.validators.RegexValidator(
                        "^\\+?[0-9][0-9 ()./-]{1,38}\\Z",
                        "Enter a telephone number, such as +44 20 7946 0000: digits, spaces and ( ) . / - only.",
                    )
                ],
            ),
        ),
        migrations.AddField(
            model_name="customer",
            name="support_url",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="For example: https://help.acme.com.",
                max_length=500,
                validators=[core_identity.support_contact.WebAddress()],
                verbose_name="support web page",
            ),
        ),
        migrations.AddConstraint(
            model_name="customer",
            constraint=models.CheckConstraint(
                condition=models.Q(("support_url", ""), ("support_url__regex", "^https?://"), _connector="OR"),
                name="customer_support_url_is_a_web_page",
            ),
        ),
    ]
