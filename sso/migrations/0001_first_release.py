"""All tables, constraints and indexes of sso in release 0.1."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("core_identity", "0001_first_release"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SignInRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_index=True, verbose_name="time")),
                ("connection_id", models.UUIDField(null=True)),
                ("connection_slug", models.CharField(blank=True, max_length=40, verbose_name="connection")),
                ("reference", models.CharField(blank=True, db_index=True, max_length=10)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("signed_in", "signed in"),
                            ("person_refused", "person refused"),
                            ("message_refused", "message refused"),
                            ("password_refused", "password refused"),
                            ("signed_out", "sign-out"),
                        ],
                        default="message_refused",
                        max_length=20,
                    ),
                ),
                (
                    "code",
                    models.CharField(
                        help_text="signed_in, or the code of the refusal.", max_length=40, verbose_name="outcome"
                    ),
                ),
                ("decision", models.CharField(max_length=300)),
                (
                    "idp_initiated",
                    models.BooleanField(
                        help_text="Unknown if it was not believed.",
                        null=True,
                        verbose_name="started at the identity provider",
                    ),
                ),
                ("identity_id", models.UUIDField(null=True)),
                ("user_id", models.UUIDField(null=True)),
                (
                    "arrived",
                    models.JSONField(
                        default=list, help_text="Only names, never values.", verbose_name="attributes that arrived"
                    ),
                ),
                ("missing", models.JSONField(default=list, verbose_name="attributes that are missing")),
                ("expected", models.CharField(blank=True, max_length=300)),
                ("received", models.CharField(blank=True, max_length=300)),
                ("checks", models.JSONField(default=list)),
                ("duration_ms", models.PositiveIntegerField(null=True, verbose_name="milliseconds")),
                (
                    "is_test",
                    models.BooleanField(
                        default=False, help_text="Changed nothing, and opened no session.", verbose_name="test sign-in"
                    ),
                ),
                ("name_id", models.CharField(blank=True, max_length=255, verbose_name="NameID")),
                ("uid", models.CharField(blank=True, max_length=255, verbose_name="UID")),
                ("email", models.CharField(blank=True, max_length=255)),
                (
                    "keys",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, editable=False, size=None
                    ),
                ),
            ],
            options={
                "verbose_name": "sign-in",
                "verbose_name_plural": "sign-in log",
                "ordering": ("-id",),
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(fields=["keys"], name="sign_in_by_key"),
                    django.contrib.postgres.indexes.GinIndex(
                        condition=models.Q(("kind", "person_refused")), fields=["keys"], name="sign_in_refused_by_key"
                    ),
                    models.Index(fields=["kind", "-id"], name="sign_in_by_kind"),
                    models.Index(fields=["connection_slug", "-id"], name="sign_in_by_connection"),
                    models.Index(condition=models.Q(("is_test", True)), fields=["-id"], name="sign_in_tests"),
                    models.Index(
                        condition=models.Q(models.Q(("code", "signed_in"), _negated=True), ("is_test", False)),
                        fields=["connection_slug", "-at"],
                        name="sign_in_refused",
                    ),
                    models.Index(
                        condition=models.Q(("code", "signature"), ("is_test", False)),
                        fields=["connection_slug", "-at"],
                        name="sign_in_unknown_certificate",
                    ),
                    models.Index(
                        condition=models.Q(("user_id__isnull", False)),
                        fields=["user_id", "-id"],
                        name="sign_in_by_user",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SamlSettings",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("idp_entity_id", models.CharField(max_length=1024, verbose_name="entity ID of the identity provider")),
                (
                    "sso_url",
                    models.CharField(
                        blank=True, max_length=2000, verbose_name="single sign-on URL of the identity provider"
                    ),
                ),
                (
                    "sso_post_url",
                    models.CharField(
                        blank=True, max_length=2000, verbose_name="single sign-on URL of the identity provider, by POST"
                    ),
                ),
                (
                    "sso_binding",
                    models.CharField(
                        choices=[("redirect", "Redirect"), ("post", "POST")],
                        default="redirect",
                        help_text="Redirect or POST. If the identity provider has no address for this one, we use the other.",
                        max_length=8,
                        verbose_name="binding of our AuthnRequests",
                    ),
                ),
                (
                    "slo_url",
                    models.CharField(
                        blank=True, max_length=2000, verbose_name="single logout URL of the identity provider"
                    ),
                ),
                (
                    "slo_answer_url",
                    models.CharField(
                        blank=True, max_length=2000, verbose_name="URL of the identity provider for logout answers"
                    ),
                ),
                (
                    "slo_post_url",
                    models.CharField(
                        blank=True, max_length=2000, verbose_name="single logout URL of the identity provider, by POST"
                    ),
                ),
                (
                    "slo_post_answer_url",
                    models.CharField(
                        blank=True,
                        max_length=2000,
                        verbose_name="URL of the identity provider for logout answers, by POST",
                    ),
                ),
                (
                    "slo_binding",
                    models.CharField(
                        choices=[("redirect", "Redirect"), ("post", "POST")],
                        default="post",
                        help_text="Okta certainly accepts POST. If the identity provider has no address for this one, we use the other.",
                        max_length=8,
                        verbose_name="binding of our logout messages",
                    ),
                ),
                (
                    "certificates",
                    models.JSONField(
                        help_text="Signing certificates of the identity provider, as PEM. We accept a signature by any of them."
                    ),
                ),
                (
                    "signed",
                    models.CharField(
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
                (
                    "want_encrypted",
                    models.BooleanField(
                        default=False,
                        help_text="If we have a key, we always accept encrypted assertions; with this setting we refuse all others. Give our certificate to the identity provider first.",
                        verbose_name="assertions must be encrypted",
                    ),
                ),
                (
                    "sign_requests",
                    models.BooleanField(
                        default=False,
                        help_text="For an identity provider that checks them. Give it our certificate first. Otherwise it refuses everybody on its own page.",
                        verbose_name="we sign our AuthnRequests",
                    ),
                ),
                (
                    "sign_metadata",
                    models.BooleanField(
                        default=False,
                        help_text="For an identity provider that checks this. Okta and Entra do not.",
                        verbose_name="we sign our metadata",
                    ),
                ),
                (
                    "force_authn",
                    models.BooleanField(
                        default=False,
                        help_text="People must sign in again at the identity provider each time, even with a session there, and the answer must confirm it.",
                        verbose_name="the identity provider must ask people again at each sign-in",
                    ),
                ),
                (
                    "authn_context",
                    models.CharField(
                        blank=True,
                        help_text="An AuthnContextClassRef that each AuthnRequest demands and each answer must contain exactly. An identity provider that does not support it refuses everybody. Empty: the identity provider decides, which MFA needs.",
                        max_length=255,
                        verbose_name="how people must prove their identity",
                    ),
                ),
                (
                    "name_id_format",
                    models.CharField(
                        default="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
                        help_text="The NameID should be the userName that SCIM sends, because it is a mark that identifies the person. Okta sends the format that is set in its app.",
                        max_length=255,
                        verbose_name="NameID format that we request",
                    ),
                ),
                (
                    "metadata_url",
                    models.CharField(
                        blank=True,
                        help_text="The address for `connection refresh-metadata`. Changes are pending until an administrator adopts them.",
                        max_length=2000,
                        verbose_name="address of the identity provider's metadata",
                    ),
                ),
                ("metadata_valid_until", models.DateTimeField(null=True, verbose_name="metadata is valid until")),
                (
                    "proposed",
                    models.JSONField(
                        help_text="Addresses and certificates from a refresh that nobody has adopted yet.", null=True
                    ),
                ),
                ("refreshed_at", models.DateTimeField(null=True, verbose_name="last refresh")),
                ("refresh_fault", models.TextField(blank=True, verbose_name="fault of the last refresh")),
                (
                    "clock_skew",
                    models.PositiveSmallIntegerField(
                        default=120,
                        help_text="0 to 300. An assertion may be early or late by this number of seconds.",
                        verbose_name="seconds that clocks may differ",
                    ),
                ),
                (
                    "email_domains",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="The sign-in page sends people with an address in a verified domain to this connection.",
                        verbose_name="email domains",
                    ),
                ),
                (
                    "idp_initiated",
                    models.BooleanField(
                        default=False,
                        help_text="Okta's dashboard tile needs it. Such a sign-in does not answer a request from us, so it proves less: a stolen, unused one opens a session in any browser. A bookmark app in Okta with our sign-in page gives the same tile without this.",
                        verbose_name="sign-ins may start at the identity provider",
                    ),
                ),
                ("first_name_attribute", models.CharField(default="FirstName", max_length=255)),
                ("last_name_attribute", models.CharField(default="LastName", max_length=255)),
                ("email_attribute", models.CharField(default="Email", max_length=255)),
                (
                    "title_attribute",
                    models.CharField(blank=True, default="Title", max_length=255, verbose_name="position attribute"),
                ),
                ("company_attribute", models.CharField(blank=True, default="Organization", max_length=255)),
                ("department_attribute", models.CharField(blank=True, default="Department", max_length=255)),
                ("groups_attribute", models.CharField(blank=True, default="Group", max_length=255)),
                (
                    "external_id_attribute",
                    models.CharField(
                        blank=True,
                        help_text="If the assertion contains the externalId that SCIM sends, enter its attribute: it is then the only mark beside the UID.",
                        max_length=255,
                        verbose_name="externalId attribute",
                    ),
                ),
                (
                    "connection",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="saml", to="core_identity.connection"
                    ),
                ),
            ],
            options={
                "verbose_name": "SAML settings",
                "verbose_name_plural": "SAML settings",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("signed__in", ["both", "assertion", "response", "either"])),
                        name="signed_is_known",
                    ),
                    models.CheckConstraint(condition=models.Q(("clock_skew__lte", 300)), name="clock_skew_bounded"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("sso_url", ""), _negated=True),
                            models.Q(("sso_post_url", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="somewhere_to_sign_in",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SignInState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "request_id",
                    models.CharField(
                        help_text="ID of our AuthnRequest; empty if the identity provider began.",
                        max_length=64,
                        null=True,
                    ),
                ),
                ("browser_hash", models.CharField(max_length=64)),
                (
                    "from_elsewhere",
                    models.BooleanField(default=False, help_text="A page of another site sent the browser to us."),
                ),
                ("next_path", models.CharField(blank=True, max_length=2000)),
                ("expires_at", models.DateTimeField(db_index=True)),
                ("used_at", models.DateTimeField(null=True)),
                ("ticket_hash", models.CharField(max_length=64, null=True)),
                ("session_until", models.DateTimeField(null=True)),
                ("name_id", models.CharField(blank=True, max_length=1024)),
                ("name_id_format", models.CharField(blank=True, max_length=255)),
                ("session_index", models.TextField(blank=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "tester_session",
                    models.CharField(blank=True, help_text="Hash of the session that began the test.", max_length=64),
                ),
                ("report", models.TextField(blank=True, help_text="The result of a test, encrypted by its ticket.")),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="core_identity.connection"
                    ),
                ),
                (
                    "identity",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="core_identity.identity",
                    ),
                ),
                (
                    "tester",
                    models.ForeignKey(
                        help_text="The administrator whose test sign-in it is. Set when it departs, and never changed.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("request_id",), name="sign_in_request_once"),
                    models.UniqueConstraint(fields=("ticket_hash",), name="sign_in_ticket_once"),
                    models.CheckConstraint(
                        condition=models.Q(("tester", None), ("identity", None), _connector="OR"),
                        name="a_test_opens_no_session",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SpKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("next", "next: announced, opens assertions, signs nothing yet"),
                            ("active", "active: announced, signs"),
                            ("old", "old: still opens assertions"),
                        ],
                        max_length=6,
                    ),
                ),
                ("certificate", models.TextField(help_text="PEM.")),
                ("sealed_key", models.TextField(help_text="The private key, encrypted.")),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="core_identity.connection"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("connection", "state"), name="one_key_in_each_state")],
            },
        ),
        migrations.CreateModel(
            name="SsoSession",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("session_key", models.CharField(max_length=40)),
                ("name_id", models.CharField(max_length=1024)),
                ("name_id_format", models.CharField(blank=True, max_length=255)),
                ("session_index", models.TextField(blank=True)),
                ("until", models.DateTimeField(db_index=True)),
                (
                    "connection",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="core_identity.connection",
                    ),
                ),
                (
                    "identity",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="core_identity.identity"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["connection", "name_id"], name="sso_session_by_name_id")],
                "constraints": [models.UniqueConstraint(fields=("session_key",), name="sso_session_once")],
            },
        ),
        migrations.CreateModel(
            name="UsedAssertion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("assertion_id", models.CharField(max_length=512)),
                (
                    "until",
                    models.DateTimeField(db_index=True, help_text="The message is refused by its age long before."),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="core_identity.connection",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("connection", "assertion_id"), name="assertion_used_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="VerifiedDomain",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("domain", models.CharField(help_text="As `normal_domain` makes it.", max_length=253)),
                ("verified_at", models.DateTimeField()),
                ("verified_by", models.CharField(max_length=300)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="core_identity.connection"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("domain", "connection"), name="domain_verified_once")],
            },
        ),
    ]
