"""Atlas Restore Watch: publishes every status change of a MongoDB Atlas restore job."""
