"""Notify People: puts messages of Atlas Restore Watch into words for people, and sends them."""

__version__ = "1.1.0"
"""The version of the stack. `restore_watch` has the same; neither imports the other."""
