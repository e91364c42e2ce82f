import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Now

KINDS = ["admin", "scim_client", "sign_in", "setup_link", "system"]


class Migration(migrations.Migration):
    """Take over the table of set-up links from scim, with what a customer's own page needs, and add the proposals of these links."""

    dependencies = [("core_identity", "0003_drift_and_lists"), ("scim", "0003_set_up_links_move")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="SetupLink",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("secret_hash", models.CharField(max_length=64, unique=True)),
                        ("expires_at", models.DateTimeField()),
                        ("opened_at", models.DateTimeField(help_text="When a browser opened it last.", null=True)),
                        ("consented_at", models.DateTimeField(db_column="used_at", null=True)),
                        (
                            "connection",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="core_identity.connection",
                            ),
                        ),
                        (
                            "made_by",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={"db_table": "scim_setuplink", "ordering": ("-id",)},
                ),
            ]
        ),
        migrations.AddField("setuplink", "created_at", models.DateTimeField(db_default=Now())),
        migrations.AddField("setuplink", "openings", models.PositiveIntegerField(db_default=0)),
        migrations.AddField(
            "setuplink", "browser_hash", models.CharField(blank=True, db_default="", db_index=True, max_length=64)
        ),
        migrations.AddField(
            "setuplink", "seen_at", models.DateTimeField(help_text="When its browser was here last.", null=True)
        ),
        migrations.AddField(
            "setuplink",
            "finished_at",
            models.DateTimeField(help_text="When the customer reported that they have finished.", null=True),
        ),
        migrations.AddField("setuplink", "revoked_at", models.DateTimeField(null=True)),
        migrations.CreateModel(
            name="SetupProposal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=30)),
                ("payload", models.TextField(blank=True)),
                ("proposed_by", models.CharField(max_length=300)),
                ("proposed_at", models.DateTimeField(db_default=Now())),
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
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("decided_at", None)),
                        fields=("connection", "kind"),
                        name="one_pending_proposal_of_a_kind",
                    )
                ],
            },
        ),
        migrations.RemoveConstraint("event", "event_has_an_actor"),
        migrations.AddConstraint(
            "event",
            models.CheckConstraint(
                condition=models.Q(("actor__regex", "\\S"), ("actor_kind__in", KINDS)), name="event_has_an_actor"
            ),
        ),
    ]
