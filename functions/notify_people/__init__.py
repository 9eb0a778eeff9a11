"""Notify People: puts messages of Atlas Restore Watch into words for people, and sends them."""
