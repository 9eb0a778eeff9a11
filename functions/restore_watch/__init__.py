"""Atlas Restore Watch: announces every status change of a MongoDB Atlas restore job."""

__version__ = "1.0.0"
