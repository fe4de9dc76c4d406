// The tables. Names are unqualified: a session's search_path is the schema and nothing else.
//   PT1. A key is `<cluster>:<actor key>`, so that clusters of one schema do not meet (I14). It is one column: of two, a plan
//        that looks for the cluster alone, and filters, would seem as good while the table is small, and be kept.
//   PT2. Text is compared byte by byte (COLLATE "C"). What may hold a NUL, which text cannot, is bytes (names of parts) or
//        JSON that is kept as it was written (names of silos, types, roles).
//   PT3. Nothing has a time to live, and rows, entries and records of members are never removed (R15, R16).
// Ids are stored as encodeActorKey writes them.

export const TABLES: string = `
CREATE TABLE clusters (
  cluster text COLLATE "C" PRIMARY KEY,
  store_id text COLLATE "C",
  open boolean NOT NULL DEFAULT false,
  counter bigint NOT NULL DEFAULT 0
);

CREATE TABLE members (
  cluster text COLLATE "C" NOT NULL,
  incarnation text COLLATE "C" NOT NULL,
  name json NOT NULL,
  rev bigint NOT NULL,
  counter bigint NOT NULL,
  state text COLLATE "C" NOT NULL,
  protocol bigint NOT NULL,
  types json NOT NULL,
  roles json NOT NULL,
  load double precision NOT NULL,
  -- False of the dead that were swept (D7).
  listed boolean NOT NULL DEFAULT true,
  PRIMARY KEY (incarnation, cluster)
) WITH (fillfactor = 50);

CREATE INDEX members_listed ON members (cluster, incarnation) WHERE listed;

CREATE TABLE entries (
  key text COLLATE "C" PRIMARY KEY,
  incarnation text COLLATE "C" NOT NULL,
  token text COLLATE "C" NOT NULL,
  generation bigint NOT NULL,
  free boolean NOT NULL,
  claims jsonb NOT NULL
) WITH (fillfactor = 80);

-- One fence for all parts of an actor (R10).
CREATE TABLE rows (
  key text COLLATE "C" PRIMARY KEY,
  cluster text COLLATE "C" NOT NULL,
  bucket integer NOT NULL,
  format bigint NOT NULL,
  generation bigint NOT NULL,
  token text COLLATE "C" NOT NULL,
  etag text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  due double precision
) WITH (fillfactor = 80);

CREATE INDEX rows_due ON rows (cluster, bucket, due) WHERE due IS NOT NULL;

CREATE TABLE parts (
  key text COLLATE "C" NOT NULL,
  name bytea NOT NULL,
  bytes bytea NOT NULL,
  PRIMARY KEY (key, name)
) WITH (fillfactor = 80);
`;
