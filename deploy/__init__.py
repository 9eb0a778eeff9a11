"""What is released, and the ways to install it without a checkout."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD = ROOT / ".aws-sam" / "build"

FUNCTIONS = {"RestoreWatchFunction": "restore_watch", "NotifyPeopleFunction": "notify_people"}
"""The package of each function, by its logical id."""

SAME_CODE = {
    "ReportFunction": "RestoreWatchFunction",
    "MeasureFunction": "RestoreWatchFunction",
}
"""The functions that have the package of another function, by their logical ids."""
