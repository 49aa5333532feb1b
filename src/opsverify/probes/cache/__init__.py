"""What Redis says of itself: two readings of its statistics, a bounded sample of its keys, its queue.

`reading` asks, once a run for all checks; the other modules, one a topic, read their part.
"""
