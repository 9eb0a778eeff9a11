"""A question to Atlas within the pace, how it ended, and how far a list is read."""
