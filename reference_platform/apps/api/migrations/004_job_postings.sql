CREATE TABLE job_postings (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    title text NOT NULL,
    company text NOT NULL,
    location text NOT NULL,
    keywords text[] NOT NULL DEFAULT '{}',
    posted_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX job_postings_keywords ON job_postings USING gin (keywords);
