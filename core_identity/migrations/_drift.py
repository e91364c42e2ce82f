"""SQL: keep the identities that differ from their users in a table of their own, so that lists and counts of drift read only these (R18).

The comparison is that of `core_identity.policy.projection.differences` and `core_identity.selectors.drift`. A statement may insert a user and its
identity together, so the triggers run after the statement. The rows of a table that only triggers write need no service.

For a new attribute, a migration runs `DROP` and then `triggers` with one more pair, after it adds the columns and before it fills them.
"""

from collections.abc import Collection, Sequence

Pairs = Sequence[tuple[str, str]]
"""Columns of the identity, each with the column of the user that it is compared with."""

BLANKS = r"E'\u0009\u000a\u000b\u000c\u000d\u001c\u001d\u001e\u001f\u0020\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000'"
"""The characters that ``str.strip`` removes."""

PAIRS = (
    ("user_name", "username"),
    ("email", "email"),
    ("given_name", "first_name"),
    ("family_name", "last_name"),
    ("title", "title"),
    ("organization", "company"),
    ("department", "department"),
)
"""Those of release 0.1."""

NAMES = frozenset({"given_name", "family_name"})
"""Columns whose empty value is drift, too."""

LIVE = "one.deleted_at IS NULL AND one.offered_at IS NULL"


def _differs(source: str, field: str, names: Collection[str]) -> str:
    sent = f"btrim(one.{source}, {BLANKS})"
    condition = f"{sent} <> person.{field}"
    if source not in names:
        condition += f" AND {sent} <> ''"
    if source == "user_name":
        condition += " AND one.pushed_at IS NOT NULL"
    return f"CASE WHEN {condition} THEN '{field}' END"


def _changed(columns: Sequence[str]) -> str:
    old, new = (", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW"))
    return f"(({old}) IS DISTINCT FROM ({new}))"


def triggers(pairs: Pairs, names: Collection[str] = NAMES) -> str:
    """Return the SQL that creates the triggers for these pairs.

    A push that changes a value runs both triggers for rows, so each is one look-up and one statement. A statement that changes an identity and its
    user together runs them when both are changed.
    """
    conditions = ", ".join(_differs(source, field, names) for source, field in pairs)
    fields = f"array_remove(ARRAY[{conditions}, CASE WHEN one.drift_uid <> '' THEN 'uid' END]::varchar(20)[], NULL)"
    of_identity = [source for source, _ in pairs]
    of_identity += ["drift_uid", "pushed_at", "deleted_at", "offered_at", "user_id", "connection_id"]
    of_user = [field for _, field in pairs]
    return f"""
CREATE FUNCTION core_identity_note_drift(one core_identity_identity, person core_identity_user) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    differing varchar(20)[] := {fields};
BEGIN
    IF {LIVE} AND cardinality(differing) > 0 THEN
        INSERT INTO core_identity_driftingidentity AS known (identity_id, connection_id, fields) VALUES (one.id, one.connection_id, differing)
        ON CONFLICT (identity_id) DO UPDATE SET connection_id = excluded.connection_id, fields = excluded.fields
        WHERE (known.connection_id, known.fields) IS DISTINCT FROM (excluded.connection_id, excluded.fields);
    ELSE
        DELETE FROM core_identity_driftingidentity WHERE identity_id = one.id;
    END IF;
END
$$;
CREATE FUNCTION core_identity_new_drift() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO core_identity_driftingidentity (identity_id, connection_id, fields)
    SELECT one.id, one.connection_id, differing.fields
    FROM new_identities AS one JOIN core_identity_user AS person ON person.id = one.user_id
    CROSS JOIN LATERAL (SELECT {fields} AS fields) AS differing
    WHERE {LIVE} AND cardinality(differing.fields) > 0;
    RETURN NULL;
END
$$;
CREATE FUNCTION core_identity_changed_identity() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    person core_identity_user;
BEGIN
    SELECT * INTO person FROM core_identity_user WHERE id = NEW.user_id;
    PERFORM core_identity_note_drift(NEW, person);
    RETURN NULL;
END
$$;
CREATE FUNCTION core_identity_changed_user() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    one core_identity_identity;
BEGIN
    FOR one IN SELECT * FROM core_identity_identity WHERE user_id = NEW.id LOOP
        PERFORM core_identity_note_drift(one, NEW);
    END LOOP;
    RETURN NULL;
END
$$;
CREATE TRIGGER core_identity_new_drift AFTER INSERT ON core_identity_identity
    REFERENCING NEW TABLE AS new_identities FOR EACH STATEMENT EXECUTE FUNCTION core_identity_new_drift();
CREATE TRIGGER core_identity_changed_identity AFTER UPDATE ON core_identity_identity FOR EACH ROW
    WHEN {_changed(of_identity)} EXECUTE FUNCTION core_identity_changed_identity();
CREATE TRIGGER core_identity_changed_user AFTER UPDATE ON core_identity_user FOR EACH ROW
    WHEN {_changed(of_user)} EXECUTE FUNCTION core_identity_changed_user();
"""  # noqa: S608 - names of our own


DROP = """
DROP TRIGGER core_identity_changed_user ON core_identity_user;
DROP TRIGGER core_identity_changed_identity ON core_identity_identity;
DROP TRIGGER core_identity_new_drift ON core_identity_identity;
DROP FUNCTION core_identity_changed_user(), core_identity_changed_identity(), core_identity_new_drift(),
    core_identity_note_drift(core_identity_identity, core_identity_user);
"""
