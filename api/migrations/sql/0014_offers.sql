-- The board of offers changes under the eyes of all who read it: what is offered, claimed, given back, lapsed or done is
-- told to them, by the id of the offer alone.

SET LOCAL search_path = weige, public;

CREATE FUNCTION tell_offer() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
BEGIN
  IF TG_TABLE_NAME = 'offers' THEN
    PERFORM tell('offer', jsonb_build_object('offer', NEW.id), NEW.area_id, NULL, NULL);
  ELSE
    PERFORM tell('offer', jsonb_build_object('offer', o.id), o.area_id, NULL, NULL) FROM offers o WHERE o.id = NEW.offer_id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER tell_offer AFTER INSERT ON offers FOR EACH ROW EXECUTE FUNCTION tell_offer();
CREATE TRIGGER tell_offer AFTER INSERT OR UPDATE ON claims FOR EACH ROW EXECUTE FUNCTION tell_offer();
