-- Versions of a community are told apart by numbers that stay, and who redraws one knows who else does.

SET LOCAL search_path = weige, public;

ALTER TABLE versions ADD COLUMN number integer;
ALTER TABLE versions DISABLE TRIGGER USER;
UPDATE versions v SET number = n.number
  FROM (SELECT id, row_number() OVER (PARTITION BY community_id ORDER BY created_at, id) AS number FROM versions) n
  WHERE n.id = v.id;
ALTER TABLE versions ENABLE TRIGGER USER;
ALTER TABLE versions ALTER COLUMN number SET NOT NULL, ADD CHECK (number >= 1),
  ADD CONSTRAINT one_number_a_community UNIQUE (community_id, number);

-- The next number of the community; of those who begin a version at the same time one waits for the other.
CREATE FUNCTION number_version() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
BEGIN
  IF NEW.number IS NULL THEN
    PERFORM pg_advisory_xact_lock(hashtextextended('versions of ' || NEW.community_id, 0));
    SELECT coalesce(max(number), 0) + 1 INTO NEW.number FROM versions WHERE community_id = NEW.community_id;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER number_version BEFORE INSERT ON versions FOR EACH ROW EXECUTE FUNCTION number_version();

-- Names of those who began, published or redrew versions of a community, for those who may redraw them too. Others
-- see the names that accounts let them see.
CREATE FUNCTION authors(community bigint) RETURNS TABLE (id bigint, name text) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = weige, public, pg_temp AS $$
  SELECT u.id, u.name FROM users u
  WHERE community IN (SELECT plannable()) AND u.id IN (
    SELECT v.created_by FROM versions v WHERE v.community_id = community
    UNION SELECT v.published_by FROM versions v WHERE v.community_id = community
    UNION SELECT l.actor FROM log l
      WHERE l.stream = 'edits' AND l.chain IN (SELECT v.id::text FROM versions v WHERE v.community_id = community))
$$;
