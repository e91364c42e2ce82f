"""Let the database demand of each event an actor and a channel, and refuse to empty the table (R34).

Tests, which empty all tables between them, switch the trigger off in their own database (tests/conftest.py). Who erases a person writes a
word in place of the actor's name: it may not be blank.
"""

from django.db import migrations, models

GUARD = """
CREATE TRIGGER core_identity_event_no_truncate BEFORE TRUNCATE ON core_identity_event
    FOR EACH STATEMENT EXECUTE FUNCTION core_identity_guard_event();
"""
UNGUARD = "DROP TRIGGER core_identity_event_no_truncate ON core_identity_event;"


class Migration(migrations.Migration):
    dependencies = [("core_identity", "0006_groups")]
    operations = [
        migrations.AddConstraint(
            model_name="event",
            constraint=models.CheckConstraint(
                name="event_has_an_actor",
                condition=models.Q(actor__regex="\\S", actor_kind__in=["admin", "scim_client", "sign_in", "system"]),
            ),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.CheckConstraint(
                name="event_has_a_channel", condition=models.Q(channel__in=["sso", "scim", "admin"])
            ),
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
