"""SQL: the database itself refuses to change, delete or empty events (R34).

There is one exception. A transaction that sets ``core_identity.erase`` to ``on`` may blank the columns that contain personal data, and no other column.
The trigger protects against mistakes of the service, not against people who can run any SQL. Tests, which empty all tables between them, switch the
truncate trigger off in their own database.
"""

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
CREATE TRIGGER core_identity_event_no_truncate BEFORE TRUNCATE ON core_identity_event
    FOR EACH STATEMENT EXECUTE FUNCTION core_identity_guard_event();
"""
UNGUARD = """
DROP TRIGGER core_identity_event_no_truncate ON core_identity_event;
DROP TRIGGER core_identity_event_append_only ON core_identity_event;
DROP FUNCTION core_identity_guard_event();
"""
