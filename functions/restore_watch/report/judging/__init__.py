"""The state of each cluster, by its restores."""
