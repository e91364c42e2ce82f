"""Triggers that find drift with one look-up in place of two statements, as each push that changes a value runs them."""

from django.db import migrations

from core_identity.migrations import _drift

NOTE = f"""
CREATE FUNCTION core_identity_note_drift(one core_identity_identity, person core_identity_user) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    differing varchar(20)[] := {_drift.FIELDS};
BEGIN
    IF {_drift.LIVE} AND cardinality(differing) > 0 THEN
        INSERT INTO core_identity_driftingidentity (identity_id, connection_id, fields) VALUES (one.id, one.connection_id, differing)
        {_drift.AGAIN};
    ELSE
        DELETE FROM core_identity_driftingidentity WHERE identity_id = one.id;
    END IF;
END
$$;
CREATE OR REPLACE FUNCTION core_identity_changed_identity() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    person core_identity_user;
BEGIN
    SELECT * INTO person FROM core_identity_user WHERE id = NEW.user_id;
    PERFORM core_identity_note_drift(NEW, person);
    RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION core_identity_changed_user() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    one core_identity_identity;
BEGIN
    FOR one IN SELECT * FROM core_identity_identity WHERE user_id = NEW.id LOOP
        PERFORM core_identity_note_drift(one, NEW);
    END LOOP;
    RETURN NULL;
END
$$;
"""  # noqa: S608 - names of our own
FORGET = "DROP FUNCTION core_identity_note_drift(core_identity_identity, core_identity_user)"


class Migration(migrations.Migration):
    dependencies = [("core_identity", "0001_first_release")]

    operations = [migrations.RunSQL(NOTE, FORGET)]
