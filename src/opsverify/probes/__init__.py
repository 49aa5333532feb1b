"""Probes: plain functions that ask once and return what they saw. They judge nothing.

`readiness(environment, service) -> Readiness`: the parameters after the environment are the
nouns looked at. A probe is bounded in time and size, counts what it sends (`opsverify.cost`) and
raises `CouldNotLook` when there is nothing to see; where reachability itself is the question it
returns the refusal as what it saw.
"""
