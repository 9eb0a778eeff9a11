"""How the time of an invocation is shared."""

SWEEP_TIME = 125.0
"""Seconds that a sweep takes at most: the function's timeout."""

CHECK_TIME = 60.0
"""Seconds that an invocation takes at most, unless it is a sweep: somebody may wait for it."""

QUESTION_TIME = 6.0
"""Seconds for a question about each of several jobs, and for the answers to its workflows."""

PUBLISHING_TIME = 4.0
"""Seconds that Atlas and Step Functions leave to the table and the topic, even if they hang."""

PENDING_TIME = 15.0
"""Seconds that the publication of pending messages may take."""

ENDING_TIME = 5.0
"""Seconds of the invocation that are kept for recording, publishing and giving the lease back."""

FOLLOWING_TIME = 2.0
"""Seconds that a check may take to start a sweep: somebody waits for it, and a tick comes soon."""
