// What is wrong with a record, and a record as the JSON that core's decodeMember and decodeEntry read: the checks of
// core's records.ts that a decision depends on, stated in SQL. A record with a problem is never written over (C2).

export const RECORDS: string = `
-- How far this server's log reaches: never goes back, unless the server lost writes or another one took its place. It is
-- refused on a standby, so that none ever answers (D3).
CREATE FUNCTION store_sequence() RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint
$$;

CREATE FUNCTION is_count(value bigint) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT value BETWEEN 0 AND 9007199254740991
$$;

CREATE FUNCTION is_finite(value double precision) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT value > '-Infinity' AND value < 'Infinity'
$$;

CREATE FUNCTION member_problem(m members) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT 'member record: ' || CASE
    WHEN m.incarnation !~ '^[0-9a-f]{32}$' THEN 'incarnation is ' || to_json(left(m.incarnation, 40))
    WHEN json_typeof(m.name) <> 'string' THEN 'name is ' || left(m.name::text, 40)
    WHEN NOT is_count(m.rev) THEN 'rev is ' || m.rev
    WHEN NOT is_count(m.counter) THEN 'counter is ' || m.counter
    WHEN m.state NOT IN ('alive', 'draining', 'dead') THEN 'state is ' || to_json(left(m.state, 40))
    WHEN NOT is_count(m.protocol) THEN 'protocol is ' || m.protocol
    WHEN json_typeof(m.types) <> 'object' THEN 'types is ' || left(m.types::text, 40)
    WHEN json_typeof(m.roles) <> 'array' THEN 'roles is ' || left(m.roles::text, 40)
    WHEN NOT is_finite(m.load) THEN 'load is ' || m.load
  END
$$;

CREATE FUNCTION member_json(m members) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT json_build_object('incarnation', m.incarnation, 'name', m.name, 'rev', m.rev, 'counter', m.counter,
    'state', m.state, 'protocol', m.protocol, 'types', m.types, 'roles', m.roles, 'load', m.load)::text
$$;

-- Decisions on members have no word for a damaged record: the caller gets none, and an operator the reason.
CREATE FUNCTION readable(m members) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF m.incarnation IS NOT NULL AND member_problem(m) IS NOT NULL THEN
    RAISE EXCEPTION '% is damaged and left as it is: %', m.incarnation, member_problem(m)
      USING ERRCODE = 'data_corrupted';
  END IF;
END
$$;

CREATE FUNCTION claims_problem(claims jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN jsonb_typeof(claims) <> 'array' OR EXISTS (
    SELECT FROM jsonb_array_elements(CASE WHEN jsonb_typeof(claims) = 'array' THEN claims ELSE '[]' END) AS c
    WHERE jsonb_typeof(c) <> 'object'
      OR (jsonb_typeof(c -> 'generation') = 'number') IS NOT TRUE
      OR (c ->> 'generation' ~ '^[0-9]{1,16}$') IS NOT TRUE
      OR (c ->> 'incarnation' ~ '^[0-9a-f]{32}$') IS NOT TRUE
      OR (jsonb_typeof(c -> 'token') = 'string' AND c ->> 'token' <> '') IS NOT TRUE
      OR (jsonb_typeof(c -> 'reason') = 'string') IS NOT TRUE
      OR (jsonb_typeof(c -> 'counter') = 'number') IS NOT TRUE
      OR (c ->> 'counter' ~ '^[0-9]{1,16}$') IS NOT TRUE
  ) THEN 'claims is ' || left(claims::text, 40) END
$$;

CREATE FUNCTION entry_problem(e entries) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT 'directory entry: ' || CASE
    WHEN e.incarnation !~ '^[0-9a-f]{32}$' THEN 'incarnation is ' || to_json(left(e.incarnation, 40))
    WHEN e.token = '' THEN 'token is ""'
    WHEN NOT is_count(e.generation) THEN 'generation is ' || e.generation
    ELSE claims_problem(e.claims)
  END
$$;

CREATE FUNCTION entry_json(e entries) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('incarnation', e.incarnation, 'token', e.token, 'generation', e.generation,
    'free', e.free, 'claims', e.claims)::text
$$;

-- Of a newer row only its format is sure.
CREATE FUNCTION row_problem(r rows, newest bigint) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT 'row: ' || CASE
    WHEN NOT is_count(r.format) THEN 'format is ' || r.format
    WHEN r.format > newest THEN NULL
    WHEN NOT is_count(r.generation) THEN 'generation is ' || r.generation
    WHEN r.token = '' THEN 'token is ""'
    WHEN NOT is_count(r.version) THEN 'version is ' || r.version
    WHEN NOT is_finite(r.due) THEN 'due is ' || r.due
  END
$$;
`;
