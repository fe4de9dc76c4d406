// decideClaim and decideRelease of ownership-rules, stated in PL/pgSQL. The order of the checks is theirs.
// Locks are taken in one order: the cluster, members by incarnation, entries by actor. No two batches can wait for each
// other in a circle.
import { CLAIMS_KEPT } from "@tenure/core/internal";

export const ENTRIES: string = `
-- expected: null for "free". One line for each claim, in order: each is decided upon what those before it left (D4).
CREATE FUNCTION claim(of_cluster text, keys text[], incarnations text[], tokens text[], expected text[],
  floors bigint[], reasons text[])
RETURNS TABLE (item integer, kind text, granted bigint, place bigint, problem text, entry text)
LANGUAGE plpgsql AS $$
DECLARE
  store clusters := lock_cluster(of_cluster);
  highest bigint := store.counter;
  e entries;
  held boolean;
  claimant members;
  claimant_problem text;
  claimant_changed boolean := false;
  owner members;
  notes jsonb;
BEGIN
  PERFORM FROM members m WHERE m.cluster = of_cluster AND m.incarnation = ANY (incarnations)
    ORDER BY m.incarnation || '' FOR UPDATE;
  PERFORM FROM entries x WHERE x.key = ANY (keys) ORDER BY x.key || '' FOR UPDATE;

  FOR i IN 1 .. cardinality(keys) LOOP
    item := i;
    granted := NULL;
    place := NULL;
    problem := NULL;
    entry := NULL;
    SELECT * INTO e FROM entries x WHERE x.key = keys[i];
    held := e.key IS NOT NULL AND NOT e.free;
    IF claimant.incarnation IS DISTINCT FROM incarnations[i] THEN
      IF claimant_changed THEN
        UPDATE members m SET counter = claimant.counter
          WHERE m.cluster = of_cluster AND m.incarnation = claimant.incarnation;
        claimant_changed := false;
      END IF;
      SELECT * INTO claimant FROM members m WHERE m.cluster = of_cluster AND m.incarnation = incarnations[i];
      claimant_problem := member_problem(claimant);
    END IF;

    problem := coalesce(entry_problem(e), claimant_problem);
    IF problem IS NOT NULL THEN kind := 'damaged';
    ELSIF claimant.state IS DISTINCT FROM 'alive' THEN kind := 'claimant-not-alive'; -- R18
    ELSIF held AND e.token = tokens[i] THEN -- R8: this claim was granted before
      kind := 'ok';
      granted := e.generation;
      place := coalesce((SELECT (c ->> 'counter')::bigint FROM jsonb_array_elements(e.claims) AS c
        WHERE c ->> 'token' = tokens[i] LIMIT 1), claimant.counter);
    ELSIF e.claims @> jsonb_build_array(jsonb_build_object('token', tokens[i])) THEN kind := 'token-used';
    ELSIF e.key IS NULL AND NOT (store.store_id IS NOT NULL AND store.open) THEN kind := 'closed'; -- R13
    ELSIF held AND expected[i] IS DISTINCT FROM e.token THEN kind := 'owned'; -- R2
    ELSIF NOT held AND expected[i] IS NOT NULL THEN kind := 'changed';
    ELSE
      kind := 'ok';
      IF held AND e.incarnation <> incarnations[i] THEN
        SELECT * INTO owner FROM members m WHERE m.cluster = of_cluster AND m.incarnation = e.incarnation;
        problem := member_problem(owner);
        IF owner.incarnation IS NULL THEN kind := 'owner-absent'; -- R16: absent is not dead
        ELSIF problem IS NOT NULL THEN kind := 'damaged';
        ELSIF owner.state <> 'dead' THEN kind := 'owned'; -- R3
        END IF;
      END IF;
      IF kind = 'ok' THEN
        highest := greatest(highest, coalesce(e.generation, 0), floors[i]) + 1; -- R15
        claimant.counter := claimant.counter + 1; -- R14
        claimant_changed := true;
        granted := highest;
        place := claimant.counter;
        notes := coalesce(e.claims, '[]') || jsonb_build_object('generation', granted, 'incarnation', incarnations[i],
          'token', tokens[i], 'reason', reasons[i], 'counter', place);
        WHILE jsonb_array_length(notes) > ${CLAIMS_KEPT} LOOP notes := notes - 0; END LOOP;
        INSERT INTO entries AS x VALUES (keys[i], incarnations[i], tokens[i], granted, false, notes)
          ON CONFLICT (key) DO UPDATE SET incarnation = excluded.incarnation, token = excluded.token,
            generation = excluded.generation, free = false, claims = excluded.claims;
      END IF;
    END IF;
    IF kind IN ('owned', 'owner-absent') THEN entry := entry_json(e); END IF;
    RETURN NEXT;
  END LOOP;

  IF claimant_changed THEN
    UPDATE members m SET counter = claimant.counter
      WHERE m.cluster = of_cluster AND m.incarnation = claimant.incarnation;
  END IF;
  IF highest > store.counter THEN UPDATE clusters c SET counter = highest WHERE c.cluster = of_cluster; END IF;
END
$$;

CREATE FUNCTION release(keys text[], tokens text[])
RETURNS TABLE (item integer, kind text, problem text) LANGUAGE plpgsql AS $$
DECLARE
  e entries;
BEGIN
  PERFORM FROM entries x WHERE x.key = ANY (keys) ORDER BY x.key || '' FOR UPDATE;
  FOR i IN 1 .. cardinality(keys) LOOP
    item := i;
    SELECT * INTO e FROM entries x WHERE x.key = keys[i];
    problem := entry_problem(e);
    IF problem IS NOT NULL THEN kind := 'damaged';
    ELSIF e.token IS DISTINCT FROM tokens[i] THEN kind := 'not-owner';
    ELSE
      kind := 'ok';
      UPDATE entries x SET free = true
        WHERE x.key = keys[i] AND x.token = tokens[i] AND NOT x.free;
    END IF;
    RETURN NEXT;
  END LOOP;
END
$$;
`;
