-- At which level a case was settled, and how it was rated: two more things that the figures ask of a case.

SET LOCAL search_path = weige, public;

ALTER TABLE case_facts
  ADD COLUMN whistled smallint NOT NULL DEFAULT 0,
  ADD COLUMN rating smallint NOT NULL DEFAULT 0,
  ADD COLUMN rated_at timestamptz;

-- How far up departments were called: 1 micro-grid, 2 grid, 3 community, 4 street; as in whistle_levels.
CREATE FUNCTION whistle_rank(level text) RETURNS smallint LANGUAGE sql IMMUTABLE AS
$$ SELECT array_position(ARRAY['micro_grid', 'grid', 'community', 'street'], level)::smallint $$;

-- As 0003_figures.sql has it, with these three.
CREATE OR REPLACE FUNCTION fold_case_events() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM arrived WHERE stream = 'case') THEN
    RETURN NULL;
  END IF;
  WITH entries AS (
    SELECT a.chain, a.seq, a.community_id, a.action, a.body, happened_at(a.body, a.at) AS at,
      a.body->>'state' AS state, a.body->>'from' IS DISTINCT FROM a.body->>'state' AS enters
    FROM arrived a WHERE a.stream = 'case'
  ), events AS (
    SELECT *, body ? 'due_at' OR state IN ('parked', 'waiting') AS sets_due,
      enters AND state = 'handled' OR state = ANY (unhandled_states()) AS sets_handled,
      enters AND state IN ('closed', 'reopened') AS sets_closed,
      enters AND state IN ('cancelled', 'reopened') AS sets_cancelled
    FROM entries
  ), folded AS MATERIALIZED (
    SELECT e.chain, min(e.seq) AS first, bool_or(e.sets_due) AS sets_due, bool_or(e.sets_handled) AS sets_handled,
      bool_or(e.sets_closed) AS sets_closed, bool_or(e.sets_cancelled) AS sets_cancelled,
      (array_agg(e.community_id ORDER BY e.seq DESC) FILTER (WHERE e.community_id IS NOT NULL))[1] AS area_id,
      coalesce((array_agg(e.body->>'kind' ORDER BY e.seq DESC) FILTER (WHERE e.body->>'kind' IS NOT NULL))[1], '') AS kind,
      coalesce((array_agg(e.body->>'mode' ORDER BY e.seq DESC) FILTER (WHERE e.body->>'mode' IS NOT NULL))[1], '') AS mode,
      coalesce((array_agg(e.body->>'category' ORDER BY e.seq DESC) FILTER (WHERE e.body->>'category' IS NOT NULL))[1], '') AS category,
      coalesce((array_agg(e.body->>'grid' ORDER BY e.seq DESC) FILTER (WHERE e.body->>'grid' IS NOT NULL))[1], '') AS grid,
      coalesce((array_agg(e.body->>'to' ORDER BY e.seq DESC) FILTER (WHERE e.body->>'to' IS NOT NULL))[1], '') AS department,
      (array_agg(e.state ORDER BY e.seq DESC))[1] AS state,
      min(e.at) AS reported_at,
      min(e.at) FILTER (WHERE e.state <> 'collected') AS accepted_at,
      min(e.at) FILTER (WHERE e.state IN ('accepted', 'dispatched', 'handled')) AS filed_at,
      min(e.at) FILTER (WHERE e.state = 'dispatched') AS dispatched_at,
      min(e.at) FILTER (WHERE e.state IN ('accepted', 'dispatched', 'handled', 'cancelled')) AS responded_at,
      (array_agg(CASE WHEN e.state = 'handled' THEN e.at END ORDER BY e.seq DESC) FILTER (WHERE e.sets_handled))[1] AS handled_at,
      (array_agg(CASE WHEN e.state = 'closed' THEN e.at END ORDER BY e.seq DESC) FILTER (WHERE e.sets_closed))[1] AS closed_at,
      (array_agg(CASE WHEN e.state = 'cancelled' THEN e.at END ORDER BY e.seq DESC) FILTER (WHERE e.sets_cancelled))[1]
        AS cancelled_at,
      (array_agg((e.body->>'due_at')::timestamptz ORDER BY e.seq DESC) FILTER (WHERE e.sets_due))[1] AS due_at,
      (array_agg(coalesce(e.body->>'close_due_at', e.body->>'due_at')::timestamptz ORDER BY e.seq DESC) FILTER (WHERE e.sets_due))[1] AS close_due_at,
      (array_agg((e.body->>'due_at')::timestamptz ORDER BY e.seq DESC) FILTER (WHERE e.body->>'due_at' IS NOT NULL AND e.action NOT IN ('extend', 'resume', 'answer')))[1] AS original_due_at,
      count(*) FILTER (WHERE e.action = 'extend') AS extensions,
      count(*) FILTER (WHERE e.enters AND e.state = 'parked') AS parkings,
      count(*) FILTER (WHERE e.body->>'from' IN ('handled', 'verified') AND e.state IN ('handling', 'returned'))
        AS reworks,
      count(*) FILTER (WHERE e.enters AND e.state = 'reopened') AS reopenings,
      (array_agg(e.state = 'parked' ORDER BY e.seq DESC))[1] AS parked,
      bool_or(e.action = 'allow_appeal') AS exempt,
      bool_or(coalesce((e.body->>'urgent')::boolean, false)) AS urgent,
      coalesce(max(whistle_rank(e.body->>'level')) FILTER (WHERE e.action IN ('whistle', 'escalate')), 0) AS whistled,
      (array_agg((e.body->>'rating')::smallint ORDER BY e.seq DESC) FILTER (WHERE e.action = 'rate'))[1] AS rating,
      (array_agg(e.at ORDER BY e.seq DESC) FILTER (WHERE e.action = 'rate'))[1] AS rated_at,
      max(e.seq) AS revision
    FROM events e GROUP BY e.chain
  ), changed AS (
    UPDATE case_facts known SET
      area_id = coalesce(f.area_id, known.area_id),
      kind = coalesce(nullif(f.kind, ''), known.kind),
      mode = coalesce(nullif(f.mode, ''), known.mode),
      category = coalesce(nullif(f.category, ''), known.category),
      grid = coalesce(nullif(f.grid, ''), known.grid),
      department = coalesce(nullif(f.department, ''), known.department),
      state = f.state,
      accepted_at = coalesce(known.accepted_at, f.accepted_at),
      filed_at = coalesce(known.filed_at, f.filed_at),
      dispatched_at = coalesce(known.dispatched_at, f.dispatched_at),
      responded_at = coalesce(known.responded_at, f.responded_at),
      handled_at = CASE WHEN f.sets_handled THEN f.handled_at ELSE known.handled_at END,
      closed_at = CASE WHEN f.sets_closed THEN f.closed_at ELSE known.closed_at END,
      cancelled_at = CASE WHEN f.sets_cancelled THEN f.cancelled_at ELSE known.cancelled_at END,
      due_at = CASE WHEN f.sets_due THEN f.due_at ELSE known.due_at END,
      close_due_at = CASE WHEN f.sets_due THEN f.close_due_at ELSE known.close_due_at END,
      original_due_at = coalesce(f.original_due_at, known.original_due_at),
      extensions = known.extensions + f.extensions,
      parkings = known.parkings + f.parkings,
      reworks = known.reworks + f.reworks,
      reopenings = known.reopenings + f.reopenings,
      parked = f.parked,
      exempt = known.exempt OR f.exempt,
      urgent = known.urgent OR f.urgent,
      whistled = greatest(known.whistled, f.whistled),
      rating = coalesce(f.rating, known.rating),
      rated_at = coalesce(f.rated_at, known.rated_at),
      revision = f.revision
    FROM folded f WHERE f.first > 1 AND known.case_id = f.chain
  )
  INSERT INTO case_facts (
    case_id, area_id, kind, mode, category, grid, department, state, reported_at, accepted_at,
    filed_at, dispatched_at, responded_at, handled_at, closed_at, cancelled_at, due_at, close_due_at,
    original_due_at, extensions, parkings, reworks, reopenings, parked, exempt, urgent, whistled, rating,
    rated_at, revision)
  SELECT f.chain, f.area_id, f.kind, f.mode, f.category, f.grid, f.department, f.state, f.reported_at,
    f.accepted_at, f.filed_at, f.dispatched_at, f.responded_at, f.handled_at, f.closed_at,
    f.cancelled_at, f.due_at, f.close_due_at, f.original_due_at, f.extensions, f.parkings, f.reworks,
    f.reopenings, f.parked, f.exempt, f.urgent, f.whistled, coalesce(f.rating, 0), f.rated_at, f.revision
  FROM folded f WHERE f.first = 1;
  RETURN NULL;
END $$;

UPDATE case_facts known SET whistled = said.whistled, rating = said.rating, rated_at = said.rated_at
FROM (SELECT l.chain,
        coalesce(max(whistle_rank(l.body->>'level')) FILTER (WHERE l.action <> 'rate'), 0) AS whistled,
        coalesce((array_agg((l.body->>'rating')::smallint ORDER BY l.seq DESC) FILTER (WHERE l.action = 'rate'))[1], 0)
          AS rating,
        (array_agg(happened_at(l.body, l.at) ORDER BY l.seq DESC) FILTER (WHERE l.action = 'rate'))[1] AS rated_at
      FROM log l WHERE l.stream = 'case' AND l.action IN ('whistle', 'escalate', 'rate') GROUP BY l.chain) said
WHERE known.case_id = said.chain;
