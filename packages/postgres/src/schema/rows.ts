// decideLoad and decideSave of ownership-rules, stated in PL/pgSQL. A batch is decided set-wise, in rounds: the n-th item of
// each actor is in the n-th round, so that one that builds on another finds it done. Nearly always there is one round.
// Rows are locked in the order of their keys, all in the first round: no two batches wait for each other in a circle. (The
// order is that of `key || ''`, which no index has: a plan that walks an index for the sake of the order would seem good
// while the table is small.)
import { KEY_HEADER_BYTES, KEY_PARTS, SENDER_PARTS } from "@tenure/core/internal";

const hex = (text: string): string => `'\\x${Buffer.from(text, "utf8").toString("hex")}'::bytea`;

export const ROWS: string = `
-- For each load one line of kind 'ok' or a refusal, and for each of its parts a line of kind 'part'.
CREATE FUNCTION load(of_cluster text, keys text[], buckets integer[], generations bigint[], tokens text[],
  rounds integer[], newest bigint)
RETURNS TABLE (item integer, kind text, number bigint, etag text, version bigint, due double precision, problem text,
  part bytea, bytes bytea)
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO rows AS r (key, cluster, bucket, format, generation, token, etag, version) -- R9
    SELECT a.key, of_cluster, a.bucket, newest, a.generation, a.token, '', 0
    FROM unnest(keys, buckets, generations, tokens, rounds) AS a (key, bucket, generation, token, round)
    WHERE a.round = 1 AND NOT EXISTS (SELECT FROM rows x WHERE x.key = a.key)
    ORDER BY a.key COLLATE "C"
    ON CONFLICT DO NOTHING;
  -- By now every actor has a row, and rows are never removed.
  PERFORM FROM rows r WHERE r.key = ANY (keys) ORDER BY r.key || '' FOR UPDATE;

  FOR round_now IN 1 .. coalesce((SELECT max(n) FROM unnest(rounds) AS n), 0) LOOP
    RETURN QUERY
    WITH decided AS MATERIALIZED (
      SELECT a.item::integer AS item, a.key, a.generation AS claimed, a.token AS claim_token,
        r.format, r.generation, r.token, r.etag, r.version, r.due, p.problem,
        CASE
          WHEN p.problem IS NOT NULL THEN 'damaged'
          WHEN r.format > newest THEN 'newer-format'
          WHEN r.generation > a.generation OR (r.generation = a.generation AND r.token <> a.token) THEN 'fenced'
          ELSE 'ok'
        END AS kind
      FROM unnest(keys, generations, tokens, rounds) WITH ORDINALITY AS a (key, generation, token, round, item)
      JOIN rows r ON r.key = a.key
      CROSS JOIN LATERAL (SELECT row_problem(r, newest)) AS p (problem)
      WHERE a.round = round_now
    ), raised AS ( -- O4; the same load again changes nothing
      UPDATE rows r SET format = newest, generation = d.claimed, token = d.claim_token
      FROM decided d
      WHERE r.key = d.key AND d.kind = 'ok'
        AND (d.format <> newest OR d.generation <> d.claimed)
    )
    SELECT d.item, d.kind,
      CASE d.kind WHEN 'newer-format' THEN d.format WHEN 'fenced' THEN d.generation END,
      d.etag, d.version, d.due, d.problem, NULL::bytea, NULL::bytea
    FROM decided d
    UNION ALL
    -- All parts, but of recorded results only the header (S3).
    SELECT d.item, 'part', NULL, NULL, NULL, NULL, NULL, x.name,
      CASE WHEN substr(x.name, 1, ${KEY_PARTS.length}) IN (${hex(KEY_PARTS)}, ${hex(SENDER_PARTS)})
        THEN substr(x.bytes, 1, ${KEY_HEADER_BYTES}) ELSE x.bytes END
    FROM decided d JOIN parts x ON x.key = d.key
    WHERE d.kind = 'ok';
  END LOOP;
END
$$;

-- A line for each save whose actor has a row. put_items and del_items say to which save a part belongs. The caller leaves
-- out of del_names what the same save puts.
CREATE FUNCTION save(keys text[], generations bigint[], tokens text[], etags text[],
  new_etags text[], dues double precision[], rounds integer[], put_items integer[], put_names bytea[],
  put_bytes bytea[], del_items integer[], del_names bytea[], newest bigint)
RETURNS TABLE (item integer, kind text, number bigint, etag text, problem text) LANGUAGE plpgsql AS $$
DECLARE
  r record;
  saved boolean[];
BEGIN
  FOR round_now IN 1 .. coalesce((SELECT max(n) FROM unnest(rounds) AS n), 0) LOOP
    saved := array_fill(false, ARRAY[cardinality(keys)]);
    -- Locks as it reads: what it answers is the newest version. A row that came after this statement had begun is not seen,
    -- and not locked: it is none (R9).
    FOR r IN
      SELECT a.item::integer AS item, row_problem(x, newest) AS problem, x.format > newest AS is_newer,
        x.generation, x.token, x.etag
      FROM unnest(keys, rounds) WITH ORDINALITY AS a (key, round, item)
      JOIN rows x ON x.key = a.key
      WHERE a.round = round_now
      ORDER BY x.key || '' FOR UPDATE OF x
    LOOP
      item := r.item;
      problem := r.problem;
      number := NULL;
      etag := NULL;
      IF r.is_newer THEN -- of which only the format is sure; a save of the claim that it displaced is fenced
        r.generation := CASE WHEN is_count(r.generation) THEN r.generation ELSE 0 END;
        r.token := '';
        r.etag := '';
      END IF;
      IF problem IS NOT NULL THEN kind := 'damaged';
      ELSIF r.etag = new_etags[item] THEN kind := 'ok'; -- R8: this very save was applied before
      ELSIF r.generation <> generations[item] OR r.token <> tokens[item] THEN -- R1
        kind := 'fenced';
        number := r.generation;
      ELSIF r.etag <> etags[item] THEN -- I2
        kind := 'conflict';
        etag := r.etag;
      ELSE
        kind := 'ok';
        saved[item] := true;
      END IF;
      RETURN NEXT;
    END LOOP;

    UPDATE rows x SET etag = a.new_etag, version = x.version + 1, due = a.due
      FROM unnest(keys, new_etags, dues, saved) AS a (key, new_etag, due, saved)
      WHERE a.saved AND x.key = a.key;
    DELETE FROM parts x USING unnest(del_items, del_names) AS d (item, name)
      WHERE saved[d.item] AND x.key = keys[d.item] AND x.name = d.name;
    INSERT INTO parts AS x (key, name, bytes)
      SELECT keys[p.item], p.name, p.bytes
      FROM unnest(put_items, put_names, put_bytes) AS p (item, name, bytes)
      WHERE saved[p.item]
      ON CONFLICT (key, name) DO UPDATE SET bytes = excluded.bytes;
  END LOOP;
END
$$;
`;
