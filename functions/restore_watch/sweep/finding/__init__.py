"""How a sweep finds the jobs that nobody named: what is asked, and in which order."""
