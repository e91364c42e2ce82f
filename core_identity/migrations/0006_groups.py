"""Aliases of roles (R28), members not known yet (R29), groups of sign-ins that reach no role (R31)."""

import django.db.models.deletion
from django.db import migrations, models

GUARD = """
CREATE FUNCTION core_identity_role_name_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- One after the other: of two transactions at once, neither would see the name that its neighbour is taking.
    PERFORM pg_advisory_xact_lock(hashtext('core_identity.role_name'), hashtext(NEW.name_key));
    IF TG_TABLE_NAME = 'core_identity_role' AND EXISTS
        (SELECT FROM core_identity_rolealias WHERE name_key = NEW.name_key)
    OR TG_TABLE_NAME = 'core_identity_rolealias' AND EXISTS
        (SELECT FROM core_identity_role WHERE name_key = NEW.name_key) THEN
        RAISE EXCEPTION 'the name % reaches a role already', NEW.name_key USING ERRCODE = 'unique_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER core_identity_role_name_once BEFORE INSERT OR UPDATE OF name_key ON core_identity_role
    FOR EACH ROW EXECUTE FUNCTION core_identity_role_name_once();
CREATE TRIGGER core_identity_role_name_once BEFORE INSERT OR UPDATE OF name_key ON core_identity_rolealias
    FOR EACH ROW EXECUTE FUNCTION core_identity_role_name_once();
"""
UNGUARD = """
DROP TRIGGER core_identity_role_name_once ON core_identity_role;
DROP TRIGGER core_identity_role_name_once ON core_identity_rolealias;
DROP FUNCTION core_identity_role_name_once();
"""


class Migration(migrations.Migration):
    dependencies = [("core_identity", "0005_mismatches")]

    operations = [
        migrations.AddField(
            model_name="identity",
            name="groups_absent_since",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="Since when sign-ins contain no attribute for groups.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="identity",
            name="unmapped_groups",
            field=models.JSONField(
                blank=True,
                default=dict,
                editable=False,
                help_text="Groups of the last sign-in that gave no role, each with the time when it was first seen.",
            ),
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
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="aliases",
                        to="core_identity.role",
                    ),
                ),
            ],
            options={"verbose_name_plural": "role aliases", "ordering": ("name_key",)},
        ),
        migrations.RunSQL(GUARD, UNGUARD),
        migrations.CreateModel(
            name="ExpectedMember",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("scim_id", models.UUIDField(verbose_name="SCIM id")),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="expected",
                        to="core_identity.pushgroup",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["scim_id"], name="expected_member_by_id")],
                "constraints": [models.UniqueConstraint(fields=("group", "scim_id"), name="expected_member_once")],
            },
        ),
    ]
