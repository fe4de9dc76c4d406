// What is in the file. The version is SQLite's own user_version; a file that is not ours, or newer, is never written to. An older
// one is brought up to date, step by step, in the transaction that opens it.
// Ids are stored as encodeActorKey writes them and part names as bytes: SQLite's text functions stop at a NUL.

export const SCHEMA_VERSION = 2;
/** "TNUR": says that the file is ours. */
export const APPLICATION_ID = 0x544e5552;

/** Dead members that are not listed any more. */
const SWEPT = `
CREATE TABLE IF NOT EXISTS swept (
  cluster INTEGER NOT NULL,
  incarnation TEXT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (cluster, incarnation)
) STRICT, WITHOUT ROWID;
`;

/** What makes a file of each version one of the next. */
export const UPGRADES: ReadonlyMap<number, string> = new Map([
  // Some files of version 1 have the table: it came before the version was raised.
  [1, `${SWEPT}\nPRAGMA user_version = 2;`],
]);

export const SCHEMA: string = `
CREATE TABLE clusters (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  store_id TEXT,
  open INTEGER NOT NULL DEFAULT 0,
  counter INTEGER NOT NULL DEFAULT 0,
  sequence INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE members (
  cluster INTEGER NOT NULL,
  incarnation TEXT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (cluster, incarnation)
) STRICT, WITHOUT ROWID;

${SWEPT}
CREATE TABLE entries (
  cluster INTEGER NOT NULL,
  actor TEXT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (cluster, actor)
) STRICT, WITHOUT ROWID;

CREATE TABLE rows (
  cluster INTEGER NOT NULL,
  actor TEXT NOT NULL,
  format INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  token TEXT NOT NULL,
  etag TEXT NOT NULL,
  version INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  due REAL,
  PRIMARY KEY (cluster, actor)
) STRICT, WITHOUT ROWID;

CREATE INDEX rows_due ON rows (cluster, bucket, due) WHERE due IS NOT NULL;

CREATE TABLE parts (
  cluster INTEGER NOT NULL,
  actor TEXT NOT NULL,
  name BLOB NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (cluster, actor, name)
) STRICT;

PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${SCHEMA_VERSION};
`;
