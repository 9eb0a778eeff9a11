"""Notify People: turns the messages of Atlas Restore Watch into what people read, and sends it."""

__version__ = "1.0.1"
"""The version of the stack. `restore_watch` has the same; neither imports the other."""
