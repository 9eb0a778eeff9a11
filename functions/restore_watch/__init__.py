"""Atlas Restore Watch: publishes every status change of a MongoDB Atlas restore job."""

__version__ = "1.1.0"
"""The version is set here. template.yaml has to repeat it as text; a test compares the two."""
