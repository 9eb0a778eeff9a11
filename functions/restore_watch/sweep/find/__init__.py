"""How a sweep finds the jobs that nobody named."""
