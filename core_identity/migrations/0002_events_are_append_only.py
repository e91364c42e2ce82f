"""Let the database itself refuse to change or delete an event (R34).

One door stands open on purpose: inside a transaction that set
``core_identity.erase`` to ``on``, the columns that hold personal values may be blanked, and only these. It guards against mistakes, not
against whoever may run any SQL.
"""

from django.db import migrations

GUARD = """
CREATE FUNCTION core_identity_guard_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('core_identity.erase', true) = 'on' THEN
        IF (to_jsonb(OLD) - ARRAY['changes', 'reason', 'subject', 'actor'])
         = (to_jsonb(NEW) - ARRAY['changes', 'reason', 'subject', 'actor']) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'events are append-only: % refused', TG_OP USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER core_identity_event_append_only BEFORE UPDATE OR DELETE ON core_identity_event
    FOR EACH ROW EXECUTE FUNCTION core_identity_guard_event();
"""
UNGUARD = """
DROP TRIGGER core_identity_event_append_only ON core_identity_event;
DROP FUNCTION core_identity_guard_event();
"""


class Migration(migrations.Migration):
    dependencies = [("core_identity", "0001_initial")]
    operations = [migrations.RunSQL(GUARD, UNGUARD)]
