-- The log of one Daybook deployment in PostgreSQL: every event ever recorded, in one order, and
-- beside it only what must be stored in the same transaction as an event (which commands and requests
-- are already answered, which keys seal what) or may be lost without harm (snapshots, bookmarks,
-- leases).
--
-- "events" is a superset of the table that postgres-es works on, so its repository reads and writes
-- the same history. Positions are handed out under one advisory lock that is held until the end of the
-- transaction, and come from the row of "head", not from a sequence: they are 1, 2, 3 and so on
-- without a hole, and an event becomes visible only after every event with a lower position. Whoever
-- writes takes that lock: Daybook in daybook_log.append, everybody else in a trigger.
--
-- Daybook makes the schema and sets the search path; names in functions are written out.

CREATE TABLE meta (
    name  text NOT NULL PRIMARY KEY,             -- log_id
    value text NOT NULL
);

CREATE TABLE head (
    single   boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (single),
    position bigint  NOT NULL,                   -- of the last event, 0 when there is none
    event_id uuid    NOT NULL                    -- of the last event
) WITH (fillfactor = 10);                        -- one row, rewritten in place with every commit

INSERT INTO head (position, event_id) VALUES (0, '00000000-0000-0000-0000-000000000000');

CREATE TABLE events (
    -- The columns of postgres-es, by its names and types.
    aggregate_type text   COLLATE "C" NOT NULL,  -- the category: order
    aggregate_id   text   COLLATE "C" NOT NULL,  -- the tenant, a slash and the id
    sequence       bigint NOT NULL CHECK (sequence >= 1),  -- the version within the stream
    event_type     text   NOT NULL,              -- order.paid
    event_version  text   NOT NULL,              -- the schema version of the payload
    payload        json   NOT NULL,              -- byte for byte as appended: json, never jsonb
    metadata       json   NOT NULL,              -- byte for byte as appended
    -- Daybook's own; a writer that does not know them has them filled in by a trigger.
    position       bigint NOT NULL,
    event_id       uuid   NOT NULL,
    tenant         uuid   NOT NULL,
    recorded_at    timestamptz NOT NULL,         -- by the tenant's clock, whole milliseconds
    PRIMARY KEY (aggregate_type, aggregate_id, sequence)
);

CREATE UNIQUE INDEX events_by_position ON events (position);
CREATE UNIQUE INDEX events_by_id ON events (event_id);

COMMENT ON TABLE events IS 'Every event ever recorded, in the order of position; never changed, never removed';
COMMENT ON COLUMN events.aggregate_type IS 'Category of the stream, such as order';
COMMENT ON COLUMN events.aggregate_id IS 'Stream: the tenant, a slash and the id';
COMMENT ON COLUMN events.sequence IS 'Version within the stream: 1, 2, 3 and so on';
COMMENT ON COLUMN events.event_type IS 'What happened, such as order.paid';
COMMENT ON COLUMN events.event_version IS 'Schema version of the payload';
COMMENT ON COLUMN events.payload IS 'What happened, byte for byte as appended; amounts are minor units';
COMMENT ON COLUMN events.metadata IS 'Who did it, and because of what';
COMMENT ON COLUMN events.position IS 'Place in the log: 1, 2, 3 and so on without a hole';
COMMENT ON COLUMN events.event_id IS 'Identity of the event';
COMMENT ON COLUMN events.tenant IS 'Whose event it is';
COMMENT ON COLUMN events.recorded_at IS 'When it was recorded, by the clock of the tenant; never a business date';

-- The commands that are answered, with the receipts they were answered with.
CREATE TABLE commands (
    tenant         uuid   NOT NULL,
    command_id     text   COLLATE "C" NOT NULL,
    version        bigint NOT NULL,              -- of the commit's last event in its stream
    first_position bigint NOT NULL,
    last_position  bigint NOT NULL,
    PRIMARY KEY (tenant, command_id)
);

-- The requests that are answered, by their callers' own keys.
CREATE TABLE idempotency_keys (
    tenant      uuid  NOT NULL,
    key         text  COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,                  -- SHA-256 of what was asked for
    command_id  text  COLLATE "C" NOT NULL,      -- see commands
    PRIMARY KEY (tenant, key)
);

-- The keys that seal personal data in payloads. Removing a row erases what it sealed, here; backups and
-- archived write-ahead logs still hold it until they are gone.
CREATE TABLE sealing_keys (
    tenant uuid  NOT NULL,
    key    text  COLLATE "C" NOT NULL,
    secret bytea NOT NULL,                       -- 32 bytes, AES-256-GCM
    PRIMARY KEY (tenant, key)
);

-- Shortcuts for loading a stream; may be emptied at any time.
CREATE TABLE stream_snapshots (
    aggregate_type text   COLLATE "C" NOT NULL,
    aggregate_id   text   COLLATE "C" NOT NULL,
    version        bigint NOT NULL,              -- of the last event in the state
    schema         text   NOT NULL,              -- which shape the state has
    state          text   NOT NULL,              -- JSON
    PRIMARY KEY (aggregate_type, aggregate_id)
);

-- How far workers have come; may be emptied at any time.
CREATE TABLE bookmarks (
    worker   text   NOT NULL PRIMARY KEY,
    position bigint NOT NULL
);

-- Which process does which work at present; may be emptied at any time.
CREATE TABLE leases (
    worker     text        NOT NULL PRIMARY KEY,
    holder     text        NOT NULL,
    fence      bigint      NOT NULL,             -- grows with every change of the holder
    expires_at timestamptz NOT NULL              -- by this server's clock
);

-- What is in the log is never changed.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what is in the log is never changed or removed';
END $$;

CREATE TRIGGER events_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The lock under which positions are handed out.
CREATE FUNCTION take_lock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1145131851, 1);
    RETURN NULL;
END $$;

-- Daybook's own statements have the lock already, and say so in their session.
CREATE TRIGGER events_are_written_under_the_lock BEFORE INSERT ON events FOR EACH STATEMENT
    WHEN (current_setting('daybook_log.appending', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION take_lock();

-- A stranger's event gets its place, its identity and its owner here, whatever it came with. The lock
-- is held by now, so the row of "head" is the truth.
CREATE FUNCTION place_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before timestamptz;
    versions bigint;
BEGIN
    IF NEW.aggregate_id !~ '^ten_[0-9a-f]{32}/.' THEN
        RAISE EXCEPTION 'the aggregate id "%" should be a tenant, a slash and an id', NEW.aggregate_id
            USING ERRCODE = 'check_violation';
    END IF;
    SELECT sequence, recorded_at INTO versions, before FROM daybook_log.events
        WHERE aggregate_type = NEW.aggregate_type AND aggregate_id = NEW.aggregate_id
        ORDER BY sequence DESC LIMIT 1;
    -- A version that is there already is left to the primary key, whose error means an optimistic lock.
    IF NEW.sequence > coalesce(versions, 0) + 1 THEN
        RAISE EXCEPTION 'version % of % should be %', NEW.sequence, NEW.aggregate_id,
            coalesce(versions, 0) + 1 USING ERRCODE = 'check_violation';
    END IF;
    NEW.tenant := substr(NEW.aggregate_id, 5, 32)::uuid;
    NEW.event_id := coalesce(NEW.event_id, gen_random_uuid());
    NEW.recorded_at := greatest(
        date_trunc('milliseconds', coalesce(NEW.recorded_at, clock_timestamp())), before);
    UPDATE daybook_log.head SET position = position + 1, event_id = NEW.event_id
        RETURNING position INTO NEW.position;
    PERFORM pg_notify('daybook_log', NEW.position::text);
    RETURN NEW;
END $$;

CREATE TRIGGER strangers_events_are_placed BEFORE INSERT ON events FOR EACH ROW
    WHEN (current_setting('daybook_log.appending', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION place_event();

-- Stores a batch of commits, or nothing. The caller has decided about each commit on assumptions: where
-- each stream ends, that no command or idempotency key of the batch is known, and that no sealing key
-- is known with another secret. They are checked here under the lock. If all hold, everything is
-- stored and the answer is one row "stored" with the position before the first event. Otherwise
-- nothing is stored and the answer is what is so: one row per stream, known command, known key and
-- known secret, each with its place in the arrays, for the caller to decide again.
--
-- One statement, one round trip, and the locks are gone when its implicit transaction has ended. As a
-- volatile function it gives each of its statements a snapshot of its own, so what follows the lock
-- sees everything that was committed before it was granted.
CREATE FUNCTION append(
    stream_types text[], stream_ids text[], stream_versions bigint[], stream_times timestamptz[],
    command_tenants uuid[], command_ids text[],
    key_tenants uuid[], key_names text[],
    secret_tenants uuid[], secret_names text[], secrets bytea[],
    event_types text[], event_aggregates text[], event_sequences bigint[], event_names text[],
    event_versions text[], event_payloads text[], event_metadata text[], event_ids uuid[],
    event_tenants uuid[], event_times timestamptz[],
    new_command_tenants uuid[], new_command_ids text[], new_command_versions bigint[],
    new_command_firsts bigint[], new_command_lasts bigint[],
    new_key_tenants uuid[], new_key_names text[], new_key_fingerprints bytea[], new_key_commands text[]
) RETURNS TABLE (
    kind text, place bigint, version bigint, first_position bigint, last_position bigint,
    command_id text, bytes bytea, recorded_at timestamptz
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    before bigint;
    holds boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(1145131851, 1);
    SELECT h.position INTO before FROM daybook_log.head h;
    holds := NOT EXISTS (
        SELECT FROM unnest(stream_types, stream_ids, stream_versions, stream_times)
            AS s (type, id, version, at)
        LEFT JOIN LATERAL (
            SELECT e.sequence, e.recorded_at FROM daybook_log.events e
            WHERE e.aggregate_type = s.type AND e.aggregate_id = s.id
            ORDER BY e.sequence DESC LIMIT 1
        ) AS l ON true
        WHERE coalesce(l.sequence, 0) <> s.version OR l.recorded_at > s.at
    ) AND NOT EXISTS (
        SELECT FROM unnest(command_tenants, command_ids) AS c (tenant, id)
        JOIN daybook_log.commands k ON k.tenant = c.tenant AND k.command_id = c.id
    );
    IF holds AND cardinality(key_names) > 0 THEN
        holds := NOT EXISTS (
            SELECT FROM unnest(key_tenants, key_names) AS i (tenant, key)
            JOIN daybook_log.idempotency_keys k ON k.tenant = i.tenant AND k.key = i.key
        );
    END IF;
    IF holds AND cardinality(secret_names) > 0 THEN
        holds := NOT EXISTS (
            SELECT FROM unnest(secret_tenants, secret_names, secrets) AS i (tenant, key, secret)
            JOIN daybook_log.sealing_keys k ON k.tenant = i.tenant AND k.key = i.key
            WHERE k.secret <> i.secret
        );
    END IF;
    IF NOT holds THEN
        RETURN QUERY
        SELECT 'stream'::text, s.place, coalesce(l.sequence, 0), NULL::bigint, NULL::bigint,
            NULL::text, NULL::bytea, l.recorded_at
        FROM unnest(stream_types, stream_ids) WITH ORDINALITY AS s (type, id, place)
        LEFT JOIN LATERAL (
            SELECT e.sequence, e.recorded_at FROM daybook_log.events e
            WHERE e.aggregate_type = s.type AND e.aggregate_id = s.id
            ORDER BY e.sequence DESC LIMIT 1
        ) AS l ON true;
        RETURN QUERY
        SELECT 'command'::text, c.place, k.version, k.first_position, k.last_position,
            NULL::text, NULL::bytea, NULL::timestamptz
        FROM unnest(command_tenants, command_ids) WITH ORDINALITY AS c (tenant, id, place)
        JOIN daybook_log.commands k ON k.tenant = c.tenant AND k.command_id = c.id;
        RETURN QUERY
        SELECT 'key'::text, i.place, c.version, c.first_position, c.last_position,
            k.command_id, k.fingerprint, NULL::timestamptz
        FROM unnest(key_tenants, key_names) WITH ORDINALITY AS i (tenant, key, place)
        JOIN daybook_log.idempotency_keys k ON k.tenant = i.tenant AND k.key = i.key
        LEFT JOIN daybook_log.commands c ON c.tenant = k.tenant AND c.command_id = k.command_id;
        RETURN QUERY
        SELECT 'secret'::text, i.place, NULL::bigint, NULL::bigint, NULL::bigint,
            NULL::text, k.secret, NULL::timestamptz
        FROM unnest(secret_tenants, secret_names) WITH ORDINALITY AS i (tenant, key, place)
        JOIN daybook_log.sealing_keys k ON k.tenant = i.tenant AND k.key = i.key;
        RETURN;
    END IF;
    IF cardinality(event_ids) > 0 THEN
        PERFORM set_config('daybook_log.appending', 'on', true);
        INSERT INTO daybook_log.events (aggregate_type, aggregate_id, sequence, event_type,
            event_version, payload, metadata, position, event_id, tenant, recorded_at)
        SELECT e.type, e.aggregate, e.sequence, e.name, e.version, e.payload::json,
            e.metadata::json, before + e.place, e.id, e.tenant, e.at
        FROM unnest(event_types, event_aggregates, event_sequences, event_names, event_versions,
                event_payloads, event_metadata, event_ids, event_tenants, event_times)
            WITH ORDINALITY AS e (type, aggregate, sequence, name, version, payload, metadata, id,
                tenant, at, place);
        INSERT INTO daybook_log.commands (tenant, command_id, version, first_position, last_position)
        SELECT c.tenant, c.id, c.version, before + c.first, before + c.last
        FROM unnest(new_command_tenants, new_command_ids, new_command_versions,
            new_command_firsts, new_command_lasts) AS c (tenant, id, version, first, last);
        IF cardinality(new_key_names) > 0 THEN
            INSERT INTO daybook_log.idempotency_keys (tenant, key, fingerprint, command_id)
            SELECT * FROM unnest(new_key_tenants, new_key_names, new_key_fingerprints,
                new_key_commands);
        END IF;
        IF cardinality(secret_names) > 0 THEN
            INSERT INTO daybook_log.sealing_keys (tenant, key, secret)
            SELECT * FROM unnest(secret_tenants, secret_names, secrets) ON CONFLICT DO NOTHING;
        END IF;
        UPDATE daybook_log.head SET position = before + cardinality(event_ids),
            event_id = event_ids[cardinality(event_ids)];
    END IF;
    RETURN QUERY SELECT 'stored'::text, 0::bigint, 0::bigint, before, before,
        NULL::text, NULL::bytea, NULL::timestamptz;
END $$;

-- A commit that stores nothing: when it is acknowledged, so is everything before it. Returns the
-- position up to which that is.
CREATE FUNCTION barrier() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    reached bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(1145131851, 1);
    UPDATE daybook_log.head SET position = position RETURNING position INTO reached;
    RETURN reached;
END $$;

-- Stores a sealing key unless there is one of that name; returns the secret that is stored. It waits
-- for the disk, and for the standby, whatever the session does otherwise.
CREATE FUNCTION ensure_sealing_key(owner uuid, name text, given bytea) RETURNS bytea
LANGUAGE plpgsql AS $$
DECLARE
    found bytea;
BEGIN
    PERFORM set_config('synchronous_commit', 'on', true);
    INSERT INTO daybook_log.sealing_keys (tenant, key, secret) VALUES (owner, name, given)
        ON CONFLICT DO NOTHING;
    SELECT secret INTO found FROM daybook_log.sealing_keys WHERE tenant = owner AND key = name;
    RETURN found;
END $$;

-- The second lock on other tenants' data. Whoever reads as daybook_reader sees the events of the
-- tenant named in the setting daybook.tenant, and none when it is not set: a forgotten filter returns
-- nothing. The owner, which is the role of Daybook's own connections, works across tenants.
ALTER TABLE events ENABLE ROW LEVEL SECURITY;
ALTER TABLE events FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_works_across_tenants ON events TO CURRENT_USER USING (true) WITH CHECK (true);

DO $$
BEGIN
    -- Roles belong to the whole cluster, so another database may have made it, perhaps just now.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'daybook_reader') THEN
        CREATE ROLE daybook_reader NOLOGIN NOBYPASSRLS;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'the role daybook_reader is not there and may not be made by this user';
END $$;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'daybook_reader') THEN
        GRANT USAGE ON SCHEMA daybook_log TO daybook_reader;
        GRANT SELECT ON daybook_log.events TO daybook_reader;
        CREATE POLICY readers_see_one_tenant ON daybook_log.events FOR SELECT TO daybook_reader
            USING (tenant = (substr(nullif(current_setting('daybook.tenant', true), ''), 5))::uuid);
    END IF;
END $$;
