"""Keep the number of SCIM resources of each connection, so that no page counts them.

A trigger appends a change wherever an identity becomes a resource or is none any more, whoever writes it. `core_identity.services.resource_counts`
adds the changes to blocks.
"""

from django.db import migrations, models

RESOURCE = "({0}.deleted_at IS NULL AND ({0}.pushed_at IS NOT NULL OR {0}.offered_at IS NOT NULL))"
OLD, NEW, ONE = (RESOURCE.format(name) for name in ("OLD", "NEW", "one"))
CHANGE = "INSERT INTO core_identity_resourcechange (connection_id, created_at, identity_id, people)"

COUNT = f"""
CREATE FUNCTION core_identity_count_new_resources() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {CHANGE} SELECT one.connection_id, one.created_at, one.id, 1 FROM made AS one WHERE {ONE};
    RETURN NULL;
END
$$;
CREATE FUNCTION core_identity_count_changed_resource() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF {OLD} THEN
        {CHANGE} VALUES (OLD.connection_id, OLD.created_at, OLD.id, -1);
    END IF;
    IF TG_OP = 'UPDATE' AND {NEW} THEN
        {CHANGE} VALUES (NEW.connection_id, NEW.created_at, NEW.id, 1);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER core_identity_new_resources AFTER INSERT ON core_identity_identity
    REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION core_identity_count_new_resources();
CREATE TRIGGER core_identity_changed_resource AFTER UPDATE ON core_identity_identity FOR EACH ROW
    WHEN ((OLD.connection_id, OLD.created_at, OLD.id, {OLD}) IS DISTINCT FROM (NEW.connection_id, NEW.created_at, NEW.id, {NEW}))
    EXECUTE FUNCTION core_identity_count_changed_resource();
CREATE TRIGGER core_identity_deleted_resource AFTER DELETE ON core_identity_identity FOR EACH ROW
    WHEN ({OLD}) EXECUTE FUNCTION core_identity_count_changed_resource();
"""
UNCOUNT = """
DROP TRIGGER core_identity_new_resources ON core_identity_identity;
DROP TRIGGER core_identity_changed_resource ON core_identity_identity;
DROP TRIGGER core_identity_deleted_resource ON core_identity_identity;
DROP FUNCTION core_identity_count_new_resources();
DROP FUNCTION core_identity_count_changed_resource();
"""
# The triggers hold a lock until the end of the migration, so nobody writes meanwhile.
FILL = f"""
INSERT INTO core_identity_resourceblock (connection_id, created_at, identity_id, people)
SELECT connection_id,
    CASE WHEN piece = 0 THEN '0001-01-01 00:00:00+00' ELSE min(created_at) END,
    CASE WHEN piece = 0 THEN '00000000-0000-0000-0000-000000000000' ELSE (array_agg(id ORDER BY created_at, id))[1] END,
    count(*)
FROM (
    SELECT connection_id, created_at, id,
        (row_number() OVER (PARTITION BY connection_id ORDER BY created_at, id) - 1) / 1000 AS piece
    FROM core_identity_identity AS one WHERE {ONE}
) AS placed GROUP BY connection_id, piece
"""  # noqa: S608 - nothing but names of our own


class Migration(migrations.Migration):
    dependencies = [("core_identity", "0050_user_by_email")]
    operations = [
        migrations.CreateModel(
            name="ResourceBlock",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("connection_id", models.UUIDField()),
                ("created_at", models.DateTimeField()),
                ("identity_id", models.UUIDField()),
                ("people", models.IntegerField()),
            ],
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
                    models.Index(
                        fields=["connection_id", "created_at", "identity_id"], name="resource_change_by_key"
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="resourceblock",
            constraint=models.UniqueConstraint(
                fields=("connection_id", "created_at", "identity_id"), name="resource_block_once"
            ),
        ),
        migrations.RemoveIndex(model_name="identity", name="identity_by_page"),
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
        migrations.RunSQL(COUNT, UNCOUNT),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
