/** The database's shape, as the steps that lead to it. Steps are only ever added; `user_version` counts those taken. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    user TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    seq INTEGER NOT NULL,
    settings TEXT NOT NULL,
    pictures INTEGER NOT NULL,
    claim INTEGER NOT NULL DEFAULT 0,
    attempt INTEGER NOT NULL DEFAULT 0,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    failure TEXT,
    created_at TEXT NOT NULL,
    started_at TEXT,
    finished_at TEXT
  ) STRICT;
  CREATE INDEX jobs_active ON jobs (state, user, number) WHERE state IN ('queued', 'running');

  CREATE TABLE images (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    job_id TEXT NOT NULL REFERENCES jobs (id),
    idx INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('intent', 'ready')),
    name TEXT NOT NULL UNIQUE,
    size_bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    mtime_ms REAL NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    seed INTEGER NOT NULL,
    parameters TEXT NOT NULL,
    missing INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    UNIQUE (job_id, idx)
  ) STRICT;
  CREATE INDEX images_intents ON images (number) WHERE state = 'intent';

  CREATE TABLE idempotency_keys (
    user TEXT NOT NULL,
    key TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    job_id TEXT NOT NULL REFERENCES jobs (id),
    created_at TEXT NOT NULL,
    PRIMARY KEY (user, key)
  ) STRICT;
  CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

  CREATE TABLE turns (
    user TEXT PRIMARY KEY,
    served INTEGER NOT NULL
  ) STRICT;
  `,
];
