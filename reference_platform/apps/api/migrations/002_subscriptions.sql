CREATE TABLE subscriptions (
    profile_id uuid PRIMARY KEY REFERENCES profiles ON DELETE CASCADE,
    tier text NOT NULL CHECK (tier IN ('FREE', 'PRO', 'ENTERPRISE')),
    status text NOT NULL DEFAULT 'active',
    stripe_customer_id text,
    current_period_end timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now()
);
