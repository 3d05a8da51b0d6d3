-- Calls of whistles change under the eyes of all who read their area: that a department was called, came, finished, was let
-- go or is late by a level is told to them, by the id of the call alone.

SET LOCAL search_path = weige, public;

CREATE FUNCTION tell_call() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
BEGIN
  PERFORM tell('call', jsonb_build_object('call', NEW.id), w.area_id, NULL, NULL) FROM whistles w WHERE w.id = NEW.whistle_id;
  RETURN NULL;
END $$;
CREATE TRIGGER tell_call AFTER INSERT OR UPDATE ON whistle_calls FOR EACH ROW EXECUTE FUNCTION tell_call();

-- Whistles of the cases that the actor sees (as sees_case says), without a look at all cases.
CREATE FUNCTION seen_whistles() RETURNS SETOF bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
  WITH own AS MATERIALIZED (SELECT department, area FROM own_departments())
  SELECT w.id FROM whistles w JOIN cases c ON c.number = w.case_number
  WHERE c.area <@ ANY ((SELECT case_areas())::ltree[]) OR (c.reported_by = (SELECT actor())) IS TRUE
     OR w.case_number IN (SELECT called_cases())
     OR EXISTS (SELECT FROM own WHERE own.department = ANY (c.receivers) AND c.area <@ own.area)
$$;
ALTER POLICY read ON whistles USING (id IN (SELECT seen_whistles()));
ALTER POLICY read ON whistle_calls USING (whistle_id IN (SELECT seen_whistles()));

-- Calls of these whistles, as far as the actor sees them, with the case and with what each department said: that stands
-- in the log of the case right after its call was changed.
CREATE FUNCTION called_departments(chosen bigint[]) RETURNS TABLE (
  whistle bigint, case_number text, note text, blown_by bigint, blown_at timestamptz, called_at timestamptz,
  category_name text, area text, grid text, state text, is_open boolean, rating integer, id bigint, department text,
  level text, first_due_at timestamptz, due_at timestamptz, escalations smallint, reported_in_at timestamptz,
  done_at timestamptz, released_at timestamptz, reported_in_note text, done_note text, released_note text,
  may_answer boolean, may_release boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
  SELECT w.id, w.case_number, w.note, w.blown_by, w.blown_at, w.blown_at, h.small_name, a.code, c.grid, c.state, s.is_open,
    (SELECT (l.body ->> 'rating')::integer FROM log l WHERE l.stream = 'case' AND l.chain = w.case_number
       AND l.action = 'rate' ORDER BY l.seq DESC LIMIT 1),
    k.id, k.department, k.level, k.first_due_at, k.due_at, k.escalations, k.reported_in_at, k.done_at, k.released_at,
    said.come, said.done, said.released,
    handles_for(ARRAY[k.department], w.area), w.area <@ ANY ((SELECT areas('dispatcher', 'inspector'))::ltree[])
  FROM whistles w JOIN whistle_calls k ON k.whistle_id = w.id JOIN cases c ON c.number = w.case_number
    JOIN case_states s ON s.state = c.state JOIN divisions a ON a.id = c.area_id
    JOIN case_categories h ON (h.edition, h.category) = (c.edition, c.category),
    LATERAL (SELECT
      (array_agg(l.body ->> 'note' ORDER BY l.seq) FILTER (WHERE l.action = 'report_in' AND l.at >= k.reported_in_at))[1] AS come,
      (array_agg(l.body ->> 'note' ORDER BY l.seq) FILTER (WHERE l.action = 'call_done' AND l.at >= k.done_at))[1] AS done,
      (array_agg(l.body ->> 'note' ORDER BY l.seq) FILTER (WHERE l.action = 'call_released' AND l.at >= k.released_at))[1]
        AS released
      FROM log l WHERE l.stream = 'case' AND l.chain = w.case_number AND l.body ->> 'department' = k.department) said
  WHERE w.id = ANY (chosen) AND w.id IN (SELECT seen_whistles())
  ORDER BY w.id, k.id
$$;

-- Calls that the actor sees; unfinished where the department is still to come or to finish, and its case is open.
CREATE FUNCTION seen_calls() RETURNS TABLE (
  whistle bigint, first_due_at timestamptz, reported_in_at timestamptz, unfinished boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
  SELECT k.whistle_id, k.first_due_at, k.reported_in_at, s.is_open AND k.done_at IS NULL AND k.released_at IS NULL
  FROM whistle_calls k JOIN whistles w ON w.id = k.whistle_id JOIN cases c ON c.number = w.case_number
    JOIN case_states s ON s.state = c.state
  WHERE w.id IN (SELECT seen_whistles())
$$;
