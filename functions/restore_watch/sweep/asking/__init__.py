"""How a sweep asks Atlas: about the jobs that it knows, and for those that nobody named."""
