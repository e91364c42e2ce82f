"""All tables, constraints and indexes of scim in release 0.1."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.utils.timezone
import oauth2_provider.generators
import oauth2_provider.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    # The toolkit's tables point at the client, so its table has to be there first.
    run_before = [("oauth2_provider", "0001_initial")]

    dependencies = [
        ("core_identity", "0001_first_release"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Payload",
            fields=[
                ("record_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(db_index=True)),
                ("path", models.CharField(blank=True, max_length=200)),
                ("query", models.TextField(blank=True)),
                ("sent", models.TextField(blank=True)),
                ("answered", models.TextField(blank=True)),
            ],
            options={
                "verbose_name": "payload of a provisioning request",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="OAuthClient",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "client_id",
                    models.CharField(
                        db_index=True,
                        default=oauth2_provider.generators.generate_client_id,
                        max_length=255,
                        unique=True,
                        verbose_name="client ID",
                    ),
                ),
                (
                    "redirect_uris",
                    models.TextField(
                        blank=True, help_text="Allowed URIs list, space separated", verbose_name="redirect URIs"
                    ),
                ),
                (
                    "post_logout_redirect_uris",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="Allowed Post Logout URIs list, space separated",
                        verbose_name="post logout redirect URIs",
                    ),
                ),
                (
                    "client_type",
                    models.CharField(
                        choices=[("confidential", "Confidential"), ("public", "Public")],
                        max_length=32,
                        verbose_name="client type",
                    ),
                ),
                (
                    "authorization_grant_type",
                    models.CharField(
                        choices=[
                            ("authorization-code", "Authorization code"),
                            ("urn:ietf:params:oauth:grant-type:device_code", "Device Code"),
                            ("implicit", "Implicit"),
                            ("password", "Resource owner password-based"),
                            ("client-credentials", "Client credentials"),
                            ("openid-hybrid", "OpenID connect hybrid"),
                        ],
                        max_length=44,
                        verbose_name="authorization grant type",
                    ),
                ),
                (
                    "client_secret",
                    oauth2_provider.models.ClientSecretField(
                        blank=True,
                        db_index=True,
                        default=oauth2_provider.generators.generate_client_secret,
                        help_text="Client secret for authentication",
                        max_length=255,
                        verbose_name="client secret",
                    ),
                ),
                ("hash_client_secret", models.BooleanField(default=True, verbose_name="hash client secret")),
                ("name", models.CharField(blank=True, max_length=255, verbose_name="name")),
                ("skip_authorization", models.BooleanField(default=False, verbose_name="skip authorization")),
                ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated", models.DateTimeField(auto_now=True, verbose_name="updated")),
                (
                    "algorithm",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "No OIDC support"),
                            ("RS256", "RSA with SHA-2 256"),
                            ("HS256", "HMAC with SHA-2 256"),
                        ],
                        default="",
                        max_length=5,
                        verbose_name="algorithm",
                    ),
                ),
                (
                    "allowed_origins",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="Allowed origins list to enable CORS, space separated",
                        verbose_name="allowed origins",
                    ),
                ),
                (
                    "registration_source",
                    models.CharField(
                        choices=[
                            ("manual", "Manual"),
                            ("dcr", "Dynamic Client Registration"),
                            ("cimd", "Client ID Metadata Document"),
                        ],
                        default="manual",
                        help_text="How this application was registered (manual, DCR per RFC 7591, or CIMD)",
                        max_length=32,
                        verbose_name="registration source",
                    ),
                ),
                (
                    "cimd_expires_at",
                    models.DateTimeField(
                        blank=True,
                        default=None,
                        help_text="When the cached Client ID Metadata Document should be re-fetched",
                        null=True,
                        verbose_name="CIMD expires at",
                    ),
                ),
                ("allows_authorization_code", models.BooleanField(default=True, verbose_name="authorization code")),
                ("allows_client_credentials", models.BooleanField(default=True, verbose_name="client credentials")),
                (
                    "last_used_at",
                    models.DateTimeField(editable=False, null=True, verbose_name="last request with one of its tokens"),
                ),
                ("consented_at", models.DateTimeField(editable=False, null=True)),
                (
                    "consented_as",
                    models.CharField(blank=True, editable=False, max_length=300, verbose_name="consent given by"),
                ),
                (
                    "connection",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="oauth_client",
                        to="core_identity.connection",
                    ),
                ),
                (
                    "consented_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="%(app_label)s_%(class)s",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "OAuth client",
            },
        ),
        migrations.CreateModel(
            name="ClientSecret",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("secret_hash", models.CharField(max_length=255)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("ends_at", models.DateTimeField(null=True)),
                ("last_used_at", models.DateTimeField(null=True)),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="secrets",
                        to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("-created_at", "-id"),
            },
        ),
        migrations.CreateModel(
            name="ProvisioningRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_index=True, verbose_name="time")),
                ("connection_id", models.UUIDField(null=True)),
                ("connection_slug", models.CharField(blank=True, max_length=40, verbose_name="connection")),
                (
                    "method",
                    models.CharField(
                        choices=[
                            ("GET", "GET"),
                            ("POST", "POST"),
                            ("PUT", "PUT"),
                            ("PATCH", "PATCH"),
                            ("DELETE", "DELETE"),
                            ("other", "another"),
                        ],
                        max_length=6,
                    ),
                ),
                ("resource_type", models.CharField(blank=True, max_length=30)),
                ("resource_id", models.UUIDField(null=True)),
                ("status", models.PositiveSmallIntegerField()),
                ("scim_type", models.CharField(blank=True, max_length=30, verbose_name="scimType")),
                ("decision", models.CharField(blank=True, max_length=300)),
                ("reference", models.CharField(blank=True, max_length=10)),
                ("duration_ms", models.PositiveIntegerField(verbose_name="duration in ms")),
                ("cause", models.CharField(blank=True, max_length=30)),
                ("sentence", models.CharField(blank=True, max_length=1024, verbose_name="answer to the client")),
                (
                    "keys",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, editable=False, size=None
                    ),
                ),
            ],
            options={
                "verbose_name": "provisioning request",
                "verbose_name_plural": "provisioning log",
                "ordering": ("-id",),
                "indexes": [
                    models.Index(fields=["reference"], name="provisioning_by_reference"),
                    django.contrib.postgres.indexes.GinIndex(fields=["keys"], name="provisioning_by_key"),
                    django.contrib.postgres.indexes.GinIndex(
                        condition=models.Q(("status__gte", 400)), fields=["keys"], name="provisioning_refusal_by_key"
                    ),
                    models.Index(fields=["connection_slug", "-id"], name="provisioning_by_connection"),
                    models.Index(
                        condition=models.Q(("resource_id__isnull", False)),
                        fields=["resource_id", "-id"],
                        name="provisioning_by_resource",
                    ),
                    models.Index(condition=models.Q(("status__gte", 400)), fields=["-id"], name="provisioning_failed"),
                ],
            },
        ),
        migrations.CreateModel(
            name="UsedCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code_hash", models.CharField(max_length=64, unique=True)),
                ("token_family", models.UUIDField()),
                ("used_at", models.DateTimeField()),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="BearerToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("token_hash", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("expires_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("last_used_at", models.DateTimeField(null=True)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="core_identity.connection"
                    ),
                ),
            ],
            options={
                "ordering": ("-created_at", "-id"),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("revoked_at", None)),
                        fields=("connection", "name"),
                        name="bearer_token_has_a_name_of_its_own",
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="oauthclient",
            constraint=models.CheckConstraint(
                condition=models.Q(("client_type", "confidential"), ("hash_client_secret", True)),
                name="oauth_client_is_confidential",
            ),
        ),
        migrations.AddConstraint(
            model_name="oauthclient",
            constraint=models.CheckConstraint(
                condition=models.Q(("user__isnull", True)), name="oauth_client_acts_for_nobody"
            ),
        ),
        migrations.AddConstraint(
            model_name="oauthclient",
            constraint=models.CheckConstraint(
                condition=models.Q(("skip_authorization", False)), name="oauth_client_asks_for_consent"
            ),
        ),
    ]
