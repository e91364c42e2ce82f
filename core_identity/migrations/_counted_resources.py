"""SQL: keep the number of SCIM resources of each connection in blocks, so that no page counts them.

A trigger appends a change when an identity becomes a resource or stops being one, for every writer. At the commit of every
thousandth change, the changes of the connection are counted into its blocks. A statement that adds a thousand rows or more is counted at once.
`core_identity.selectors.pages` reads blocks and changes, and explains why their sum is exact.
"""

RESOURCE = "({0}.deleted_at IS NULL AND ({0}.pushed_at IS NOT NULL OR {0}.offered_at IS NOT NULL))"
OLD, NEW, ONE = (RESOURCE.format(name) for name in ("OLD", "NEW", "one"))
CHANGE = "INSERT INTO core_identity_resourcechange (connection_id, created_at, identity_id, people)"

# The first block of a connection begins before everybody. Only one transaction at a time counts; nobody waits for it.
LOCK = """
CREATE FUNCTION core_identity_lock_blocks(of_connection uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('resource blocks ' || of_connection, 0)) THEN
        RETURN FALSE;
    END IF;
    INSERT INTO core_identity_resourceblock (connection_id, created_at, identity_id, people)
    VALUES (of_connection, '0001-01-01 00:00:00+00', '00000000-0000-0000-0000-000000000000', 0) ON CONFLICT DO NOTHING;
    RETURN TRUE;
END
$$;
CREATE FUNCTION core_identity_block_of(of_connection uuid, of_moment timestamptz, of_identity uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT id FROM core_identity_resourceblock
    WHERE connection_id = of_connection AND (created_at, identity_id) <= (of_moment, of_identity)
    ORDER BY created_at DESC, identity_id DESC LIMIT 1
$$;
"""
# One statement, so that the changes that it deletes and the resources that it counts are those of one snapshot. A block of twice the size becomes
# several; the first of them keeps the key.
COUNT = f"""
CREATE FUNCTION core_identity_count_blocks(of_connection uuid, touched bigint[], of_block integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH bounded AS MATERIALIZED (
        SELECT block.created_at, block.identity_id, COALESCE(later.created_at, 'infinity') AS until_at,
            COALESCE(later.identity_id, '00000000-0000-0000-0000-000000000000') AS until_id
        FROM core_identity_resourceblock AS block LEFT JOIN LATERAL (
            SELECT created_at, identity_id FROM core_identity_resourceblock
            WHERE connection_id = of_connection AND (created_at, identity_id) > (block.created_at, block.identity_id)
            ORDER BY created_at, identity_id LIMIT 1
        ) AS later ON TRUE WHERE block.id = ANY(touched)
    ),
    gone AS (
        DELETE FROM core_identity_resourcechange AS change USING bounded AS block WHERE change.connection_id = of_connection
        AND (change.created_at, change.identity_id) >= (block.created_at, block.identity_id)
        AND (change.created_at, change.identity_id) < (block.until_at, block.until_id)
    ),
    numbered AS (
        SELECT block.created_at AS block_at, block.identity_id AS block_id, one.created_at, one.id,
            count(one.id) OVER (PARTITION BY block.created_at, block.identity_id) AS people,
            (row_number() OVER (PARTITION BY block.created_at, block.identity_id ORDER BY one.created_at, one.id) - 1) / of_block AS piece
        FROM bounded AS block LEFT JOIN LATERAL (
            SELECT one.created_at, one.id FROM core_identity_identity AS one WHERE one.connection_id = of_connection AND {ONE}
            AND (one.created_at, one.id) >= (block.created_at, block.identity_id) AND (one.created_at, one.id) < (block.until_at, block.until_id)
            ORDER BY one.created_at, one.id
        ) AS one ON TRUE
    ),
    placed AS (SELECT block_at, block_id, created_at, id, CASE WHEN people < 2 * of_block THEN 0 ELSE piece END AS piece FROM numbered)
    INSERT INTO core_identity_resourceblock (connection_id, created_at, identity_id, people)
    SELECT of_connection, CASE WHEN piece = 0 THEN block_at ELSE min(created_at) END,
        CASE WHEN piece = 0 THEN block_id ELSE (array_agg(id ORDER BY created_at, id))[1] END, count(id)
    FROM placed GROUP BY block_at, block_id, piece
    ON CONFLICT (connection_id, created_at, identity_id) DO UPDATE SET people = excluded.people;
END
$$;
CREATE FUNCTION core_identity_count_changes(of_connection uuid, of_block integer DEFAULT 1000) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF core_identity_lock_blocks(of_connection) THEN
        PERFORM core_identity_count_blocks(of_connection, ARRAY(
            SELECT DISTINCT core_identity_block_of(of_connection, created_at, identity_id)
            FROM core_identity_resourcechange WHERE connection_id = of_connection
        ), of_block);
    END IF;
END
$$;
"""  # noqa: S608 - nothing but names of our own
TRIGGERS = f"""
CREATE FUNCTION core_identity_new_resources() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_connection uuid;
BEGIN
    IF (SELECT count(*) FROM made) < 1000 THEN
        {CHANGE} SELECT one.connection_id, one.created_at, one.id, 1 FROM made AS one WHERE {ONE};
        RETURN NULL;
    END IF;
    FOR of_connection IN SELECT DISTINCT one.connection_id FROM made AS one WHERE {ONE} LOOP
        IF core_identity_lock_blocks(of_connection) THEN
            PERFORM core_identity_count_blocks(of_connection, ARRAY(
                SELECT DISTINCT core_identity_block_of(of_connection, created_at, id) FROM made WHERE connection_id = of_connection
            ), 1000);
        ELSE
            {CHANGE} SELECT one.connection_id, one.created_at, one.id, 1 FROM made AS one WHERE one.connection_id = of_connection AND {ONE};
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
CREATE FUNCTION core_identity_changed_resource() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE FUNCTION core_identity_thousandth_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM core_identity_count_changes(NEW.connection_id);
    RETURN NULL;
END
$$;
CREATE TRIGGER core_identity_new_resources AFTER INSERT ON core_identity_identity
    REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION core_identity_new_resources();
CREATE TRIGGER core_identity_changed_resource AFTER UPDATE ON core_identity_identity FOR EACH ROW
    WHEN ((OLD.connection_id, OLD.created_at, OLD.id, {OLD}) IS DISTINCT FROM (NEW.connection_id, NEW.created_at, NEW.id, {NEW}))
    EXECUTE FUNCTION core_identity_changed_resource();
CREATE TRIGGER core_identity_deleted_resource AFTER DELETE ON core_identity_identity FOR EACH ROW
    WHEN ({OLD}) EXECUTE FUNCTION core_identity_changed_resource();
-- At the commit: a statement that changes many rows appends their changes one after the other.
CREATE CONSTRAINT TRIGGER core_identity_thousandth_change AFTER INSERT ON core_identity_resourcechange
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.id % 1000 = 0) EXECUTE FUNCTION core_identity_thousandth_change();
"""  # noqa: S608 - nothing but names of our own
UNCOUNT = """
DROP TRIGGER core_identity_thousandth_change ON core_identity_resourcechange;
DROP TRIGGER core_identity_deleted_resource ON core_identity_identity;
DROP TRIGGER core_identity_changed_resource ON core_identity_identity;
DROP TRIGGER core_identity_new_resources ON core_identity_identity;
DROP FUNCTION core_identity_thousandth_change(), core_identity_changed_resource(), core_identity_new_resources(),
    core_identity_count_changes(uuid, integer), core_identity_count_blocks(uuid, bigint[], integer),
    core_identity_block_of(uuid, timestamptz, uuid), core_identity_lock_blocks(uuid);
"""
