"""Atlas Restore Watch: announces every status change of a MongoDB Atlas restore job."""

__version__ = "1.0.0"
"""The one version. The application repository takes text only: a test compares template.yaml's."""
