-- Notes on the wall: somebody saw a case, or wants it quiet for a while. They stand in the log, in a chain for
-- each case, and end by themselves when the case comes into another state.

SET LOCAL search_path = weige, public;

-- Note that a case on the wall was acknowledged, muted until a moment, or neither any more (clear). Null where
-- there is no such case for the actor.
CREATE FUNCTION note_on_wall(which text, said text, note text, until timestamptz) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
DECLARE
  c cases;
  body jsonb;
BEGIN
  SELECT * INTO c FROM cases WHERE number = which;
  IF NOT FOUND OR sees_case(c) IS NOT TRUE THEN
    RETURN NULL;
  END IF;
  IF NOT c.area <@ ANY (areas('dispatcher', 'verifier', 'inspector', 'grid_worker', 'admin')) THEN
    RAISE EXCEPTION 'not allowed to note on the wall' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF said NOT IN ('acknowledge', 'mute', 'clear') OR length(note) > 200 OR (said = 'mute') <> (until IS NOT NULL)
     OR until NOT BETWEEN clock_timestamp() AND clock_timestamp() + interval '24 hours' THEN
    RAISE EXCEPTION 'no note of the wall' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF tells_a_person(note) THEN
    RAISE EXCEPTION 'the note tells of a person'
      USING ERRCODE = 'invalid_parameter_value', CONSTRAINT = 'impersonal_text';
  END IF;
  body := jsonb_strip_nulls(jsonb_build_object('note', nullif(note, ''), 'until', until, 'state', c.state));
  PERFORM log_append('wall', c.number, said, body, c.area_id);
  body := body || jsonb_build_object('number', c.number, 'said', said);
  INSERT INTO events (community_id, area, kind, roles, body)
  VALUES (c.community_id, c.area, 'case.noted', case_readers(), body);
  RETURN body;
END $$;
