-- The log of one Daybook deployment: every event ever recorded, in one order, and beside it only
-- what must be stored in the same transaction as an event (which commands and requests are already
-- answered, which keys seal what) or may be lost without harm (snapshots, bookmarks).
--
-- Nothing in log_events is ever changed or removed; triggers hold that against a slip in a shell.
-- Streams and event types are numbered, because their names would be most of a row.

CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,  -- log_id
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row per stream. Where a stream ends is not written here but read from its last event, so that
-- there is one truth and one page less to write per commit.
CREATE TABLE streams (
    stream   INTEGER PRIMARY KEY,
    tenant   BLOB NOT NULL,           -- the 16 bytes of the UUID
    category TEXT NOT NULL,           -- the aggregate's type
    id       TEXT NOT NULL,
    UNIQUE (tenant, category, id)
) STRICT;

CREATE TABLE event_types (
    type    INTEGER PRIMARY KEY,
    name    TEXT NOT NULL,            -- order.paid
    version TEXT NOT NULL,            -- the schema version of the payload
    UNIQUE (name, version)
) STRICT;

CREATE TABLE log_events (
    position    INTEGER PRIMARY KEY,  -- 1, 2, 3 and so on, without a hole
    stream      INTEGER NOT NULL,     -- see streams
    version     INTEGER NOT NULL,     -- 1, 2, 3 and so on within the stream
    type        INTEGER NOT NULL,     -- see event_types
    event_id    BLOB NOT NULL,        -- the 16 bytes of the UUID
    recorded_at INTEGER NOT NULL,     -- milliseconds since 1970, by the tenant's clock
    payload     TEXT NOT NULL,        -- JSON, byte for byte as appended
    metadata    TEXT NOT NULL         -- JSON, byte for byte as appended
) STRICT;

CREATE UNIQUE INDEX log_events_by_stream ON log_events (stream, version);
CREATE UNIQUE INDEX log_events_by_id ON log_events (event_id);

CREATE TRIGGER log_events_are_never_changed BEFORE UPDATE ON log_events
BEGIN
    SELECT RAISE(ABORT, 'what is in the log is never changed');
END;

CREATE TRIGGER log_events_are_never_removed BEFORE DELETE ON log_events
BEGIN
    SELECT RAISE(ABORT, 'what is in the log is never removed');
END;

-- The commands that are answered, with the receipts they were answered with.
CREATE TABLE commands (
    tenant         BLOB NOT NULL,
    command_id     TEXT NOT NULL,
    version        INTEGER NOT NULL,  -- of the commit's last event in its stream
    first_position INTEGER NOT NULL,
    last_position  INTEGER NOT NULL,
    PRIMARY KEY (tenant, command_id)
) STRICT, WITHOUT ROWID;

-- The requests that are answered, by their callers' own keys.
CREATE TABLE idempotency_keys (
    tenant      BLOB NOT NULL,
    key         TEXT NOT NULL,
    fingerprint BLOB NOT NULL,        -- SHA-256 of what was asked for
    command_id  TEXT NOT NULL,        -- see commands
    PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;

-- The keys that seal personal data in payloads. Removing a row erases what it sealed; the pages it
-- was on are overwritten (secure_delete).
CREATE TABLE sealing_keys (
    tenant BLOB NOT NULL,
    key    TEXT NOT NULL,
    secret BLOB NOT NULL,             -- 32 bytes, AES-256-GCM
    PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;

-- Shortcuts for loading a stream; may be emptied at any time.
CREATE TABLE snapshots (
    tenant   BLOB NOT NULL,
    category TEXT NOT NULL,
    id       TEXT NOT NULL,
    version  INTEGER NOT NULL,        -- of the last event in the state
    schema   TEXT NOT NULL,           -- which shape the state has
    state    TEXT NOT NULL,           -- JSON
    PRIMARY KEY (tenant, category, id)
) STRICT;

-- How far workers have come; may be emptied at any time.
CREATE TABLE bookmarks (
    worker   TEXT NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The log as people and cqrs_es read it: for the sqlite3 shell and other programs that may look.
CREATE VIEW events AS
SELECT
    e.position,
    s.category AS aggregate_type,
    'ten_' || lower(hex(s.tenant)) || '/' || s.id AS aggregate_id,
    e.version AS sequence,
    t.name AS event_type,
    t.version AS event_version,
    e.payload,
    e.metadata,
    lower(substr(hex(e.event_id), 1, 8) || '-' || substr(hex(e.event_id), 9, 4) || '-' ||
          substr(hex(e.event_id), 13, 4) || '-' || substr(hex(e.event_id), 17, 4) || '-' ||
          substr(hex(e.event_id), 21)) AS event_id,
    'ten_' || lower(hex(s.tenant)) AS tenant,
    strftime('%Y-%m-%dT%H:%M:%fZ', e.recorded_at / 1000.0, 'unixepoch') AS recorded_at
FROM log_events e
JOIN streams s ON s.stream = e.stream
JOIN event_types t ON t.type = e.type;
