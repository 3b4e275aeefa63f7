-- Which projections, versions and tables this file of read models holds, how far each has come,
-- and what their columns mean. The read models' own tables are made from their declarations in the
-- program, one physical table per version ("earnings__2"); a view of the bare name ("earnings")
-- shows the live version. Everything here can be rebuilt from the log.

CREATE TABLE daybook_projections (
    projection TEXT NOT NULL PRIMARY KEY, -- name and version: earnings@2
    name TEXT NOT NULL,
    live INTEGER NOT NULL DEFAULT 0 CHECK (live IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX daybook_one_version_is_live ON daybook_projections (name) WHERE live = 1;

CREATE TABLE daybook_tables (
    physical TEXT NOT NULL PRIMARY KEY, -- earnings__2
    name TEXT NOT NULL, -- earnings
    projection TEXT NOT NULL,
    fingerprint TEXT NOT NULL, -- of the declaration: another one needs another version
    comment TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX daybook_tables_by_name ON daybook_tables (name);
CREATE INDEX daybook_tables_by_projection ON daybook_tables (projection);

CREATE TABLE daybook_columns (
    physical TEXT NOT NULL,
    place INTEGER NOT NULL, -- from 0
    name TEXT NOT NULL,
    kind TEXT NOT NULL, -- integer, text, instant
    comment TEXT NOT NULL,
    PRIMARY KEY (physical, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE daybook_checkpoints (
    projection TEXT NOT NULL PRIMARY KEY,
    log TEXT NOT NULL,
    position INTEGER NOT NULL, -- the last position folded
    event_id TEXT NOT NULL, -- the event found there
    state_hash TEXT NOT NULL, -- 64 hexadecimal digits
    rows INTEGER NOT NULL,
    stopped TEXT -- why it stands still, if it does
) STRICT, WITHOUT ROWID;

-- For people: what can be asked, and what it means.
CREATE VIEW tables AS
    SELECT t.name AS "table", t.comment, t.projection
    FROM daybook_tables AS t
    JOIN daybook_projections AS p ON p.projection = t.projection AND p.live = 1
    ORDER BY t.name;

CREATE VIEW columns AS
    SELECT t.name AS "table", c.name AS "column", c.kind, c.comment
    FROM daybook_columns AS c
    JOIN daybook_tables AS t ON t.physical = c.physical
    JOIN daybook_projections AS p ON p.projection = t.projection AND p.live = 1
    ORDER BY t.name, c.place;
