"""Journeys: flows through the platform that write, and clean up after themselves.

All they write is synthetic: it carries the tenant's mark, the id of the journey that wrote it, and
a lease, after which the next journey removes it should this one be killed.
"""
