"""What the watch cannot see, and who is told."""
