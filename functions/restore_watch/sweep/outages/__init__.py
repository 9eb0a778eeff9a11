"""Projects that the watch cannot see, and how that is reported."""
