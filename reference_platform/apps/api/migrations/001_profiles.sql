CREATE TABLE profiles (
    id uuid PRIMARY KEY,
    identity_id uuid NOT NULL,
    slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9-]+$'),
    display_name text NOT NULL,
    did text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX profiles_identity_id ON profiles (identity_id);
