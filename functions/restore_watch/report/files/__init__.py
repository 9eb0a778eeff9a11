"""The four files of a report."""
