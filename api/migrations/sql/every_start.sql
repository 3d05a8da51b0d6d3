-- What neither a dump nor an extension's update keeps: set again at every start.

-- Row-level security puts its own conditions before any function that might leak a value, and so shuts out the
-- spatial indexes. The overlap of two boxes tells nothing of rows it does not return. Only a superuser may say
-- so; elsewhere the answers are the same, and slower.
DO $$ BEGIN
  ALTER FUNCTION geometry_overlaps(geometry, geometry) LEAKPROOF;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE NOTICE 'spatial indexes are not used under row-level security: the role is no superuser';
END $$;
