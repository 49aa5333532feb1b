CREATE TABLE rate_limits (
    tier text NOT NULL,
    feature text NOT NULL,
    a_month integer CHECK (a_month >= 0),
    PRIMARY KEY (tier, feature)
);
COMMENT ON COLUMN rate_limits.a_month IS 'Uses in a calendar month; null: as many as wanted';
INSERT INTO rate_limits (tier, feature, a_month) VALUES
    ('FREE', 'hunter_search', 5),
    ('PRO', 'hunter_search', NULL),
    ('ENTERPRISE', 'hunter_search', NULL);
