-- The role that the suite looks with: it reads what monitoring needs, and changes nothing. Run as superuser, set the password
-- by \password. The suite's sessions are read-only by themselves; this makes it the server's rule too.
CREATE ROLE opsverify LOGIN CONNECTION LIMIT 12;
GRANT pg_monitor TO opsverify;
ALTER ROLE opsverify SET default_transaction_read_only = on;
ALTER ROLE opsverify SET statement_timeout = '10s';
ALTER ROLE opsverify SET idle_in_transaction_session_timeout = '10s';
-- Slow statements (DB-07) are seen in the platform's database, when its server loads pg_stat_statements:
-- CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
