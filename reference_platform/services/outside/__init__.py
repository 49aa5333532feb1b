"""Doubles of what stands outside the platform: the status page's server, and the tickets'."""
