-- The extension is made by whoever sets the database up: it takes a superuser.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'vector') THEN
        CREATE TABLE profile_embeddings (
            profile_id uuid PRIMARY KEY REFERENCES profiles ON DELETE CASCADE,
            embedding vector(8) NOT NULL
        );
    ELSE
        CREATE TABLE profile_embeddings (
            profile_id uuid PRIMARY KEY REFERENCES profiles ON DELETE CASCADE,
            embedding real[] NOT NULL
        );
    END IF;
END
$$;
