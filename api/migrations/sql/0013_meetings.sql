-- What came of meetings (小区议事日, 巷理事): how many were present, and what became of each case that was talked about.
-- Heads are counted, nobody is named. What was written stays; a mistake is put right by a record that names the first.

SET LOCAL search_path = weige, public;

CREATE TABLE meetings (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  division_id bigint NOT NULL REFERENCES divisions,
  day date NOT NULL,
  kind text NOT NULL CHECK (kind IN ('estate_day', 'lane_list', 'other')),
  present integer NOT NULL CHECK (present BETWEEN 1 AND 100000),
  note text NOT NULL DEFAULT '' CHECK (length(note) <= 500) CONSTRAINT impersonal_note CHECK (NOT tells_a_person(note)),
  corrects bigint CONSTRAINT corrected_already UNIQUE REFERENCES meetings,
  set_by bigint NOT NULL REFERENCES users,
  set_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT meeting_to_come CHECK (day <= (set_at AT TIME ZONE 'UTC')::date + 1)
);
CREATE INDEX meetings_division ON meetings (division_id, day DESC);

CREATE TABLE meeting_items (
  meeting_id bigint NOT NULL REFERENCES meetings,
  position integer NOT NULL CHECK (position >= 1),
  case_number text NOT NULL REFERENCES cases (number),
  outcome text NOT NULL CHECK (outcome IN ('decided', 'put_off', 'sent_on')),
  note text NOT NULL CHECK (length(note) <= 500) CONSTRAINT impersonal_note CHECK (NOT tells_a_person(note)),
  PRIMARY KEY (meeting_id, position),
  CONSTRAINT talked_about_twice UNIQUE (meeting_id, case_number),
  -- What was decided, or where to it was sent, is said.
  CONSTRAINT outcome_unsaid CHECK (outcome = 'put_off' OR note ~ '\S')
);
CREATE INDEX meeting_items_case ON meeting_items (case_number);

-- Record a meeting with its items (objects of case, outcome and note), whole or not at all. Null where the actor may not
-- know of the division, or of the record that this one corrects.
CREATE FUNCTION record_meeting(
  division bigint, held date, which text, heads integer, said text, mistaken bigint, items jsonb)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = weige, public, pg_temp AS $$
DECLARE
  ground ltree;
  made bigint;
BEGIN
  SELECT path INTO ground FROM divisions WHERE id = division;
  IF ground IS NULL OR NOT ground <@ ANY (reading_areas()) THEN
    RETURN NULL;
  END IF;
  IF NOT ground <@ ANY (areas('grid_worker', 'dispatcher', 'admin')) THEN
    RAISE EXCEPTION 'not allowed to record a meeting here' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF mistaken IS NOT NULL AND NOT EXISTS (SELECT FROM meetings WHERE id = mistaken AND division_id = division) THEN
    RETURN NULL;
  END IF;
  INSERT INTO meetings (division_id, day, kind, present, note, corrects, set_by)
    VALUES (division, held, which, heads, said, mistaken, actor()) RETURNING id INTO made;
  INSERT INTO meeting_items (meeting_id, position, case_number, outcome, note)
    SELECT made, one.at, c.number, one.item ->> 'outcome', one.item ->> 'note'
    FROM jsonb_array_elements(items) WITH ORDINALITY AS one (item, at)
      JOIN cases c ON c.number = one.item ->> 'case' AND c.area <@ ground;
  IF (SELECT count(*) FROM meeting_items WHERE meeting_id = made) <> jsonb_array_length(items) THEN
    RAISE EXCEPTION 'there is no such case in the area'
      USING ERRCODE = 'invalid_parameter_value', CONSTRAINT = 'no_such_case';
  END IF;
  PERFORM audit('meeting_recorded', jsonb_build_object('meeting', made, 'division', division, 'corrects', mistaken),
                division);
  RETURN made;
END $$;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['meetings', 'meeting_items'] LOOP
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I
                    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('GRANT SELECT ON %I TO weige_app', name);
  END LOOP;
END $$;
CREATE POLICY read ON meetings FOR SELECT TO weige_app USING (division_id IN (SELECT divisions_in(case_areas())));
CREATE POLICY read ON meeting_items FOR SELECT TO weige_app USING (meeting_id IN (SELECT id FROM meetings));
