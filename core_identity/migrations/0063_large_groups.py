from django.conf import settings
from django.db import migrations, models

COUNT = """
UPDATE core_identity_pushgroup AS one SET member_count = counted.number
FROM (SELECT group_id, count(*) AS number FROM core_identity_pushgroupmember GROUP BY group_id) AS counted
WHERE counted.group_id = one.id;
SET CONSTRAINTS ALL IMMEDIATE;
"""


class Migration(migrations.Migration):
    """Large groups: a count of members, and no index that another one begins with."""

    dependencies = [("core_identity", "0060_counted_resources")]

    operations = [
        migrations.AddField(
            model_name="pushgroup",
            name="member_count",
            field=models.PositiveIntegerField(
                default=0,
                editable=False,
                help_text="Members after the last message. A merge or an erasure does not change it, so it only decides how an answer looks.",
            ),
        ),
        migrations.RunSQL(COUNT, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="pushgroupmember",
            name="group",
            field=models.ForeignKey(
                db_index=False, on_delete=models.CASCADE, related_name="members", to="core_identity.pushgroup"
            ),
        ),
        migrations.AlterField(
            model_name="expectedmember",
            name="group",
            field=models.ForeignKey(
                db_index=False, on_delete=models.CASCADE, related_name="expected", to="core_identity.pushgroup"
            ),
        ),
        migrations.AlterField(
            model_name="grant",
            name="user",
            field=models.ForeignKey(
                db_index=False, on_delete=models.PROTECT, related_name="grants", to=settings.AUTH_USER_MODEL
            ),
        ),
    ]
