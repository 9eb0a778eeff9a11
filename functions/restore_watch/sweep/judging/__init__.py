"""What the log of a sweep means: its counts, the troubles of projects, and what is reported."""
