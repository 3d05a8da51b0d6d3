-- A step may need that a request of the handler stands (`requested` in the table of steps): more time, or parking.

SET LOCAL search_path = weige, public;

-- It stands until it is answered, or the work that it was about is done or in other hands.
CREATE FUNCTION request_stands(number text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT coalesce((
    SELECT l.action IN ('request_extension', 'request_parking') FROM log l
    WHERE l.stream = 'case' AND l.chain = request_stands.number AND l.action = ANY (
      '{request_extension,request_parking,refuse_request,extend,park,transfer,return,submit,finish}')
    ORDER BY l.seq DESC LIMIT 1), false)
$$;

DO $$
DECLARE
  body text := pg_get_functiondef('step_case(text, text, jsonb, bigint)'::regprocedure);
BEGIN
  ASSERT body LIKE '%WHEN ''held'' THEN%';
  EXECUTE replace(body, 'WHEN ''held'' THEN',
                  'WHEN ''requested'' THEN PERFORM need_of_case(request_stands(c.number), need);
      WHEN ''held'' THEN');
END $$;

UPDATE case_steps SET needs = needs || '{requested}'::text[]
WHERE step = 'refuse_request' AND NOT 'requested' = ANY (needs);
