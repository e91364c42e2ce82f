"""All tables, constraints, indexes and triggers of core_identity in release 0.1."""

import uuid

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

from core_identity.migrations import _append_only_events, _counted_resources, _drift, _names_of_roles
from core_identity.support_contact import WebAddress


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="Budget",
            fields=[
                ("key", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("minute", models.BigIntegerField()),
                ("spent", models.PositiveIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="ErasedNames",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_index=True)),
                ("connections", django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None)),
                ("ids", django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None)),
                ("keys", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Connection",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "slug",
                    models.CharField(
                        help_text="Part of every URL of this connection; it cannot be changed once the identity provider knows it.",
                        max_length=40,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[a-z0-9-]{1,40}\\Z", "Use 1 to 40 of a-z, 0-9 and -."
                            )
                        ],
                    ),
                ),
                ("name", models.CharField(max_length=255)),
                ("enabled", models.BooleanField(default=True)),
                (
                    "uid_attribute",
                    models.CharField(
                        default="UID",
                        help_text="Name of the SAML attribute, and of the SCIM attribute in the enterprise extension, that contains the UID.",
                        max_length=100,
                        verbose_name="UID attribute",
                    ),
                ),
                (
                    "uid_rule",
                    models.CharField(
                        choices=[
                            ("name", "firstName.lastName"),
                            ("email", "email address"),
                            ("other", "another stable, unique value"),
                        ],
                        default="name",
                        max_length=10,
                        verbose_name="UID rule",
                    ),
                ),
                (
                    "uid_mark",
                    models.CharField(
                        choices=[
                            ("required", "required"),
                            ("waived", "waived: nobody can edit the UID at the identity provider"),
                        ],
                        default="required",
                        help_text="A mark is the second fact that must agree before a sign-in opens an account: the externalId, a NameID or an email address.",
                        max_length=10,
                        verbose_name="mark beside the UID",
                    ),
                ),
                (
                    "external_id_may_change",
                    models.BooleanField(
                        default=False,
                        help_text="For the UID rule 'other' only: the identity provider may change a person's externalId if UID and userName stay.",
                        verbose_name="externalId may change",
                    ),
                ),
                (
                    "uid_required_in_scim",
                    models.BooleanField(
                        default=False,
                        help_text="Otherwise the userName is the UID if none is sent.",
                        verbose_name="SCIM must send the UID",
                    ),
                ),
                (
                    "sso_creates_users",
                    models.BooleanField(
                        default=True,
                        help_text="Whether the first sign-in of an unknown person creates a user.",
                        verbose_name="SSO creates users",
                    ),
                ),
                (
                    "own_idp",
                    models.BooleanField(
                        default=False,
                        help_text="Only a sign-in through such a connection gives staff rights.",
                        verbose_name="our own identity provider",
                    ),
                ),
                (
                    "roles_from",
                    models.CharField(
                        choices=[
                            ("push_groups", "push groups (SCIM)"),
                            ("sso_groups", "groups in the assertion (SSO)"),
                            ("both", "both"),
                        ],
                        default="push_groups",
                        max_length=12,
                    ),
                ),
                (
                    "overage_days",
                    models.PositiveSmallIntegerField(
                        default=30,
                        help_text="Entra does not list the groups of a person with more than 150. The roles from sign-ins then stay for this number of days after the last full list, 30 at most. 0: they end at once.",
                        validators=[django.core.validators.MaxValueValidator(30)],
                        verbose_name="days without a list of groups",
                    ),
                ),
                (
                    "unknown_group",
                    models.CharField(
                        choices=[("wait", "accept it and let it wait"), ("refuse", "refuse it with an error")],
                        default="wait",
                        max_length=10,
                    ),
                ),
                (
                    "reactivation",
                    models.CharField(
                        choices=[
                            ("keep_expired", "nothing: an administrator decides"),
                            ("unexpire_own", "unexpires users that this connection expired, if nothing else changed"),
                        ],
                        default="keep_expired",
                        max_length=20,
                    ),
                ),
                (
                    "rekey_until",
                    models.DateTimeField(
                        blank=True,
                        editable=False,
                        help_text="Until then, a message that agrees in two of UID, externalId and userName may change the third.",
                        null=True,
                        verbose_name="re-key until",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ("slug",),
            },
        ),
        migrations.CreateModel(
            name="Customer",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=255)),
                ("name_key", models.CharField(editable=False, max_length=255, unique=True)),
                (
                    "support_name",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="For example: Acme IT help desk.",
                        max_length=100,
                    ),
                ),
                ("support_email", models.EmailField(blank=True, db_default="", default="", max_length=254)),
                (
                    "support_phone",
                    models.CharField(
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
                (
                    "support_url",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="For example: https://help.acme.com.",
                        max_length=500,
                        validators=[WebAddress()],
                        verbose_name="support web page",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ("name_key",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("support_url", ""), ("support_url__regex", "^https?://"), _connector="OR"),
                        name="customer_support_url_is_a_web_page",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("username", models.CharField(help_text="Set once; no channel changes it.", max_length=300)),
                ("username_key", models.CharField(editable=False, max_length=300, unique=True)),
                ("email", models.CharField(blank=True, help_text="Only an administrator changes it.", max_length=255)),
                ("email_key", models.CharField(blank=True, editable=False, max_length=255)),
                (
                    "email_shared",
                    models.BooleanField(
                        default=False,
                        help_text="Another user of the customer may have the same address; an administrator permitted it.",
                    ),
                ),
                ("first_name", models.CharField(blank=True, max_length=1024)),
                ("last_name", models.CharField(blank=True, max_length=1024)),
                ("title", models.CharField(blank=True, max_length=1024, verbose_name="position")),
                ("company", models.CharField(blank=True, max_length=1024)),
                ("department", models.CharField(blank=True, max_length=1024)),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False, help_text="May open this administration site.", verbose_name="staff"
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "erased_at",
                    models.DateTimeField(
                        blank=True, editable=False, help_text="When the values were blanked permanently.", null=True
                    ),
                ),
                (
                    "session_epoch",
                    models.PositiveIntegerField(
                        db_default=0,
                        default=0,
                        editable=False,
                        help_text="A session ends when this number grows, whether it began with a password or by SSO.",
                    ),
                ),
                ("expired_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("expired_by", models.CharField(blank=True, editable=False, max_length=300)),
                (
                    "expired_channel",
                    models.CharField(
                        blank=True,
                        choices=[("sso", "sso"), ("scim", "scim"), ("admin", "admin")],
                        editable=False,
                        max_length=10,
                    ),
                ),
                ("expired_reason", models.CharField(blank=True, editable=False, max_length=1024)),
                (
                    "expired_snapshot",
                    models.JSONField(
                        blank=True,
                        default=list,
                        editable=False,
                        help_text="The values from each identity provider on the day of expiry, for comparison before unexpiring.",
                    ),
                ),
                (
                    "is_active",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.ExpressionWrapper(
                            models.Q(("expired_at__isnull", True)), output_field=models.BooleanField()
                        ),
                        output_field=models.BooleanField(),
                    ),
                ),
                (
                    "merged_into",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        editable=False,
                        help_text="This user was merged into that one; only the history remains here.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tombstones",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "expired_connection",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="core_identity.connection",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty for people who belong to no customer.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="users",
                        to="core_identity.customer",
                    ),
                ),
            ],
            options={
                "ordering": ("username_key",),
            },
        ),
        migrations.AddField(
            model_name="connection",
            name="customer",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="connections", to="core_identity.customer"
            ),
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("at", models.DateTimeField(db_index=True)),
                ("kind", models.CharField(max_length=60)),
                ("channel", models.CharField(max_length=10)),
                ("actor_kind", models.CharField(max_length=20)),
                ("actor_id", models.CharField(blank=True, max_length=100)),
                ("actor", models.CharField(max_length=300)),
                ("connection_id", models.UUIDField(blank=True, null=True)),
                ("connection_slug", models.CharField(blank=True, max_length=40, verbose_name="connection")),
                ("subject_type", models.CharField(max_length=40)),
                ("subject_id", models.UUIDField(blank=True, null=True)),
                ("subject", models.CharField(blank=True, max_length=300)),
                ("user_id", models.UUIDField(blank=True, help_text="The user whose history contains it.", null=True)),
                ("changes", models.JSONField(default=dict)),
                ("reason", models.CharField(blank=True, max_length=1024)),
                ("request_id", models.CharField(blank=True, max_length=64, verbose_name="reference")),
            ],
            options={
                "ordering": ("-id",),
                "indexes": [
                    models.Index(fields=["request_id"], name="event_by_request"),
                    models.Index(fields=["user_id", "-id"], name="event_by_user"),
                    models.Index(fields=["subject_id", "-id"], name="event_by_subject"),
                    models.Index(fields=["connection_id", "-id"], name="event_by_connection"),
                    models.Index(fields=["channel", "-id"], name="event_by_channel"),
                    models.Index(
                        condition=models.Q(
                            (
                                "kind__in",
                                (
                                    "user.expired",
                                    "user.expiry_taken_over",
                                    "user.unexpired",
                                    "user.reactivation_requested",
                                    "identity.split_off",
                                ),
                            )
                        ),
                        fields=["-id"],
                        name="event_about_expiry",
                    ),
                    models.Index(
                        condition=models.Q(("kind", "user.signed_in")), fields=["-id"], name="event_about_sign_ins"
                    ),
                    models.Index(
                        condition=models.Q(
                            ("kind__startswith", "role."), ("kind__startswith", "grant."), _connector="OR"
                        ),
                        fields=["-id"],
                        name="event_about_roles",
                    ),
                    models.Index(
                        condition=models.Q(("kind__startswith", "group.")),
                        fields=["-id"],
                        name="event_about_push_groups",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("subject_type__in", ("connection", "customer")),
                            models.Q(("kind__in", ("scim.refused", "sso.refused")), _negated=True),
                        ),
                        fields=["-id"],
                        name="event_about_connections",
                    ),
                    models.Index(
                        condition=models.Q(("kind__in", ("scim.refused", "sso.refused"))),
                        fields=["-id"],
                        name="event_about_refused",
                    ),
                    models.Index(
                        models.F("connection_id"),
                        models.F("kind"),
                        models.Func(
                            models.F("id"), output_field=models.BigIntegerField(), template="(-%(expressions)s)"
                        ),
                        condition=models.Q(("kind__in", ("user.signed_in", "connection.test_passed"))),
                        name="event_by_sign_in",
                    ),
                    models.Index(
                        condition=models.Q(("kind__in", ("role.deleted", "group.deleted"))),
                        fields=["subject_id"],
                        name="event_deleted",
                    ),
                    models.Index(
                        condition=models.Q(("kind", "password.alarm")), fields=["at"], name="event_password_alarm"
                    ),
                    models.Index(
                        condition=models.Q(
                            ("kind__in", ("scim.refused", "sso.refused", "push.rest_dropped", "connection.succeeded"))
                        ),
                        fields=["connection_id", "at"],
                        name="event_quoting",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("actor_kind__in", ("admin", "sign_in")), models.Q(("actor_id", ""), _negated=True)
                        ),
                        fields=["actor_id"],
                        name="event_by_administrator",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("actor_kind", "setup_link"), ("kind", "oauth_client.consenter_expired"), _connector="OR"
                        ),
                        fields=["-id"],
                        name="event_naming_administrator",
                    ),
                    models.Index(
                        condition=models.Q(("kind__in", ("scim.refused", "sso.refused"))),
                        fields=["at"],
                        name="event_refused_lately",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("actor__regex", "\\S"),
                            ("actor_kind__in", ["admin", "scim_client", "sign_in", "setup_link", "system"]),
                        ),
                        name="event_has_an_actor",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("channel__in", ["sso", "scim", "admin"])), name="event_has_a_channel"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Identity",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("scim_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="SCIM id")),
                ("user_name", models.CharField(blank=True, max_length=255, verbose_name="userName")),
                (
                    "user_name_key",
                    models.CharField(
                        blank=True,
                        editable=False,
                        help_text="Empty after the name was given up.",
                        max_length=255,
                        null=True,
                    ),
                ),
                ("external_id", models.CharField(blank=True, max_length=255, null=True, verbose_name="externalId")),
                ("active", models.BooleanField(default=True, help_text="The value from the identity provider.")),
                ("given_name", models.CharField(blank=True, max_length=1024)),
                ("family_name", models.CharField(blank=True, max_length=1024)),
                ("email", models.CharField(blank=True, max_length=255)),
                ("email_key", models.CharField(blank=True, editable=False, max_length=255)),
                ("title", models.CharField(blank=True, max_length=1024)),
                ("organization", models.CharField(blank=True, max_length=1024)),
                ("department", models.CharField(blank=True, max_length=1024)),
                (
                    "attributes",
                    models.JSONField(blank=True, default=dict, help_text="Other SCIM attributes, kept as sent."),
                ),
                (
                    "drift_uid",
                    models.CharField(
                        blank=True,
                        help_text="The last UID from the identity provider that was not accepted (drift).",
                        max_length=255,
                        verbose_name="UID not applied",
                    ),
                ),
                (
                    "uid_needs_decision",
                    models.BooleanField(
                        default=False,
                        editable=False,
                        help_text="Only an administrator may accept a new UID, because it arrived while the person was inactive, or after this connection unexpired them.",
                    ),
                ),
                ("name_id", models.CharField(blank=True, max_length=255, verbose_name="last NameID")),
                ("name_id_key", models.CharField(blank=True, editable=False, max_length=255)),
                (
                    "pushed_at",
                    models.DateTimeField(
                        blank=True, help_text="First push by SCIM; empty: came by SSO only.", null=True
                    ),
                ),
                (
                    "offered_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="An administrator offers this user to the connection; the first push or sign-in with this userName claims the user.",
                        null=True,
                    ),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When SCIM deleted the resource.", null=True),
                ),
                ("signed_in_at", models.DateTimeField(blank=True, null=True)),
                (
                    "unmapped_groups",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        editable=False,
                        help_text="Groups of the last sign-in that gave no role, each with the time when it was first seen.",
                    ),
                ),
                (
                    "groups_absent_since",
                    models.DateTimeField(
                        blank=True,
                        editable=False,
                        help_text="Since when sign-ins contain no attribute for groups.",
                        null=True,
                    ),
                ),
                (
                    "groups_unlisted_since",
                    models.DateTimeField(
                        blank=True,
                        editable=False,
                        help_text="Since when the identity provider does not list the groups.",
                        null=True,
                    ),
                ),
                (
                    "groups_listed_at",
                    models.DateTimeField(
                        blank=True,
                        editable=False,
                        help_text="The last full list before that; empty if there was none.",
                        null=True,
                    ),
                ),
                (
                    "reactivation_requested_at",
                    models.DateTimeField(
                        blank=True, help_text="The identity provider lists an expired user as active again.", null=True
                    ),
                ),
                (
                    "session_epoch",
                    models.PositiveIntegerField(
                        default=0,
                        editable=False,
                        help_text="Increases when sessions must end; a session of an older epoch has ended.",
                    ),
                ),
                ("version", models.PositiveBigIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("changed_at", models.DateTimeField(auto_now_add=True)),
                (
                    "connection",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="identities",
                        to="core_identity.connection",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="identities",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "identities",
                "ordering": ("created_at", "id"),
            },
        ),
        migrations.CreateModel(
            name="DriftingIdentity",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "fields",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=20), size=None),
                ),
                ("since", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
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
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="drifting",
                        to="core_identity.identity",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Conflict",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "cause",
                    models.CharField(
                        choices=[
                            ("uid", "uid"),
                            ("external_id", "external_id"),
                            ("user_name", "user_name"),
                            ("email", "email"),
                            ("no_mark", "no_mark"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "cause_key",
                    models.CharField(editable=False, help_text="Digest that identifies the cause.", max_length=64),
                ),
                (
                    "channel",
                    models.CharField(choices=[("sso", "sso"), ("scim", "scim"), ("admin", "admin")], max_length=10),
                ),
                ("sent_values", models.JSONField(default=dict)),
                ("uid_key", models.CharField(blank=True, editable=False, max_length=255)),
                ("external_id", models.CharField(blank=True, max_length=255, verbose_name="externalId")),
                (
                    "value_key",
                    models.CharField(
                        blank=True, editable=False, help_text="The name or email in doubt.", max_length=600
                    ),
                ),
                (
                    "message",
                    models.CharField(help_text="The answer to the identity provider or the person.", max_length=1024),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "open"),
                            ("same_person", "the same person"),
                            ("different_people", "different people"),
                            ("dismissed", "dismissed: messages are still refused, and only counted"),
                            ("gone", "closed by itself"),
                        ],
                        default="open",
                        max_length=20,
                    ),
                ),
                (
                    "let_through",
                    models.BooleanField(
                        default=False, editable=False, help_text="The next message with these keys counts as confirmed."
                    ),
                ),
                ("count", models.PositiveIntegerField(default=1, verbose_name="times received")),
                ("first_at", models.DateTimeField(verbose_name="first received")),
                ("last_at", models.DateTimeField(verbose_name="last received")),
                ("reference", models.CharField(blank=True, max_length=64, verbose_name="last reference")),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                ("resolved_by", models.CharField(blank=True, max_length=300)),
                ("reason", models.CharField(blank=True, max_length=1024)),
                (
                    "other",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="conflicts",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="conflicts",
                        to="core_identity.connection",
                    ),
                ),
                (
                    "other_identity",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="core_identity.identity",
                    ),
                ),
                (
                    "subject",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="core_identity.identity",
                    ),
                ),
            ],
            options={
                "ordering": ("-last_at", "id"),
            },
        ),
        migrations.CreateModel(
            name="IdentityUid",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("uid", models.CharField(max_length=255, verbose_name="UID")),
                ("uid_key", models.CharField(editable=False, max_length=255)),
                ("current", models.BooleanField(default=True)),
                (
                    "derived",
                    models.BooleanField(default=False, help_text="The userName, used because no UID was sent."),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
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
                        on_delete=django.db.models.deletion.PROTECT, related_name="uids", to="core_identity.identity"
                    ),
                ),
            ],
            options={
                "verbose_name": "UID",
                "verbose_name_plural": "UIDs",
                "ordering": ("-current", "-created_at"),
            },
        ),
        migrations.CreateModel(
            name="LoggedHour",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("log", models.CharField(max_length=20)),
                ("hour", models.DateTimeField(help_text="Its beginning, a full hour of UTC.")),
                ("total", models.PositiveIntegerField()),
                ("bad", models.PositiveIntegerField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("log", "hour"), name="logged_hour_once")],
            },
        ),
        migrations.CreateModel(
            name="PushGroup",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("scim_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="SCIM id")),
                ("display_name", models.CharField(max_length=255)),
                ("name_key", models.CharField(editable=False, max_length=255)),
                ("external_id", models.CharField(blank=True, max_length=255, verbose_name="externalId")),
                ("version", models.PositiveBigIntegerField(default=1, editable=False)),
                (
                    "member_count",
                    models.PositiveIntegerField(
                        default=0,
                        editable=False,
                        help_text="Members after the last message. A merge or an erasure does not change it, so it only decides how an answer looks.",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("changed_at", models.DateTimeField(auto_now_add=True)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="push_groups",
                        to="core_identity.connection",
                    ),
                ),
            ],
            options={
                "ordering": ("created_at", "id"),
            },
        ),
        migrations.CreateModel(
            name="ExpectedMember",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("scim_id", models.UUIDField(verbose_name="SCIM id")),
                (
                    "group",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="expected",
                        to="core_identity.pushgroup",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PushGroupMember",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "group",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="core_identity.pushgroup",
                    ),
                ),
                (
                    "identity",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="memberships",
                        to="core_identity.identity",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ResourceBlock",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("connection_id", models.UUIDField()),
                ("created_at", models.DateTimeField()),
                ("identity_id", models.UUIDField()),
                ("people", models.IntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("connection_id", "created_at", "identity_id"), name="resource_block_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ResourceChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("connection_id", models.UUIDField()),
                ("created_at", models.DateTimeField()),
                ("identity_id", models.UUIDField()),
                ("people", models.SmallIntegerField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["connection_id", "created_at", "identity_id"], name="resource_change_by_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="Role",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=255)),
                ("name_key", models.CharField(editable=False, max_length=255, unique=True)),
                ("description", models.TextField(blank=True)),
                (
                    "marked_protected",
                    models.BooleanField(
                        default=False,
                        help_text="No channel can give a protected role. A role that may change people, connections, roles or the administration is always protected, marked or not.",
                        verbose_name="protected",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "grantable_by",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Connections whose groups with this name give the role.",
                        related_name="grantable_roles",
                        to="core_identity.connection",
                    ),
                ),
                ("permissions", models.ManyToManyField(blank=True, to="auth.permission")),
            ],
            options={
                "ordering": ("name_key",),
            },
        ),
        migrations.AddField(
            model_name="pushgroup",
            name="role",
            field=models.ForeignKey(
                blank=True,
                help_text="The role that its members get; empty: waiting.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="push_groups",
                to="core_identity.role",
            ),
        ),
        migrations.CreateModel(
            name="Grant",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "channel",
                    models.CharField(choices=[("sso", "sso"), ("scim", "scim"), ("admin", "admin")], max_length=10),
                ),
                ("key", models.CharField(blank=True, max_length=255)),
                ("label", models.CharField(blank=True, max_length=255)),
                ("given_by", models.CharField(blank=True, db_default="", max_length=300)),
                ("reason", models.CharField(blank=True, db_default="", max_length=1024)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "connection",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="core_identity.connection",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="grants",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "role",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="grants", to="core_identity.role"
                    ),
                ),
            ],
            options={
                "ordering": ("created_at", "id"),
            },
        ),
        migrations.CreateModel(
            name="RoleAlias",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=255)),
                ("name_key", models.CharField(editable=False, max_length=255, unique=True)),
                (
                    "role",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="aliases", to="core_identity.role"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "role aliases",
                "ordering": ("name_key",),
            },
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "session_key",
                    models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name="session key"),
                ),
                ("session_data", models.TextField(verbose_name="session data")),
                ("expire_date", models.DateTimeField(db_index=True, verbose_name="expire date")),
                ("user_id", models.UUIDField(editable=False, null=True)),
                ("identity_id", models.UUIDField(editable=False, null=True)),
                (
                    "began_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
            ],
            options={
                "permissions": (("end_session", "Can end the sessions of a user"),),
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(("user_id__isnull", False)), fields=["user_id"], name="session_by_user"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SetupLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("secret_hash", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("expires_at", models.DateTimeField()),
                ("opened_at", models.DateTimeField(help_text="When a browser opened it last.", null=True)),
                ("openings", models.PositiveIntegerField(db_default=0)),
                ("browser_hash", models.CharField(blank=True, db_default="", db_index=True, max_length=64)),
                ("seen_at", models.DateTimeField(help_text="When its browser was here last.", null=True)),
                ("consented_at", models.DateTimeField(null=True)),
                (
                    "finished_at",
                    models.DateTimeField(help_text="When the customer reported that they have finished.", null=True),
                ),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="core_identity.connection"
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="SetupProposal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=30)),
                ("payload", models.TextField(blank=True)),
                ("proposed_by", models.CharField(max_length=300)),
                ("proposed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("decided_at", models.DateTimeField(null=True)),
                ("accepted", models.BooleanField(null=True)),
                ("used_at", models.DateTimeField(null=True)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="core_identity.connection"
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="Burst",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "began_at",
                    models.DateTimeField(
                        help_text="The first deactivation of the hour in which the burst was noticed."
                    ),
                ),
                ("last_at", models.DateTimeField()),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bursts",
                        to="core_identity.connection",
                    ),
                ),
            ],
            options={
                "ordering": ("-began_at",),
                "indexes": [models.Index(fields=["connection", "-last_at"], name="burst_by_connection")],
            },
        ),
        migrations.AddConstraint(
            model_name="connection",
            constraint=models.CheckConstraint(
                condition=models.Q(("slug__regex", "^[a-z0-9-]{1,40}$")), name="connection_slug_form"
            ),
        ),
        migrations.AddConstraint(
            model_name="connection",
            constraint=models.CheckConstraint(
                condition=models.Q(("overage_days__lte", 30)), name="connection_overage_days_bounded"
            ),
        ),
        migrations.AddConstraint(
            model_name="connection",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("uid_mark", "waived"), _negated=True), ("uid_rule", "other"), _connector="OR"
                ),
                name="connection_mark_waived_for_other_only",
            ),
        ),
        migrations.AddConstraint(
            model_name="connection",
            constraint=models.CheckConstraint(
                condition=models.Q(("external_id_may_change", False), ("uid_rule", "other"), _connector="OR"),
                name="connection_external_id_may_change_for_other_only",
            ),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(fields=["email_key"], name="user_by_email"),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(
                django.db.models.functions.comparison.Collate(
                    django.db.models.functions.text.Lower(
                        django.db.models.functions.text.Left(
                            models.Func("last_name", arg_joiner=" || ", template="(%(expressions)s)"), 100
                        )
                    ),
                    "C",
                ),
                name="user_by_last_name",
            ),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(
                django.db.models.functions.comparison.Collate(
                    django.db.models.functions.text.Lower(
                        django.db.models.functions.text.Left(
                            models.Func(
                                "first_name",
                                models.Value(" "),
                                "last_name",
                                arg_joiner=" || ",
                                template="(%(expressions)s)",
                            ),
                            100,
                        )
                    ),
                    "C",
                ),
                name="user_by_full_name",
            ),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(
                condition=models.Q(("merged_into__isnull", False)), fields=["merged_into"], name="user_merged"
            ),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(
                condition=models.Q(("expired_at__isnull", False)), fields=["username_key"], name="user_expired"
            ),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(condition=models.Q(("is_staff", True)), fields=["username_key"], name="user_staff"),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(
                condition=models.Q(("expired_connection__isnull", False)),
                fields=["expired_connection", "expired_at"],
                name="user_by_expiry",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    models.Q(("email_key", ""), _negated=True),
                    ("customer__isnull", False),
                    ("email_shared", False),
                    ("merged_into__isnull", True),
                ),
                fields=("customer", "email_key"),
                name="user_email_once_per_customer",
            ),
        ),
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(
                condition=models.Q(
                    ("deleted_at__isnull", True),
                    models.Q(("pushed_at__isnull", False), ("offered_at__isnull", False), _connector="OR"),
                ),
                fields=["connection", "created_at", "id"],
                name="identity_by_page",
            ),
        ),
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(fields=["connection", "changed_at"], name="identity_by_change"),
        ),
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(
                condition=models.Q(("active", False), ("deleted_at__isnull", False), _connector="OR"),
                fields=["user"],
                name="identity_not_live",
            ),
        ),
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(
                condition=models.Q(("active", True), ("deleted_at__isnull", True)),
                fields=["connection"],
                name="identity_active",
            ),
        ),
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(fields=["email_key", "connection"], name="identity_by_email"),
        ),
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(
                condition=models.Q(("name_id_key", ""), _negated=True),
                fields=["connection", "name_id_key"],
                name="identity_by_name_id",
            ),
        ),
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(
                condition=models.Q(("reactivation_requested_at__isnull", False)),
                fields=["user"],
                name="identity_reactivation",
            ),
        ),
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(
                condition=models.Q(("groups_unlisted_since__isnull", False)),
                fields=["connection"],
                name="identity_groups_unlisted",
            ),
        ),
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(
                condition=models.Q(("unmapped_groups", {}), _negated=True),
                fields=["connection", "id"],
                name="identity_groups_unmapped",
            ),
        ),
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", True), ("pushed_at__isnull", True)),
                fields=["connection", "-created_at", "id"],
                name="identity_by_sign_in_only",
            ),
        ),
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(
                condition=models.Q(("attributes__emails__1__isnull", False)),
                fields=["connection"],
                name="identity_more_emails",
            ),
        ),
        migrations.AddConstraint(
            model_name="identity",
            constraint=models.UniqueConstraint(fields=("connection", "user_name_key"), name="identity_user_name_once"),
        ),
        migrations.AddConstraint(
            model_name="identity",
            constraint=models.UniqueConstraint(fields=("connection", "external_id"), name="identity_external_id_once"),
        ),
        migrations.AddConstraint(
            model_name="identity",
            constraint=models.UniqueConstraint(fields=("connection", "user"), name="identity_user_once_per_connection"),
        ),
        migrations.AddIndex(
            model_name="driftingidentity",
            index=models.Index(fields=["connection", "id"], name="drifting_by_connection"),
        ),
        migrations.AddIndex(
            model_name="conflict",
            index=models.Index(
                condition=models.Q(("state", "open"), ("let_through", True), _connector="OR"),
                fields=["connection"],
                name="conflict_open",
            ),
        ),
        migrations.AddIndex(
            model_name="conflict",
            index=models.Index(fields=["connection", "uid_key", "external_id"], name="conflict_by_keys"),
        ),
        migrations.AddConstraint(
            model_name="conflict",
            constraint=models.UniqueConstraint(fields=("connection", "cause_key"), name="conflict_once_per_cause"),
        ),
        migrations.AddConstraint(
            model_name="identityuid",
            constraint=models.UniqueConstraint(fields=("connection", "uid_key"), name="uid_once_per_connection"),
        ),
        migrations.AddConstraint(
            model_name="identityuid",
            constraint=models.UniqueConstraint(
                condition=models.Q(("current", True)), fields=("identity",), name="uid_one_current"
            ),
        ),
        migrations.AddIndex(
            model_name="expectedmember",
            index=models.Index(fields=["scim_id"], name="expected_member_by_id"),
        ),
        migrations.AddConstraint(
            model_name="expectedmember",
            constraint=models.UniqueConstraint(fields=("group", "scim_id"), name="expected_member_once"),
        ),
        migrations.AddConstraint(
            model_name="pushgroupmember",
            constraint=models.UniqueConstraint(fields=("group", "identity"), name="push_group_member_once"),
        ),
        migrations.AddIndex(
            model_name="pushgroup",
            index=models.Index(fields=["connection", "created_at", "id"], name="push_group_by_page"),
        ),
        migrations.AddIndex(
            model_name="pushgroup",
            index=models.Index(fields=["name_key"], name="push_group_by_name", opclasses=["varchar_pattern_ops"]),
        ),
        migrations.AddConstraint(
            model_name="pushgroup",
            constraint=models.UniqueConstraint(fields=("connection", "name_key"), name="push_group_name_once"),
        ),
        migrations.AddIndex(
            model_name="grant",
            index=models.Index(fields=["channel", "key", "user"], name="grant_by_source"),
        ),
        migrations.AddIndex(
            model_name="grant",
            index=models.Index(condition=models.Q(("channel", "sso")), fields=["connection"], name="grant_by_sign_in"),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.UniqueConstraint(
                fields=("user", "role", "channel", "connection", "key"),
                name="grant_once_per_source",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("channel", "admin"), ("connection__isnull", True), ("key", "")),
                    models.Q(
                        models.Q(("channel", "admin"), _negated=True),
                        ("connection__isnull", False),
                        models.Q(("key", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="grant_source_complete",
            ),
        ),
        migrations.AddConstraint(
            model_name="setupproposal",
            constraint=models.UniqueConstraint(
                condition=models.Q(("decided_at", None)),
                fields=("connection", "kind"),
                name="one_pending_proposal_of_a_kind",
            ),
        ),
        # PostgreSQL then knows how few identities have more than one email, and reads only those.
        migrations.RunSQL(
            "CREATE STATISTICS identity_more_emails_known ON (attributes #> '{emails,1}') FROM core_identity_identity",
            "DROP STATISTICS identity_more_emails_known",
        ),
        migrations.RunSQL(_append_only_events.GUARD, _append_only_events.UNGUARD),
        migrations.RunSQL(_names_of_roles.GUARD, _names_of_roles.UNGUARD),
        migrations.RunSQL(
            _counted_resources.LOCK + _counted_resources.COUNT + _counted_resources.TRIGGERS, _counted_resources.UNCOUNT
        ),
        # Counts of a minute: not worth the wait for the disk that each commit of a logged table is.
        migrations.RunSQL("ALTER TABLE core_identity_budget SET UNLOGGED", migrations.RunSQL.noop),
        migrations.RunSQL(_drift.triggers(_drift.PAIRS), _drift.DROP),
    ]
