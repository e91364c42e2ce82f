"""SQL: a name leads to one role, either as its name or as its alias (R28). Both tables have a unique name; a trigger compares the two."""

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
