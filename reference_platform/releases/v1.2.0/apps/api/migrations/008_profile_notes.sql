CREATE TABLE profile_notes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    profile_id uuid NOT NULL REFERENCES profiles ON DELETE CASCADE,
    body text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX profile_notes_profile_id ON profile_notes (profile_id);
ALTER TABLE profiles ADD COLUMN pronouns text;
