"""SQL: the database itself refuses to change, delete or empty events (R34).

There are two exceptions, and each is opened by a setting of one transaction. Everything else is refused.

- ``core_identity.erase`` = ``on``: an UPDATE may blank the columns that contain personal data, and no other column.
- ``core_identity.archive_before`` = a time: a DELETE may remove events that are older than this time and older than a year. Events that the service
  still needs stay, however old they are: `core_identity.services.event_archive` lists them.

The trigger protects against mistakes of the service, not against people who can run any SQL. Tests, which empty all tables between them, switch the
truncate trigger off in their own database.
"""

GUARD = """
CREATE FUNCTION core_identity_guard_event() RETURNS trigger LANGUAGE plpgsql SET enable_bitmapscan = off SET enable_sort = off AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('core_identity.erase', true) = 'on' THEN
        IF (to_jsonb(OLD) - ARRAY['changes', 'reason', 'subject', 'actor'])
         = (to_jsonb(NEW) - ARRAY['changes', 'reason', 'subject', 'actor']) THEN
            RETURN NEW;
        END IF;
    END IF;
    IF TG_OP = 'DELETE' THEN
        IF OLD.at < nullif(current_setting('core_identity.archive_before', true), '')::timestamptz
        AND OLD.at < now() - interval '1 year'
        AND OLD.kind <> 'events.archived'
        AND coalesce(OLD.changes #> '{is_staff,1}', 'null') <> 'true'
        AND coalesce(OLD.changes #> '{is_superuser,1}', 'null') <> 'true' THEN
            IF OLD.kind NOT IN ('user.signed_in', 'connection.test_passed') THEN
                RETURN OLD;
            END IF;
            -- In the order of an index the next one is near. Without statistics, PostgreSQL would read and sort all later ones instead.
            PERFORM FROM core_identity_event
                WHERE connection_id = OLD.connection_id AND kind = OLD.kind AND id > OLD.id ORDER BY id LIMIT 1;
            IF FOUND THEN
                RETURN OLD;
            END IF;
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
