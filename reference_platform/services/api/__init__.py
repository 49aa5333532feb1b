"""The api: profiles, taxonomy, job search, billing."""
