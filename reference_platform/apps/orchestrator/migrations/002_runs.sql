CREATE TABLE runs (
    id text PRIMARY KEY,
    status text NOT NULL CHECK (status IN ('queued', 'running', 'completed', 'failed')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX runs_created_at ON runs (created_at);
ALTER TABLE tasks ADD COLUMN run_id text REFERENCES runs ON DELETE CASCADE;
CREATE INDEX tasks_run_id ON tasks (run_id);
