"""Say *identity provider* and *mark* on pages. No column changes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sso", "0005_last_sign_ins"),
    ]

    operations = [
        migrations.AlterField(
            model_name="samlsettings",
            name="authn_context",
            field=models.CharField(
                blank=True,
                help_text="An AuthnContextClassRef that each AuthnRequest demands and each answer must contain exactly. An identity provider that does not support it refuses everybody. Empty: the identity provider decides, which MFA needs.",
                max_length=255,
                verbose_name="how people must prove their identity",
            ),
        ),
        migrations.AlterField(
            model_name="samlsettings",
            name="certificates",
            field=models.JSONField(
                help_text="Signing certificates of the identity provider, as PEM. We accept a signature by any of them."
            ),
        ),
        migrations.AlterField(
            model_name="samlsettings",
            name="external_id_attribute",
            field=models.CharField(
                blank=True,
                help_text="If the assertion contains the externalId that SCIM sends, enter its attribute: it is then the only mark beside the UID.",
                max_length=255,
                verbose_name="externalId attribute",
            ),
        ),
        migrations.AlterField(
            model_name="samlsettings",
            name="force_authn",
            field=models.BooleanField(
                default=False,
                help_text="People must sign in again at the identity provider each time, even with a session there, and the answer must confirm it.",
                verbose_name="the identity provider must ask people again at each sign-in",
            ),
        ),
        migrations.AlterField(
            model_name="samlsettings",
            name="idp_entity_id",
            field=models.CharField(max_length=1024, verbose_name="entity ID of the identity provider"),
        ),
        migrations.AlterField(
            model_name="samlsettings",
            name="idp_initiated",
            field=models.BooleanField(
                default=False,
                help_text="Okta's dashboard tile needs it. Such a sign-in does not answer a request from us, so it proves less: a stolen, unused one opens a session in any browser. A bookmark app in Okta with our sign-in page gives the same tile without this.",
                verbose_name="sign-ins may start at the identity provider",
            ),
        ),
        migrations.AlterField(
            model_name="samlsettings",
            name="metadata_url",
            field=models.CharField(
                blank=True,
                help_text="The address for `connection refresh-metadata`. Changes are pending until an administrator adopts them.",
                max_length=2000,
                verbose_name="address of the identity provider's metadata",
            ),
        ),
        migrations.AlterField(
            model_name="samlsettings",
            name="sign_metadata",
            field=models.BooleanField(
                default=False,
                help_text="For an identity provider that checks this. Okta and Entra do not.",
                verbose_name="we sign our metadata",
            ),
        ),
        migrations.AlterField(
            model_name="samlsettings",
            name="sign_requests",
            field=models.BooleanField(
                default=False,
                help_text="For an identity provider that checks them. Give it our certificate first. Otherwise it refuses everybody on its own page.",
                verbose_name="we sign our AuthnRequests",
            ),
        ),
        migrations.AlterField(
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
                help_text="Okta signs both. Entra, ADFS and Google sign the Assertion by default. Shibboleth and a Keycloak client created by hand sign the Response. Use the last choice only while an identity provider changes from one to the other.",
                max_length=9,
                verbose_name="what the identity provider must sign",
            ),
        ),
        migrations.AlterField(
            model_name="samlsettings",
            name="slo_answer_url",
            field=models.CharField(
                blank=True, max_length=2000, verbose_name="URL of the identity provider for logout answers"
            ),
        ),
        migrations.AlterField(
            model_name="samlsettings",
            name="slo_binding",
            field=models.CharField(
                choices=[("redirect", "Redirect"), ("post", "POST")],
                default="post",
                help_text="Okta certainly accepts POST. If the identity provider has no address for this one, we use the other.",
                max_length=8,
                verbose_name="binding of our logout messages",
            ),
        ),
        migrations.AlterField(
            model_name="samlsettings",
            name="slo_post_answer_url",
            field=models.CharField(
                blank=True, max_length=2000, verbose_name="URL of the identity provider for logout answers, by POST"
            ),
        ),
        migrations.AlterField(
            model_name="samlsettings",
            name="slo_post_url",
            field=models.CharField(
                blank=True, max_length=2000, verbose_name="single logout URL of the identity provider, by POST"
            ),
        ),
        migrations.AlterField(
            model_name="samlsettings",
            name="slo_url",
            field=models.CharField(
                blank=True, max_length=2000, verbose_name="single logout URL of the identity provider"
            ),
        ),
        migrations.AlterField(
            model_name="samlsettings",
            name="sso_binding",
            field=models.CharField(
                choices=[("redirect", "Redirect"), ("post", "POST")],
                default="redirect",
                help_text="Redirect or POST. If the identity provider has no address for this one, we use the other.",
                max_length=8,
                verbose_name="binding of our AuthnRequests",
            ),
        ),
        migrations.AlterField(
            model_name="samlsettings",
            name="sso_post_url",
            field=models.CharField(
                blank=True, max_length=2000, verbose_name="single sign-on URL of the identity provider, by POST"
            ),
        ),
        migrations.AlterField(
            model_name="samlsettings",
            name="sso_url",
            field=models.CharField(
                blank=True, max_length=2000, verbose_name="single sign-on URL of the identity provider"
            ),
        ),
        migrations.AlterField(
            model_name="samlsettings",
            name="want_encrypted",
            field=models.BooleanField(
                default=False,
                help_text="If we have a key, we always accept encrypted assertions; with this setting we refuse all others. Give our certificate to the identity provider first.",
                verbose_name="assertions must be encrypted",
            ),
        ),
        migrations.AlterField(
            model_name="signinrecord",
            name="idp_initiated",
            field=models.BooleanField(
                help_text="Unknown if it was not believed.", null=True, verbose_name="started at the identity provider"
            ),
        ),
        migrations.AlterField(
            model_name="signinstate",
            name="request_id",
            field=models.CharField(
                help_text="ID of our AuthnRequest; empty if the identity provider began.", max_length=64, null=True
            ),
        ),
    ]
