// decideRegister, decideRenew, decideMarkDead and decideSweep of ownership-rules, stated in PL/pgSQL; open().

export const MEMBERS: string = `
-- The cluster's own record, locked until the end of the transaction. Whatever adds a member or grants a claim holds it:
-- these see the members, the counter and each other one after the other.
CREATE FUNCTION lock_cluster(of_cluster text) RETURNS clusters LANGUAGE plpgsql AS $$
DECLARE
  store clusters;
BEGIN
  SELECT * INTO store FROM clusters c WHERE c.cluster = of_cluster FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO clusters (cluster) VALUES (of_cluster) ON CONFLICT DO NOTHING;
    SELECT * INTO STRICT store FROM clusters c WHERE c.cluster = of_cluster FOR UPDATE;
  END IF;
  IF NOT is_count(store.counter) THEN
    RAISE EXCEPTION 'the directory is damaged: counter is %', store.counter USING ERRCODE = 'data_corrupted';
  END IF;
  RETURN store;
END
$$;

CREATE FUNCTION register(of_cluster text, given_incarnation text, given_name json, given_types json, given_roles json,
  given_protocol bigint, proposed_store_id text, bootstrap boolean)
RETURNS TABLE (kind text, member text, store_id text, open boolean) LANGUAGE plpgsql AS $$
DECLARE
  store clusters := lock_cluster(of_cluster);
  own members;
  other members;
BEGIN
  SELECT * INTO own FROM members m WHERE m.cluster = of_cluster AND m.incarnation = given_incarnation FOR UPDATE;
  PERFORM readable(own);
  IF own.state = 'dead' THEN -- O1
    kind := 'dead';
    RETURN NEXT;
    RETURN;
  END IF;
  -- Another protocol first; then the name. A damaged record of another silo keeps nobody out: members() reports it.
  SELECT * INTO other FROM members m
    WHERE m.cluster = of_cluster AND m.listed AND m.incarnation <> given_incarnation AND m.state <> 'dead'
      AND (m.protocol <> given_protocol OR m.name::text = given_name::text) AND member_problem(m) IS NULL
    ORDER BY m.protocol = given_protocol, m.incarnation LIMIT 1;
  IF FOUND THEN
    kind := CASE WHEN other.protocol <> given_protocol THEN 'protocol' ELSE 'name-taken' END;
    member := member_json(other);
    RETURN NEXT;
    RETURN;
  END IF;
  IF own.incarnation IS NULL THEN
    INSERT INTO members VALUES (of_cluster, given_incarnation, given_name, 1, 1, 'alive', given_protocol, given_types,
      given_roles, 0) RETURNING * INTO own;
  END IF;
  IF store.store_id IS NULL THEN
    UPDATE clusters c SET store_id = proposed_store_id, open = bootstrap WHERE c.cluster = of_cluster
      RETURNING * INTO store;
  END IF;
  kind := 'ok';
  member := member_json(own);
  store_id := store.store_id;
  open := store.open;
  RETURN NEXT;
END
$$;

CREATE FUNCTION renew(of_cluster text, given_incarnation text, expected_rev bigint, given_load double precision,
  given_state text)
RETURNS TABLE (kind text, member text) LANGUAGE plpgsql AS $$
DECLARE
  own members;
BEGIN
  SELECT * INTO own FROM members m WHERE m.cluster = of_cluster AND m.incarnation = given_incarnation FOR UPDATE;
  PERFORM readable(own);
  IF own.incarnation IS NULL THEN kind := 'absent';
  ELSIF own.state = 'dead' THEN kind := 'dead';
  ELSIF own.rev <> expected_rev THEN kind := 'conflict';
  ELSE
    -- Draining is not undone by a renewal that was sent before it.
    UPDATE members m SET rev = m.rev + 1, counter = m.counter + 1, load = given_load,
        state = CASE WHEN m.state = 'draining' THEN m.state ELSE given_state END
      WHERE m.cluster = of_cluster AND m.incarnation = given_incarnation RETURNING * INTO own;
    kind := 'ok';
  END IF;
  member := CASE WHEN own.incarnation IS NOT NULL THEN member_json(own) END;
  RETURN NEXT;
END
$$;

-- expected_rev: null for "absent".
CREATE FUNCTION mark_dead(of_cluster text, given_incarnation text, expected_rev bigint, given_protocol bigint)
RETURNS TABLE (kind text, member text) LANGUAGE plpgsql AS $$
DECLARE
  found_member members;
BEGIN
  -- It may add a member.
  IF expected_rev IS NULL THEN PERFORM lock_cluster(of_cluster); END IF;
  SELECT * INTO found_member FROM members m
    WHERE m.cluster = of_cluster AND m.incarnation = given_incarnation FOR UPDATE;
  PERFORM readable(found_member);
  IF found_member.incarnation IS NULL AND expected_rev IS NOT NULL THEN kind := 'absent';
  ELSIF found_member.incarnation IS NULL THEN -- R16
    INSERT INTO members VALUES (of_cluster, given_incarnation, '""', 1, 1, 'dead', given_protocol, '{}', '[]', 0)
      RETURNING * INTO found_member;
    kind := 'ok';
  ELSIF found_member.state = 'dead' THEN kind := 'ok';
  ELSIF found_member.rev IS DISTINCT FROM expected_rev THEN kind := 'conflict';
  ELSE
    UPDATE members m SET rev = m.rev + 1, state = 'dead', load = 0
      WHERE m.cluster = of_cluster AND m.incarnation = given_incarnation RETURNING * INTO found_member;
    kind := 'ok';
  END IF;
  member := CASE WHEN found_member.incarnation IS NOT NULL THEN member_json(found_member) END;
  RETURN NEXT;
END
$$;

CREATE FUNCTION sweep(of_cluster text, given_incarnation text)
RETURNS TABLE (kind text, member text) LANGUAGE plpgsql AS $$
DECLARE
  found_member members;
BEGIN
  SELECT * INTO found_member FROM members m
    WHERE m.cluster = of_cluster AND m.incarnation = given_incarnation FOR UPDATE;
  PERFORM readable(found_member);
  IF found_member.incarnation IS NULL THEN kind := 'absent';
  ELSIF found_member.state <> 'dead' THEN kind := 'not-dead';
  ELSE
    UPDATE members m SET listed = false
      WHERE m.cluster = of_cluster AND m.incarnation = given_incarnation AND m.listed;
    kind := 'ok';
  END IF;
  member := CASE WHEN found_member.incarnation IS NOT NULL THEN member_json(found_member) END;
  RETURN NEXT;
END
$$;

CREATE FUNCTION open_directory(of_cluster text, wanted text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE clusters c SET open = true WHERE c.cluster = of_cluster AND c.store_id = wanted AND NOT c.open;
  RETURN EXISTS (SELECT FROM clusters c WHERE c.cluster = of_cluster AND c.store_id = wanted AND c.open);
END
$$;
`;
