-- Reports that wait at the same time are filed together (api/cases/report_batches.py).

SET LOCAL search_path = weige, public;

-- File reports of machines one after the other, each by whoever holds its token; all of them or, where one is refused,
-- none. Where a token is not valid or has ended, the row is null and the others are filed.
CREATE FUNCTION report_cases(tokens bytea[], facts jsonb)
RETURNS TABLE (user_id bigint, name text, csrf_token text, grants jsonb, receipt text) LANGUAGE plpgsql AS $$
BEGIN
  FOR at IN 1 .. cardinality(tokens) LOOP
    receipt := NULL;
    SELECT e.user_id, e.name, e.csrf_token, e.grants INTO user_id, name, csrf_token, grants
      FROM enter(tokens[at], '{token}') e;
    IF FOUND THEN
      receipt := report_case(facts -> (at - 1));
    END IF;
    RETURN NEXT;
  END LOOP;
END $$;
