"""Triggers keep the identities that differ from their users; the lists of all connections have their indexes. See the models."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from core_identity.migrations._drift import FORGET, TRIGGERS


class Migration(migrations.Migration):
    dependencies = [
        ("core_identity", "0002_admin_search_and_home"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("kind__in", ("scim.refused", "sso.refused"))),
                fields=["at"],
                name="event_refused_lately",
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
            options={
                "indexes": [models.Index(fields=["connection", "id"], name="drifting_by_connection")],
            },
        ),
        migrations.RunSQL(TRIGGERS, FORGET),
    ]
