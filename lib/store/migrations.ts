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
  `
  CREATE TABLE webhook_endpoint (
    id              TEXT PRIMARY KEY,
    name            TEXT,
    url             TEXT NOT NULL,
    events          TEXT NOT NULL,
    enabled         INTEGER NOT NULL,
    secret          TEXT,
    previous_secret TEXT,
    previous_until  INTEGER,
    created_at      TEXT NOT NULL,
    updated_at      TEXT NOT NULL
  ) STRICT;

  CREATE TABLE webhook_message (
    id    TEXT PRIMARY KEY,
    event TEXT NOT NULL,
    at    TEXT NOT NULL,
    once  TEXT UNIQUE,
    body  TEXT NOT NULL
  ) STRICT;
  CREATE INDEX webhook_message_at ON webhook_message (at);

  CREATE TABLE webhook_delivery (
    id          TEXT PRIMARY KEY,
    message_id  TEXT NOT NULL REFERENCES webhook_message (id),
    endpoint_id TEXT NOT NULL,
    state       TEXT NOT NULL,
    attempts    INTEGER NOT NULL,
    tries       INTEGER NOT NULL,
    next_at     INTEGER,
    created_at  TEXT NOT NULL,
    last_at     TEXT,
    status      INTEGER,
    error       TEXT
  ) STRICT;
  CREATE INDEX webhook_delivery_due ON webhook_delivery (endpoint_id, next_at, id) WHERE state = 'pending';
  CREATE INDEX webhook_delivery_endpoint ON webhook_delivery (endpoint_id, id);
  CREATE INDEX webhook_delivery_message ON webhook_delivery (message_id);

  CREATE TABLE webhook_attempt (
    delivery_id TEXT NOT NULL REFERENCES webhook_delivery (id) ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    at          TEXT NOT NULL,
    duration_ms INTEGER NOT NULL,
    status      INTEGER,
    error       TEXT,
    PRIMARY KEY (delivery_id, number)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE reservation (one INTEGER PRIMARY KEY CHECK (one = 1), document TEXT NOT NULL) STRICT;
  CREATE TABLE reservation_spent (id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE) STRICT;
  `,
  `
  CREATE TABLE schedule_entry (id TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT;
  `,
  `
  CREATE TABLE audit (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         TEXT NOT NULL,
    via        TEXT NOT NULL,
    address    TEXT,
    user_agent TEXT,
    holder     TEXT,
    action     TEXT NOT NULL,
    method     TEXT,
    path       TEXT,
    outcome    TEXT NOT NULL,
    status     INTEGER,
    code       TEXT,
    details    TEXT NOT NULL,
    request_id TEXT,
    count      INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX audit_at ON audit (at);
  CREATE INDEX audit_action ON audit (action, id);

  CREATE INDEX event_at ON event (at);
  `,
  `
  CREATE TABLE outage (
    id       INTEGER PRIMARY KEY,
    node     TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    ended_at INTEGER,
    level    TEXT NOT NULL,
    reason   TEXT
  ) STRICT;
  CREATE INDEX outage_node ON outage (node, began_at);
  CREATE INDEX outage_open ON outage (node) WHERE ended_at IS NULL;

  CREATE TABLE spark_link (
    node       TEXT PRIMARY KEY,
    first_at   INTEGER NOT NULL,
    changed_at INTEGER,
    mac        TEXT
  ) STRICT;

  CREATE TABLE watch_span (id INTEGER PRIMARY KEY, began_at INTEGER NOT NULL, ended_at INTEGER NOT NULL) STRICT;
  `,
  `
  CREATE TABLE download (id TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT;
  `,
  `
  CREATE TABLE service_condition (name TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT;
  CREATE TABLE bot_update (bot TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT;
  `,
  `
  ALTER TABLE audit ADD COLUMN last_at TEXT;
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
  `
  CREATE TABLE swap_log_lost (
    job_id TEXT NOT NULL,
    source TEXT NOT NULL,
    lines  INTEGER NOT NULL,
    PRIMARY KEY (job_id, source)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE request (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    at          TEXT NOT NULL,
    route       TEXT NOT NULL,
    upstream    TEXT,
    model       TEXT,
    caller      TEXT NOT NULL,
    outcome     TEXT NOT NULL,
    status      INTEGER,
    code        TEXT,
    queue_ms    REAL NOT NULL,
    ttft_ms     REAL,
    duration_ms REAL,
    bytes_in    INTEGER NOT NULL,
    bytes_out   INTEGER NOT NULL,
    tokens_in   INTEGER,
    tokens_out  INTEGER,
    count       INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX request_at ON request (at);
  `,
  `
  ALTER TABLE swap_log ADD COLUMN read_to INTEGER;
  DROP TABLE swap_log_lost;
  CREATE TABLE swap_log_lost (
    job_id  TEXT NOT NULL,
    source  TEXT NOT NULL,
    read_to INTEGER NOT NULL,
    PRIMARY KEY (job_id, source)
  ) STRICT, WITHOUT ROWID;
  `,
];
