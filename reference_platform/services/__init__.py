"""The platform's three services, on the interface that the real ones have.

Each is a Starlette application that knows its own work and nothing of the platform around it:
settings come from the environment as the runbook names them. `serving` puts around it what all
have in common (requests are logged and counted) and, between the two, the place where a fault
can answer in the service's stead.
"""
