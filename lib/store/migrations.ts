/**
 * The schema of each database as numbered steps; `user_version` is how many have been taken. A step that has been
 * released is never changed: what follows is a new step.
 */

export const FACTS: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

  CREATE TABLE event (
    id   INTEGER PRIMARY KEY,
    at   TEXT NOT NULL,
    type TEXT NOT NULL,
    json TEXT NOT NULL
  ) STRICT;
  CREATE INDEX event_type ON event (type, id);

  CREATE TABLE swap (
    job_id     TEXT PRIMARY KEY,
    slot       TEXT NOT NULL,
    model_key  TEXT NOT NULL,
    state      TEXT NOT NULL,
    phase      TEXT,
    generation INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    ended_at   TEXT,
    document   TEXT NOT NULL
  ) STRICT;
  CREATE INDEX swap_state ON swap (state);
  CREATE INDEX swap_created_at ON swap (created_at);

  CREATE TABLE slot_belief (slot TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT;
  `,
];

export const TELEMETRY: readonly string[] = [
  `
  CREATE TABLE swap_log (
    job_id TEXT NOT NULL,
    seq    INTEGER NOT NULL,
    at     TEXT NOT NULL,
    source TEXT NOT NULL,
    line   TEXT NOT NULL,
    PRIMARY KEY (job_id, seq)
  ) STRICT, WITHOUT ROWID;
  `,
];
