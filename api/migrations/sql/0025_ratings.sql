-- What whoever reported a case gave for it stands: the desk rates only where he did not (`unrated` in the table of steps).

SET LOCAL search_path = weige, public;

-- After a case was opened again, what is done anew may be rated anew.
CREATE FUNCTION may_rate(c cases) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT (c.reported_by = actor()) IS TRUE OR NOT EXISTS (
    SELECT FROM log l
    WHERE l.stream = 'case' AND l.chain = c.number AND l.action = 'rate' AND l.actor = c.reported_by
      AND l.seq > coalesce((SELECT max(again.seq) FROM log again WHERE again.stream = 'case'
                            AND again.chain = c.number AND again.action = 'reopen'), 0))
$$;

DO $$
DECLARE
  body text := pg_get_functiondef('step_case(text, text, jsonb, bigint)'::regprocedure);
BEGIN
  ASSERT body LIKE '%WHEN ''requested'' THEN%';
  EXECUTE replace(body, 'WHEN ''requested'' THEN',
                  'WHEN ''unrated'' THEN PERFORM need_of_case(may_rate(c), need);
      WHEN ''requested'' THEN');
END $$;

UPDATE case_steps SET needs = needs || '{unrated}'::text[] WHERE step = 'rate' AND NOT 'unrated' = ANY (needs);
