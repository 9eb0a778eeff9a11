"""How a sweep asks about the open jobs that it knows."""
