"""What PostgreSQL says of itself: all questions of all checks in one connection and one pipelined round.

`asking` sends them, `questions` has them as SQL, each answered or refused by itself. The other modules, one
a topic, read their part of the answers. Nothing is changed: the statements that findings show are for the
operator.
"""
