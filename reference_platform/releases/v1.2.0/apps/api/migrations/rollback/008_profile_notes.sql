ALTER TABLE profiles DROP COLUMN pronouns;
DROP TABLE profile_notes;
