-- Which projections, versions and tables of read models there are, how far each has come, and who
-- may keep them up to date. This schema holds what people need not see: the bookkeeping and the
-- physical tables, which are made from their declarations in the program, one per version
-- ("earnings__2"). The schema beside it holds one view for each live one ("earnings"). Everything
-- here can be rebuilt from the log.

CREATE TABLE daybook_projections (
    projection text COLLATE "C" PRIMARY KEY, -- name and version: earnings@2
    name text COLLATE "C" NOT NULL,
    live boolean NOT NULL DEFAULT false
);

CREATE UNIQUE INDEX daybook_one_version_is_live ON daybook_projections (name) WHERE live;

CREATE TABLE daybook_tables (
    physical text COLLATE "C" PRIMARY KEY, -- earnings__2
    name text COLLATE "C" NOT NULL, -- earnings
    projection text COLLATE "C" NOT NULL REFERENCES daybook_projections ON DELETE CASCADE,
    fingerprint text COLLATE "C" NOT NULL, -- of the declaration: another one needs another version
    wording uuid -- of the comments, which may change within a version
);

CREATE INDEX daybook_tables_by_name ON daybook_tables (name);
CREATE INDEX daybook_tables_by_projection ON daybook_tables (projection);

-- The reference keeps a step from leaving a checkpoint behind for a version that is just being
-- dropped, and makes it wait for the one who drops it.
CREATE TABLE daybook_checkpoints (
    projection text COLLATE "C" PRIMARY KEY REFERENCES daybook_projections ON DELETE CASCADE,
    log text COLLATE "C" NOT NULL,
    position bigint NOT NULL, -- the last position folded
    event_id uuid NOT NULL, -- the event found there
    state_hash text COLLATE "C" NOT NULL, -- 64 hexadecimal digits
    rows bigint NOT NULL,
    stopped text COLLATE "C" -- why it stands still, if it does
) WITH (fillfactor = 50); -- one row changes at every step; room for its next version saves an index write

CREATE TABLE daybook_leases (
    worker text COLLATE "C" PRIMARY KEY,
    holder text COLLATE "C" NOT NULL,
    fence bigint NOT NULL, -- grows whenever the lease goes to somebody else
    expires_at timestamptz NOT NULL -- by this server's clock
) WITH (fillfactor = 50);

COMMENT ON TABLE daybook_projections IS 'The versions of each projection that have tables here.';
COMMENT ON TABLE daybook_tables IS 'The physical tables of each version.';
COMMENT ON TABLE daybook_checkpoints IS 'How far each version has come in the log.';
COMMENT ON TABLE daybook_leases IS 'Which process keeps the read models up to date.';
