-- The number of a version that was deleted is not given again: minutes and mail may speak of it.

SET LOCAL search_path = weige, public;

CREATE TABLE version_numbers (
  community_id bigint PRIMARY KEY,
  last integer NOT NULL
);
INSERT INTO version_numbers SELECT community_id, max(number) FROM versions GROUP BY community_id;

-- As in 0011: of those who begin a version at the same time one waits for the other, now at the row of its number.
CREATE OR REPLACE FUNCTION number_version() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
BEGIN
  INSERT INTO version_numbers AS n VALUES (NEW.community_id, coalesce(NEW.number, 1))
    ON CONFLICT (community_id) DO UPDATE SET last = greatest(n.last, coalesce(NEW.number, n.last + 1))
    RETURNING coalesce(NEW.number, n.last) INTO NEW.number;
  RETURN NEW;
END $$;
